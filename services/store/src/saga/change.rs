//! What is done to an order that is there: cancelling, giving money back, shipping, delivering.

use chassis::fresh_id;
use chassis::idempotency::Key;
use contract::id::{OrderId, PaymentId, RefundId, SagaId, UserId};
use contract::store::{OrderStatus, SagaKind, SagaStep};
use http::StatusCode;
use sqlx::PgConnection;

use super::Begun;
use super::runner::Inner;
use crate::error::Error;
use crate::repository::order::{self, Change};
use crate::repository::payment::{self, NewRefund as Booking};
use crate::repository::saga::{self, Data, New, Owed, Refund};

/// Money to give back.
#[derive(Debug, Clone)]
pub struct NewRefund {
    /// In minor units, above 0; none is all that is left.
    pub amount: Option<i64>,
    /// 1 to 500 characters.
    pub reason: String,
    pub by: UserId,
    /// The request that is answered with how it ends.
    pub answer: Option<Key>,
}

pub(super) async fn cancel(
    inner: &Inner,
    db: &mut PgConnection,
    id: OrderId,
    by: UserId,
    answer: Option<Key>,
) -> Result<Begun, Error> {
    let locked = order::lock(db, id, None).await?.filter(|locked| locked.user == by);
    let locked = locked.ok_or(Error::OrderNotFound)?;
    let answers = owed(answer);
    let kind = match locked.status {
        OrderStatus::Pending => SagaKind::Place,
        OrderStatus::Confirmed => SagaKind::Cancel,
        OrderStatus::Shipped
        | OrderStatus::Delivered
        | OrderStatus::Cancelled
        | OrderStatus::Failed
        | OrderStatus::Refunded => return Err(Error::OrderState),
    };
    let under_way = saga::unfinished(db, id, kind).await?;
    let saga = match (under_way, kind) {
        (Some(saga), _) => {
            saga::join(db, saga, &answers).await?;
            saga
        }
        // What is pending without a saga was not placed by this code.
        (None, SagaKind::Place) => return Err(Error::OrderState),
        (None, SagaKind::Cancel | SagaKind::Refund) => call_off(inner, db, id, answers).await?,
    };
    order::set_cancel_request(db, id, Some(by)).await?;
    Ok(Begun { order: id, saga: Some(saga), job: None })
}

/// Begins what calls a confirmed order off.
async fn call_off(
    inner: &Inner,
    db: &mut PgConnection,
    order: OrderId,
    answers: Vec<Owed>,
) -> Result<SagaId, Error> {
    // How much is left to give back is not sure before that one has ended.
    if saga::unfinished(db, order, SagaKind::Refund).await?.is_some() {
        return Err(Error::OrderState);
    }
    let payment = payment::of_order(db, order).await?.ok_or(Error::OrderState)?;
    let data = Data { payment, failure: None, refund: None, answers };
    begin(inner, db, order, (SagaKind::Cancel, SagaStep::Void), &data).await
}

pub(super) async fn refund(
    inner: &Inner,
    db: &mut PgConnection,
    id: OrderId,
    new: NewRefund,
) -> Result<(Begun, RefundId), Error> {
    let locked = order::lock(db, id, None).await?.ok_or(Error::OrderNotFound)?;
    let paid =
        matches!(locked.status, OrderStatus::Confirmed | OrderStatus::Shipped | OrderStatus::Delivered);
    if !paid || locked.cancel_requested_by.is_some() {
        return Err(Error::OrderState);
    }
    let refundable = payment::refundable(db, id).await?.ok_or(Error::OrderState)?;
    let amount = new.amount.unwrap_or(refundable.left);
    if amount <= 0 || amount > refundable.left {
        return Err(Error::OrderState);
    }
    let refund = fresh_id();
    let booking =
        Booking { id: refund, payment: refundable.payment, amount, reason: &new.reason, by: Some(new.by) };
    payment::insert_refund(db, &booking).await?;
    let data = Data {
        payment: refundable.payment,
        failure: None,
        refund: Some(Refund { id: refund, amount, reason: new.reason, by: new.by }),
        answers: owed(new.answer),
    };
    let saga = begin(inner, db, id, (SagaKind::Refund, SagaStep::Refund), &data).await?;
    Ok((Begun { order: id, saga: Some(saga), job: None }, refund))
}

async fn begin(
    inner: &Inner,
    db: &mut PgConnection,
    order: OrderId,
    (kind, step): (SagaKind, SagaStep),
    data: &Data,
) -> Result<SagaId, Error> {
    let id = fresh_id();
    let deadline_secs = inner.settings.deadline.as_secs_f64();
    saga::insert(db, &New { id, order, kind, step, deadline_secs, data }).await?;
    Ok(id)
}

fn owed(answer: Option<Key>) -> Vec<Owed> {
    answer.map(|key| Owed { key, status: StatusCode::OK.as_u16() }).into_iter().collect()
}

pub(super) async fn ship(db: &mut PgConnection, id: OrderId, by: UserId) -> Result<(), Error> {
    let locked = order::lock(db, id, None).await?.ok_or(Error::OrderNotFound)?;
    let paid_for = payment::refundable(db, id).await?.is_some();
    // Not before the money is there, and not what is being cancelled.
    if locked.status != OrderStatus::Confirmed || locked.cancel_requested_by.is_some() || !paid_for {
        return Err(Error::OrderState);
    }
    send(db, id, OrderStatus::Shipped, by).await
}

pub(super) async fn deliver(db: &mut PgConnection, id: OrderId, by: UserId) -> Result<(), Error> {
    let locked = order::lock(db, id, None).await?.ok_or(Error::OrderNotFound)?;
    if locked.status != OrderStatus::Shipped {
        return Err(Error::OrderState);
    }
    send(db, id, OrderStatus::Delivered, by).await
}

async fn send(db: &mut PgConnection, id: OrderId, to: OrderStatus, by: UserId) -> Result<(), Error> {
    order::change(db, id, &Change { to, failure: None, actor: Some(by), reason: None }).await?;
    Ok(())
}

pub(super) async fn payment_changed(db: &mut PgConnection, payment: PaymentId) -> Result<bool, Error> {
    Ok(saga::hasten(db, payment).await? > 0)
}
