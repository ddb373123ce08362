//! Writing what follows from an outcome, in one transaction.

use std::time::Duration;

use chassis::idempotency::{self, Answer};
use contract::id::{OrderId, RefundId, UserId};
use contract::store::{
    OrderSnapshot, OrderStatus, PaymentSnapshot, PaymentStatus, SagaState, SagaStep, kind,
};
use http::{StatusCode, header};
use sqlx::PgConnection;

use super::job::Job;
use crate::domain::saga::{Advance, Next, OrderWrite, PaymentWrite, StockWrite};
use crate::events;
use crate::repository::order::{self, Locked};
use crate::repository::payment::{self, Changed, NewRefund};
use crate::repository::saga::{self, Advanced, Data, OrderChange, Owed, PaymentChange};
use crate::repository::stock::{self, Move};

/// How the saga stands after it.
pub(super) struct Terms<'a> {
    pub(super) fence_step: i64,
    pub(super) attempt: i32,
    /// Before it is due again.
    pub(super) delay: Duration,
    pub(super) lease: Option<(&'a str, f64)>,
    /// Who ended it by hand, and why.
    pub(super) resolution: Option<&'a str>,
    pub(super) actor: Option<UserId>,
}

/// None when the saga is somebody else's by now: nothing may be committed then. The order is locked by the caller.
pub(super) async fn write(
    db: &mut PgConnection,
    job: &Job,
    locked: &Locked,
    advance: &Advance,
    terms: &Terms<'_>,
) -> Result<Option<Advanced>, sqlx::Error> {
    let (step, state, error) = rest(job, &advance.next);
    let change = order_change(advance.order.as_ref(), locked, terms);
    let saga_advance = saga::Advance {
        saga: job.id,
        fence: job.fence,
        fence_step: terms.fence_step,
        step,
        state,
        attempt: terms.attempt,
        error,
        resolution: terms.resolution,
        delay_secs: terms.delay.as_secs_f64(),
        within_deadline: step == SagaStep::Authorise,
        failure: match advance.next {
            Next::Rest(rest) => rest.failure(),
            Next::Retry { .. } | Next::Wait | Next::Stuck { .. } | Next::End(_) => None,
        },
        lease: terms.lease,
        payment: payment_change(job, advance.payment.as_ref()),
        order: change,
    };
    let Some(advanced) = saga::advance(db, &saga_advance).await? else {
        return Ok(None);
    };
    if let (Some(change), Some(version)) = (&saga_advance.order, advanced.order_version) {
        tell_of_order(db, job, change, version).await?;
    }
    book_payment(db, job, advance.payment.as_ref(), locked, &advanced, terms).await?;
    if advance.order == Some(OrderWrite::Keep) {
        order::set_cancel_request(db, job.order(), None).await?;
    }
    if matches!(advance.next, Next::End(_)) {
        end(db, job, locked, &advanced.data).await?;
    }
    if let Some(write) = advance.stock {
        stock::shift(db, job.order(), way(write)).await?;
    }
    Ok(Some(advanced))
}

fn rest<'a>(job: &Job, next: &'a Next) -> (SagaStep, SagaState, Option<&'a str>) {
    let stage = job.stage;
    match next {
        Next::Rest(next) => (next.step(), next.state(), None),
        Next::Retry { error } => (stage.step(), stage.state(), Some(error)),
        Next::Wait => (stage.step(), stage.state(), None),
        Next::Stuck { error } => (stage.step(), SagaState::Stuck, Some(error)),
        Next::End(end) => (SagaStep::Done, *end, None),
    }
}

const fn way(write: StockWrite) -> Move {
    match write {
        StockWrite::Sell => Move::Sell,
        StockWrite::Release => Move::Release,
        StockWrite::Return => Move::Return,
    }
}

fn order_change<'a>(
    write: Option<&OrderWrite>,
    locked: &Locked,
    terms: &Terms<'a>,
) -> Option<OrderChange<'a>> {
    let change = |to, failure, actor| Some(OrderChange { to, failure, actor, reason: terms.resolution });
    match *write? {
        OrderWrite::Confirm => change(OrderStatus::Confirmed, None, terms.actor),
        OrderWrite::Fail(failure) => change(OrderStatus::Failed, Some(failure), terms.actor),
        OrderWrite::Cancel => {
            change(OrderStatus::Cancelled, None, terms.actor.or(locked.cancel_requested_by))
        }
        OrderWrite::Keep => None,
    }
}

/// Those changes that are no more than that. Money that goes back is booked by [`book_payment`].
fn payment_change<'a>(job: &Job, write: Option<&'a PaymentWrite>) -> Option<PaymentChange<'a>> {
    let change = |status, reference, failure, events| {
        Some(PaymentChange { id: job.charge.payment, status, reference, failure, events })
    };
    match write? {
        PaymentWrite::Unknown => change(PaymentStatus::Unknown, None, None, 0),
        PaymentWrite::Authorised { reference } => {
            change(PaymentStatus::Authorised, Some(reference.as_str()), None, 0)
        }
        PaymentWrite::Captured { reference } => {
            change(PaymentStatus::Captured, reference.as_deref(), None, 1)
        }
        PaymentWrite::Declined { code } => change(PaymentStatus::Declined, None, Some(code.as_str()), 0),
        PaymentWrite::Cancelled => change(PaymentStatus::Cancelled, None, None, 0),
        PaymentWrite::Returned | PaymentWrite::Refunded | PaymentWrite::RefundFailed => None,
    }
}

