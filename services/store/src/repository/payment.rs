//! Payments and refunds of orders whose lock the caller holds.

use contract::id::{OrderId, PaymentId, RefundId, UserId};
use contract::store::PaymentStatus;
use sqlx::PgConnection;

/// How much of a payment can still be given back.
#[derive(Debug)]
pub struct Refundable {
    pub payment: PaymentId,
    pub status: PaymentStatus,
    /// What is neither given back nor about to be.
    pub left: i64,
}

/// A payment after a change of it.
#[derive(Debug)]
pub struct Changed {
    pub status: PaymentStatus,
    pub amount: i64,
    pub refunded_amount: i64,
    pub currency: String,
    pub version: i64,
}

/// Money that goes back.
#[derive(Debug)]
pub struct NewRefund<'a> {
    pub id: RefundId,
    pub payment: PaymentId,
    pub amount: i64,
    pub reason: &'a str,
    pub by: Option<UserId>,
}

/// The latest one.
pub async fn of_order(db: &mut PgConnection, order: OrderId) -> Result<Option<PaymentId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        select id as "id: PaymentId"
        from payment
        where order_id = $1
        order by created_at desc
        limit 1
        "#,
        order.as_uuid()
    )
    .fetch_optional(db)
    .await
}

pub async fn refundable(db: &mut PgConnection, order: OrderId) -> Result<Option<Refundable>, sqlx::Error> {
    sqlx::query_as!(
        Refundable,
        r#"
        select
          payment.id as "payment: PaymentId",
          payment.status as "status: PaymentStatus",
          (payment.amount - payment.refunded_amount - (
            select coalesce(sum(refund.amount), 0)
            from refund
            where refund.payment_id = payment.id and refund.state = 'PENDING'
          ))::bigint as "left!"
        from payment
        where payment.order_id = $1 and payment.status in ('CAPTURED', 'PARTIALLY_REFUNDED')
        for update of payment
        "#,
        order.as_uuid()
    )
    .fetch_optional(db)
    .await
}

pub async fn insert_refund(db: &mut PgConnection, new: &NewRefund<'_>) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        insert into refund (id, payment_id, amount, reason, actor_id)
        values ($1, $2, $3, $4, $5)
        "#,
        new.id.as_uuid(),
        new.payment.as_uuid(),
        new.amount,
        new.reason,
        new.by.map(UserId::as_uuid)
    )
    .execute(db)
    .await?;
    Ok(())
}

/// A payment of nothing goes back without a refund.
pub async fn close(db: &mut PgConnection, payment: PaymentId) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        update payment
        set status = 'REFUNDED', updated_at = now()
        where id = $1
        "#,
        payment.as_uuid()
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Books the refund as done. None: it was booked before.
pub async fn book_refund(db: &mut PgConnection, refund: RefundId) -> Result<Option<Changed>, sqlx::Error> {
    sqlx::query_as!(
        Changed,
        r#"
        with booked as (
          update refund
          set state = 'DONE', updated_at = now()
          where id = $1 and state = 'PENDING'
          returning payment_id, amount
        )
        update payment
        set
          refunded_amount = payment.refunded_amount + booked.amount,
          status = case
            when payment.refunded_amount + booked.amount = payment.amount then 'REFUNDED'
            else 'PARTIALLY_REFUNDED'
          end,
          version = payment.version + 1,
          updated_at = now()
        from booked
        where payment.id = booked.payment_id
        returning
          payment.status as "status: PaymentStatus",
          payment.amount,
          payment.refunded_amount,
          payment.currency,
          payment.version
        "#,
        refund.as_uuid()
    )
    .fetch_optional(db)
    .await
}

pub async fn fail_refund(db: &mut PgConnection, refund: RefundId) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        update refund
        set state = 'FAILED', updated_at = now()
        where id = $1 and state = 'PENDING'
        "#,
        refund.as_uuid()
    )
    .execute(db)
    .await?;
    Ok(())
}
