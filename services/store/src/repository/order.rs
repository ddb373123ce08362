//! Orders: placing them, and every change of them. An order's row is the lock of all that belongs to it: payment, refunds
//! and sagas are changed by whoever holds it.

use crate::domain::draft::Offer;
use chrono::{DateTime, Utc};
use contract::id::{ItemId, OrderId, PaymentId, SagaId, UserId};
use contract::store::{FailureCode, Order, OrderItem, OrderPayment, OrderStatus, PaymentStatus};
use serde_json::Value;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

/// The order's row, locked.
#[derive(Debug)]
pub struct Locked {
    pub user: UserId,
    pub status: OrderStatus,
    pub version: i64,
    pub cancel_requested_by: Option<UserId>,
    /// The deadline of the saga that was asked about has passed.
    pub overdue: bool,
}

/// A new order, with its payment and its saga unless there is no point in them.
#[derive(Debug)]
pub struct Placed<'a> {
    pub id: OrderId,
    pub user: UserId,
    pub currency: &'a str,
    pub total: i64,
    pub items: &'a [OrderItem],
    pub pursuit: Option<Pursuit<'a>>,
}

/// What is to bring a new order to its end.
#[derive(Debug)]
pub struct Pursuit<'a> {
    pub payment: PaymentId,
    pub provider: &'a str,
    pub method: &'a str,
    pub token: &'a str,
    pub saga: SagaId,
    pub owner: &'a str,
    pub lease_secs: f64,
    pub deadline_secs: f64,
    pub data: Value,
}

/// A change of an order, and why.
#[derive(Debug)]
pub struct Change<'a> {
    pub to: OrderStatus,
    pub failure: Option<FailureCode>,
    pub actor: Option<UserId>,
    pub reason: Option<&'a str>,
}

/// Those of the items that are for sale.
pub async fn for_sale(db: &mut PgConnection, items: &[ItemId]) -> Result<Vec<Offer>, sqlx::Error> {
    let ids: Vec<Uuid> = items.iter().map(|item| item.as_uuid()).collect();
    sqlx::query_as!(
        Offer,
        r#"
        select
          store_item.id as "id: ItemId",
          store_item.name,
          store_item.price,
          store_item.currency,
          stock.available
        from store_item
        join stock on stock.item_id = store_item.id
        where store_item.id = any ($1) and store_item.status = 'ACTIVE'
        "#,
        &ids
    )
    .fetch_all(db)
    .await
}

