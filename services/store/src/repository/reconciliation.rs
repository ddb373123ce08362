//! Payments as they are compared with the provider's books.

use chrono::{DateTime, Utc};
use contract::id::{OrderId, PaymentId};
use contract::store::PaymentStatus;
use contract::store::maintenance::OurBooks;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::payment::Charge;

/// A payment in our books.
#[derive(Debug, Clone)]
pub struct Row {
    pub id: PaymentId,
    pub order_id: OrderId,
    pub status: PaymentStatus,
    pub amount: i64,
    pub refunded_amount: i64,
    pub version: i64,
    /// A saga of its order goes on or waits: the books may differ.
    pub in_flight: bool,
    pub created_at: DateTime<Utc>,
    reference: Option<String>,
    currency: String,
    method: String,
    token: Option<String>,
}

impl Row {
    pub const fn books(&self) -> OurBooks {
        OurBooks { status: self.status, amount: self.amount, refunded_amount: self.refunded_amount }
    }

    pub fn charge(&self) -> Charge {
        Charge {
            payment: self.id,
            order: self.order_id,
            amount: self.amount,
            currency: self.currency.clone(),
            method: self.method.clone(),
            token: self.token.clone().unwrap_or_default(),
            reference: self.reference.clone(),
        }
    }
}

/// Those that began in `from..to` behind `after`, in the order in which they did.
pub async fn begun(
    db: &mut PgConnection,
    provider: &str,
    (from, to): (DateTime<Utc>, DateTime<Utc>),
    after: (DateTime<Utc>, Uuid),
    limit: i64,
) -> Result<Vec<Row>, sqlx::Error> {
    sqlx::query_as!(
        Row,
        r#"
        select
          id as "id: PaymentId",
          order_id as "order_id: OrderId",
          status as "status: PaymentStatus",
          amount,
          refunded_amount,
          version,
          exists (
            select
            from saga
            where saga.order_id = payment.order_id and saga.state in ('RUNNING', 'COMPENSATING', 'STUCK')
          ) as "in_flight!",
          created_at as "created_at: DateTime<Utc>",
          provider_reference as reference,
          currency,
          method,
          token
        from payment
        where provider = $1
          and created_at >= $2
          and created_at < $3
          and (created_at, id) > ($4, $5)
        order by created_at, id
        limit $6
        "#,
        provider,
        from,
        to,
        after.0,
        after.1,
        limit
    )
    .fetch_all(db)
    .await
}

/// Those that began before `from`, whose orders a saga has changed for the last time in `from..to`, behind `after`, in the
/// order in which they began.
pub async fn ended(
    db: &mut PgConnection,
    provider: &str,
    (from, to): (DateTime<Utc>, DateTime<Utc>),
    after: (DateTime<Utc>, Uuid),
    limit: i64,
) -> Result<Vec<Row>, sqlx::Error> {
    sqlx::query_as!(
        Row,
        r#"
        select
          id as "id: PaymentId",
          order_id as "order_id: OrderId",
          status as "status: PaymentStatus",
          amount,
          refunded_amount,
          version,
          exists (
            select
            from saga
            where saga.order_id = payment.order_id and saga.state in ('RUNNING', 'COMPENSATING', 'STUCK')
          ) as "in_flight!",
          created_at as "created_at: DateTime<Utc>",
          provider_reference as reference,
          currency,
          method,
          token
        from payment
        where provider = $1
          and created_at < $2
          and (created_at, id) > ($4, $5)
          and order_id in (
            select order_id
            from saga
            where state in ('COMPLETED', 'COMPENSATED', 'RESOLVED') and updated_at >= $2 and updated_at < $3
          )
        order by created_at, id
        limit $6
        "#,
        provider,
        from,
        to,
        after.0,
        after.1,
        limit
    )
    .fetch_all(db)
    .await
}

/// Which of these payments are among [`begun`] or [`ended`].
pub async fn compared(
    db: &mut PgConnection,
    (from, to): (DateTime<Utc>, DateTime<Utc>),
    payments: &[PaymentId],
) -> Result<Vec<PaymentId>, sqlx::Error> {
    let ids: Vec<Uuid> = payments.iter().map(|payment| payment.as_uuid()).collect();
    sqlx::query_scalar!(
        r#"
        select id as "id: PaymentId"
        from payment
        where id = any($1)
          and created_at < $3
          and (
            created_at >= $2
            or exists (
              select
              from saga
              where saga.order_id = payment.order_id
                and saga.state in ('COMPLETED', 'COMPENSATED', 'RESOLVED')
                and saga.updated_at >= $2
                and saga.updated_at < $3
            )
          )
        "#,
        &ids,
        from,
        to
    )
    .fetch_all(db)
    .await
}

pub async fn named(
    db: &mut PgConnection,
    provider: &str,
    payments: &[PaymentId],
) -> Result<Vec<Row>, sqlx::Error> {
    let ids: Vec<Uuid> = payments.iter().map(|payment| payment.as_uuid()).collect();
    sqlx::query_as!(
        Row,
        r#"
        select
          id as "id: PaymentId",
          order_id as "order_id: OrderId",
          status as "status: PaymentStatus",
          amount,
          refunded_amount,
          version,
          exists (
            select
            from saga
            where saga.order_id = payment.order_id and saga.state in ('RUNNING', 'COMPENSATING', 'STUCK')
          ) as "in_flight!",
          created_at as "created_at: DateTime<Utc>",
          provider_reference as reference,
          currency,
          method,
          token
        from payment
        where provider = $1 and id = any($2)
        order by created_at, id
        "#,
        provider,
        &ids
    )
    .fetch_all(db)
    .await
}