async fn tell_of_order(
    db: &mut PgConnection,
    job: &Job,
    change: &OrderChange<'_>,
    version: i64,
) -> Result<(), sqlx::Error> {
    let kind = match change.to {
        OrderStatus::Confirmed => kind::ORDER_CONFIRMED,
        OrderStatus::Failed => kind::ORDER_FAILED,
        OrderStatus::Cancelled => kind::ORDER_CANCELLED,
        OrderStatus::Pending | OrderStatus::Shipped | OrderStatus::Delivered | OrderStatus::Refunded => {
            return Ok(());
        }
    };
    let snapshot = job.snapshot(change.to, version);
    events::order(db, kind, &OrderSnapshot { failure_code: change.failure, ..snapshot }).await
}

/// What the payment's change brings with it: refunds, events.
async fn book_payment(
    db: &mut PgConnection,
    job: &Job,
    write: Option<&PaymentWrite>,
    locked: &Locked,
    advanced: &Advanced,
    terms: &Terms<'_>,
) -> Result<(), sqlx::Error> {
    match write {
        Some(PaymentWrite::Captured { .. }) => {
            let (Some(version), Some(refunded_amount)) = (advanced.payment_version, advanced.refunded_amount)
            else {
                return Ok(());
            };
            let captured = snapshot(job, PaymentStatus::Captured, refunded_amount, version);
            events::payment(db, kind::PAYMENT_CAPTURED, &captured).await
        }
        Some(PaymentWrite::Returned) => return_all(db, job, locked).await,
        Some(PaymentWrite::Refunded) => match &job.data.refund {
            Some(refund) => refunded(db, job, refund.id, Some(refund.by), locked, terms).await,
            None => Ok(()),
        },
        Some(PaymentWrite::RefundFailed) => match &job.data.refund {
            Some(refund) => payment::fail_refund(db, refund.id).await,
            None => Ok(()),
        },
        Some(
            PaymentWrite::Unknown
            | PaymentWrite::Authorised { .. }
            | PaymentWrite::Declined { .. }
            | PaymentWrite::Cancelled,
        )
        | None => Ok(()),
    }
}

/// All that was taken and is not back yet, as a refund that carries the saga's id.
async fn return_all(db: &mut PgConnection, job: &Job, locked: &Locked) -> Result<(), sqlx::Error> {
    let Some(refundable) = payment::refundable(db, job.order()).await? else {
        return Ok(());
    };
    if refundable.left == 0 {
        return payment::close(db, refundable.payment).await;
    }
    let id = RefundId::from_uuid(job.id.as_uuid());
    let refund = NewRefund {
        id,
        payment: refundable.payment,
        amount: refundable.left,
        reason: "the order was cancelled",
        by: locked.cancel_requested_by,
    };
    payment::insert_refund(db, &refund).await?;
    if let Some(changed) = payment::book_refund(db, id).await? {
        tell_of_refund(db, job, &changed).await?;
    }
    Ok(())
}

/// An order whose money is back in full is refunded, wherever it is.
async fn refunded(
    db: &mut PgConnection,
    job: &Job,
    refund: RefundId,
    by: Option<UserId>,
    locked: &Locked,
    terms: &Terms<'_>,
) -> Result<(), sqlx::Error> {
    let Some(changed) = payment::book_refund(db, refund).await? else {
        return Ok(());
    };
    tell_of_refund(db, job, &changed).await?;
    let open =
        matches!(locked.status, OrderStatus::Confirmed | OrderStatus::Shipped | OrderStatus::Delivered);
    if open && changed.status == PaymentStatus::Refunded {
        let reason =
            terms.resolution.or_else(|| job.data.refund.as_ref().map(|refund| refund.reason.as_str()));
        let change =
            order::Change { to: OrderStatus::Refunded, failure: None, actor: terms.actor.or(by), reason };
        order::change(db, job.order(), &change).await?;
    }
    Ok(())
}

async fn tell_of_refund(db: &mut PgConnection, job: &Job, changed: &Changed) -> Result<(), sqlx::Error> {
    let snapshot = snapshot(job, changed.status, changed.refunded_amount, changed.version);
    events::payment(db, kind::PAYMENT_REFUNDED, &snapshot).await
}

fn snapshot(job: &Job, status: PaymentStatus, refunded_amount: i64, version: i64) -> PaymentSnapshot {
    PaymentSnapshot {
        id: job.charge.payment,
        order_id: job.order(),
        status,
        amount: job.charge.amount,
        refunded_amount,
        currency: job.charge.currency.clone(),
        version,
    }
}

/// Whoever waits for the saga's end: other sagas of the order, and requests with a key.
async fn end(db: &mut PgConnection, job: &Job, locked: &Locked, data: &Data) -> Result<(), sqlx::Error> {
    if locked.cancel_requested_by.is_some() {
        saga::release_waiting(db, job.order()).await?;
    }
    answer(db, job.order(), &data.answers).await
}

/// Stores the answers to requests that are owed the order's end.
pub(super) async fn answer(db: &mut PgConnection, order: OrderId, owed: &[Owed]) -> Result<(), sqlx::Error> {
    if owed.is_empty() {
        return Ok(());
    }
    let order = order::view(db, order).await?;
    for owed in owed {
        let status = StatusCode::from_u16(owed.status).unwrap_or(StatusCode::OK);
        let answer = Answer::json(status, &order).map_err(|error| sqlx::Error::Encode(error.into()))?;
        let answer = match status {
            StatusCode::CREATED => {
                answer.header(&header::LOCATION, format!("/api/store/orders/{}", order.id))
            }
            _ => answer,
        };
        // False: the request has given up waiting, and said so.
        let _stored: bool = idempotency::finish(db, &owed.key, &answer).await?;
    }
    Ok(())
}