pub async fn insert(db: &mut PgConnection, new: &Placed<'_>) -> Result<(), sqlx::Error> {
    let (ids, names): (Vec<_>, Vec<_>) =
        new.items.iter().map(|item| (item.item_id.as_uuid(), item.name.clone())).unzip();
    let (prices, quantities): (Vec<_>, Vec<_>) =
        new.items.iter().map(|item| (item.unit_price, item.quantity)).unzip();
    let data = serde_json::json!({ "totalAmount": new.total, "currency": new.currency, "items": new.items });
    let pursuit = new.pursuit.as_ref();
    sqlx::query_file!(
        "src/repository/order_insert.sql",
        new.id.as_uuid(),
        new.user.as_uuid(),
        new.currency,
        new.total,
        data,
        &ids,
        &names,
        &prices,
        &quantities,
        pursuit.map(|pursuit| pursuit.payment.as_uuid()),
        pursuit.map(|pursuit| pursuit.provider),
        pursuit.map(|pursuit| pursuit.method),
        pursuit.map(|pursuit| pursuit.token),
        pursuit.map(|pursuit| pursuit.saga.as_uuid()),
        pursuit.map(|pursuit| pursuit.owner),
        pursuit.map(|pursuit| pursuit.lease_secs),
        pursuit.map(|pursuit| pursuit.deadline_secs),
        pursuit.map(|pursuit| pursuit.data.clone())
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Takes back the payment and the saga of an order of this transaction.
pub async fn drop_pursuit(
    db: &mut PgConnection,
    saga: SagaId,
    payment: PaymentId,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        with dropped as (delete from saga where id = $1)
        delete from payment where id = $2
        "#,
        saga.as_uuid(),
        payment.as_uuid()
    )
    .execute(db)
    .await?;
    Ok(())
}

pub async fn lock(
    db: &mut PgConnection,
    order: OrderId,
    saga: Option<SagaId>,
) -> Result<Option<Locked>, sqlx::Error> {
    sqlx::query_as!(
        Locked,
        r#"
        select
          user_id as "user: UserId",
          status as "status: OrderStatus",
          version,
          cancel_requested_by as "cancel_requested_by: UserId",
          coalesce((
            select clock_timestamp() >= saga.deadline
            from saga
            where saga.id = $2
          ), false) as "overdue!"
        from "order"
        where id = $1
        for update
        "#,
        order.as_uuid(),
        saga.map(SagaId::as_uuid)
    )
    .fetch_optional(db)
    .await
}

/// Changes the order, whose lock the caller holds, and says its new version.
pub async fn change(db: &mut PgConnection, order: OrderId, change: &Change<'_>) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        with before as (
          select status
          from "order"
          where id = $1
        ),
        changed as (
          update "order"
          set status = $2, failure_code = $3, version = version + 1, updated_at = now()
          where id = $1
          returning version
        ),
        told as (
          insert into order_history (order_id, seq, kind, from_status, to_status, actor_id, reason, data)
          select
            $1,
            (select coalesce(max(seq), 0) + 1 from order_history where order_id = $1),
            $2,
            before.status,
            $2,
            $4,
            $5,
            case when $3::text is null then '{}'::jsonb else jsonb_build_object('failureCode', $3::text) end
          from changed, before
        )
        select version
        from changed
        "#,
        order.as_uuid(),
        change.to.as_str(),
        change.failure.map(FailureCode::as_str),
        change.actor.map(UserId::as_uuid),
        change.reason
    )
    .fetch_one(db)
    .await
}

/// Sets or withdraws the wish to cancel the order, whose lock the caller holds.
pub async fn set_cancel_request(
    db: &mut PgConnection,
    order: OrderId,
    by: Option<UserId>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        update "order"
        set cancel_requested_by = $2
        where id = $1
        "#,
        order.as_uuid(),
        by.map(UserId::as_uuid)
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The order as clients see it.
pub async fn view(db: &mut PgConnection, order: OrderId) -> Result<Order, sqlx::Error> {
    let row = sqlx::query_file_as!(Row, "src/repository/order_views.sql", &[order.as_uuid()][..])
        .fetch_one(db)
        .await?;
    Ok(row.into())
}

pub(super) struct Row {
    pub(super) id: OrderId,
    pub(super) status: OrderStatus,
    pub(super) items: Json<Vec<OrderItem>>,
    pub(super) total_amount: i64,
    pub(super) currency: String,
    pub(super) failure_code: Option<FailureCode>,
    pub(super) payment_id: Option<PaymentId>,
    pub(super) payment_status: Option<PaymentStatus>,
    pub(super) payment_method: Option<String>,
    pub(super) payment_amount: Option<i64>,
    pub(super) payment_refunded_amount: Option<i64>,
    pub(super) created_at: DateTime<Utc>,
    pub(super) updated_at: DateTime<Utc>,
}

impl From<Row> for Order {
    fn from(row: Row) -> Self {
        let payment = row.payment_id.zip(row.payment_status).zip(row.payment_method);
        Self {
            id: row.id,
            status: row.status,
            items: row.items.0,
            total_amount: row.total_amount,
            currency: row.currency,
            payment: payment.map(|((id, status), method)| OrderPayment {
                id,
                status,
                method,
                amount: row.payment_amount.unwrap_or_default(),
                refunded_amount: row.payment_refunded_amount.unwrap_or_default(),
            }),
            failure_code: row.failure_code,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}
