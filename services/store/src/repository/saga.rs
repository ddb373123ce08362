//! Sagas: who holds them, and how they move.

use chassis::idempotency;
use contract::id::{OrderId, PaymentId, RefundId, SagaId, UserId};
use contract::store::{FailureCode, OrderItem, OrderStatus, PaymentStatus, SagaKind, SagaState, SagaStep};
use serde::{Deserialize, Serialize};
use sqlx::types::Json;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

/// What a saga knows beyond its columns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Data {
    pub payment: PaymentId,
    /// Why the order is given up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<FailureCode>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refund: Option<Refund>,
    /// Requests that wait for its end.
    #[serde(default)]
    pub answers: Vec<Owed>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Refund {
    pub id: RefundId,
    pub amount: i64,
    pub reason: String,
    pub by: UserId,
}

/// An answer to a request that is told apart by its idempotency key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Owed {
    pub key: idempotency::Key,
    pub status: u16,
}

/// A saga with all that it is about.
#[derive(Debug)]
pub struct Loaded {
    pub id: SagaId,
    pub kind: SagaKind,
    pub step: SagaStep,
    pub state: SagaState,
    pub attempt: i32,
    pub fence: i64,
    pub data: Json<Data>,
    pub overdue: bool,
    /// The order's placing has not ended yet, and this is another saga.
    pub preceded: bool,
    pub order: OrderId,
    pub user: UserId,
    pub status: OrderStatus,
    pub cancel_requested_by: Option<UserId>,
    pub total_amount: i64,
    pub currency: String,
    pub items: Json<Vec<OrderItem>>,
    pub payment: PaymentId,
    pub payment_status: PaymentStatus,
    pub reference: Option<String>,
    pub method: String,
    pub token: Option<String>,
    pub amount: i64,
}

/// A saga that is not the order's first.
#[derive(Debug)]
pub struct New<'a> {
    pub id: SagaId,
    pub order: OrderId,
    pub kind: SagaKind,
    pub step: SagaStep,
    pub deadline_secs: f64,
    pub data: &'a Data,
}

/// A move of a saga, and what it changes with it.
#[derive(Debug)]
pub struct Advance<'a> {
    pub saga: SagaId,
    /// As the caller knows it.
    pub fence: i64,
    /// 1 takes it away from whoever holds it.
    pub fence_step: i64,
    pub step: SagaStep,
    pub state: SagaState,
    pub attempt: i32,
    pub error: Option<&'a str>,
    pub resolution: Option<&'a str>,
    pub delay_secs: f64,
    /// The delay ends with the deadline.
    pub within_deadline: bool,
    pub failure: Option<FailureCode>,
    /// Who goes on with it, and how long the lease is.
    pub lease: Option<(&'a str, f64)>,
    pub payment: Option<PaymentChange<'a>>,
    pub order: Option<OrderChange<'a>>,
}

#[derive(Debug)]
pub struct PaymentChange<'a> {
    pub id: PaymentId,
    pub status: PaymentStatus,
    pub reference: Option<&'a str>,
    pub failure: Option<&'a str>,
    /// 1 when an event tells of it.
    pub events: i64,
}

#[derive(Debug)]
pub struct OrderChange<'a> {
    pub to: OrderStatus,
    pub failure: Option<FailureCode>,
    pub actor: Option<UserId>,
    pub reason: Option<&'a str>,
}

/// What came of an [`Advance`].
#[derive(Debug)]
pub struct Advanced {
    pub data: Json<Data>,
    pub refunded_amount: Option<i64>,
    pub payment_version: Option<i64>,
    pub order_version: Option<i64>,
}

/// None when the saga is not the caller's any more: the transaction must not commit then.
pub async fn advance(db: &mut PgConnection, advance: &Advance<'_>) -> Result<Option<Advanced>, sqlx::Error> {
    let patch = advance
        .failure
        .map_or_else(|| serde_json::json!({}), |failure| serde_json::json!({ "failure": failure }));
    let (payment, order) = (advance.payment.as_ref(), advance.order.as_ref());
    sqlx::query_file_as!(
        Advanced,
        "src/repository/saga_advance.sql",
        advance.saga.as_uuid(),
        advance.fence,
        advance.step.as_str(),
        advance.state.as_str(),
        advance.attempt,
        advance.error,
        advance.resolution,
        advance.delay_secs,
        advance.within_deadline,
        patch,
        advance.lease.map(|(owner, _)| owner),
        advance.lease.map_or(0.0, |(_, secs)| secs),
        advance.fence_step,
        payment.map(|payment| payment.id.as_uuid()),
        payment.map(|payment| payment.status.as_str()),
        payment.and_then(|payment| payment.reference),
        payment.and_then(|payment| payment.failure),
        payment.map_or(0, |payment| payment.events),
        order.map(|order| order.to.as_str()),
        order.and_then(|order| order.failure).map(FailureCode::as_str),
        order.and_then(|order| order.actor).map(UserId::as_uuid),
        order.and_then(|order| order.reason)
    )
    .fetch_optional(db)
    .await
}

/// Takes up to `limit` sagas that are due and that nobody holds, the longest due first.
pub async fn claim(
    db: &PgPool,
    owner: &str,
    lease_secs: f64,
    limit: i64,
) -> Result<Vec<Loaded>, sqlx::Error> {
    let taken = sqlx::query_scalar!(
        r#"
        with due as (
          select id
          from saga
          where
            state in ('RUNNING', 'COMPENSATING')
            -- A clock that was set back leaves times that nobody can have meant: no pause and no lease is that long.
            and not next_at between now() + interval '1 microsecond' and now() + interval '2 minutes'
            and (
              lease_until is null
              or not lease_until between now() and now() + 2 * make_interval(secs => $2)
            )
          order by next_at
          limit $3
          for update skip locked
        )
        update saga
        set lease_owner = $1, lease_until = now() + make_interval(secs => $2), fence = saga.fence + 1
        from due
        where saga.id = due.id
        returning saga.id
        "#,
        owner,
        lease_secs,
        limit
    )
    .fetch_all(db)
    .await?;
    if taken.is_empty() {
        return Ok(Vec::new());
    }
    load(&mut *db.acquire().await?, &taken, Some(owner)).await
}

/// A saga whoever holds it.
pub async fn find(db: &mut PgConnection, saga: SagaId) -> Result<Option<Loaded>, sqlx::Error> {
    Ok(load(db, &[saga.as_uuid()], None).await?.pop())
}

async fn load(
    db: &mut PgConnection,
    sagas: &[Uuid],
    owner: Option<&str>,
) -> Result<Vec<Loaded>, sqlx::Error> {
    sqlx::query_file_as!(Loaded, "src/repository/saga_load.sql", sagas, owner).fetch_all(db).await
}

pub async fn order_of(db: &mut PgConnection, saga: SagaId) -> Result<Option<OrderId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        select order_id as "order_id: OrderId"
        from saga
        where id = $1
        "#,
        saga.as_uuid()
    )
    .fetch_optional(db)
    .await
}

pub async fn state(db: &PgPool, saga: SagaId) -> Result<Option<SagaState>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        select state as "state: SagaState"
        from saga
        where id = $1
        "#,
        saga.as_uuid()
    )
    .fetch_optional(db)
    .await
}

/// The order's sagas of a kind that have not ended.
pub async fn unfinished(
    db: &mut PgConnection,
    order: OrderId,
    kind: SagaKind,
) -> Result<Option<SagaId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        select id as "id: SagaId"
        from saga
        where order_id = $1 and kind = $2 and state in ('RUNNING', 'COMPENSATING', 'STUCK')
        order by created_at
        limit 1
        "#,
        order.as_uuid(),
        kind.as_str()
    )
    .fetch_optional(db)
    .await
}

pub async fn insert(db: &mut PgConnection, new: &New<'_>) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        insert into saga (id, order_id, kind, step, deadline, data)
        values ($1, $2, $3, $4, now() + make_interval(secs => $5), $6)
        "#,
        new.id.as_uuid(),
        new.order.as_uuid(),
        new.kind.as_str(),
        new.step.as_str(),
        new.deadline_secs,
        serde_json::to_value(new.data).map_err(|error| sqlx::Error::Encode(error.into()))?
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Makes it due now, and lets one more request wait for its end.
pub async fn join(db: &mut PgConnection, saga: SagaId, owed: &[Owed]) -> Result<(), sqlx::Error> {
    let owed = serde_json::to_value(owed).map_err(|error| sqlx::Error::Encode(error.into()))?;
    sqlx::query!(
        r#"
        update saga
        set
          next_at = least(next_at, now()),
          data = jsonb_set(data, '{answers}', coalesce(data -> 'answers', '[]'::jsonb) || $2::jsonb)
        where id = $1
        "#,
        saga.as_uuid(),
        owed
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Makes the sagas of the payment's order due now; says how many there are.
pub async fn hasten(db: &mut PgConnection, payment: PaymentId) -> Result<u64, sqlx::Error> {
    let hastened = sqlx::query!(
        r#"
        with asked as (
          select saga.id
          from saga
          join payment on payment.order_id = saga.order_id
          where payment.id = $1 and saga.state in ('RUNNING', 'COMPENSATING')
          order by saga.created_at
          for update of saga
        )
        update saga
        set next_at = least(saga.next_at, now())
        from asked
        where saga.id = asked.id
        "#,
        payment.as_uuid()
    )
    .execute(db)
    .await?;
    Ok(hastened.rows_affected())
}

/// Makes the sagas due that have waited for the end of the order's placing.
pub async fn release_waiting(db: &mut PgConnection, order: OrderId) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        update saga
        set next_at = least(next_at, now())
        where order_id = $1 and kind = 'CANCEL' and state = 'RUNNING'
        "#,
        order.as_uuid()
    )
    .execute(db)
    .await?;
    Ok(())
}
