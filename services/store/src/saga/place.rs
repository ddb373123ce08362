//! Placing an order: one transaction, and of that the stock last, so that what sells well is locked briefly.

use chassis::idempotency::Key;
use chassis::{context, fresh_id};
use contract::id::{ItemId, PaymentId, UserId};
use contract::store::{FailureCode, OrderSnapshot, OrderStatus, SagaStep, kind};
use http::StatusCode;
use sqlx::PgConnection;

use super::job::{Asked, Job};
use super::point::{self, Point};
use super::runner::Inner;
use super::write::answer;
use super::{Begun, Settings};
use crate::domain::draft::{Draft, Supply, draft};
use crate::domain::saga::{Others, Overdue, Stage, Wish};
use crate::error::Error;
use crate::events;
use crate::payment::Charge;
use crate::repository::order::{self, Placed, Pursuit};
use crate::repository::saga::{Data, Owed};
use crate::repository::stock::{self, Held};
use crate::stock_low;

pub use crate::domain::draft::Line;

/// An order as it is wanted.
#[derive(Debug, Clone)]
pub struct NewOrder {
    pub user: UserId,
    /// At least one; no item twice.
    pub lines: Vec<Line>,
    /// As the client names it, e.g. `card`.
    pub method: String,
    /// The provider's token for the means of payment.
    pub token: String,
    /// The payment's id, if the provider has been told one already.
    pub payment: Option<PaymentId>,
    /// The request that is answered with how it ends.
    pub answer: Option<Key>,
}

pub(super) async fn place(inner: &Inner, db: &mut PgConnection, new: NewOrder) -> Result<Begun, Error> {
    let wanted: Vec<ItemId> = new.lines.iter().map(|line| line.item).collect();
    let draft = draft(&new.lines, order::for_sale(db, &wanted).await?)?;
    let supply = draft.supply;
    let job = job(new, draft);
    point::reached(SagaStep::Hold, Point::Begin, job.id, job.order());
    let pending = job.snapshot(OrderStatus::Pending, 1);
    order::insert(db, &placed(inner, &job, &pending, supply)?).await.map_err(unless_taken)?;
    events::order(db, kind::ORDER_CREATED, &pending).await?;
    if supply == Supply::Likely {
        if hold(inner, db, &job).await? {
            point::reached(SagaStep::Hold, Point::Answered, job.id, job.order());
            return Ok(Begun { order: job.order(), saga: Some(job.id), job: Some(Box::new(job)) });
        }
        // Somebody was faster.
        order::drop_pursuit(db, job.id, job.charge.payment).await?;
    }
    sell_out(db, &pending).await?;
    // Nobody comes after this who could.
    answer(db, job.order(), &job.data.answers).await?;
    Ok(Begun { order: job.order(), saga: None, job: None })
}

fn unless_taken(error: sqlx::Error) -> Error {
    match &error {
        sqlx::Error::Database(cause) if cause.constraint() == Some("payment_pkey") => Error::PaymentTaken,
        _ => error.into(),
    }
}

/// Takes the goods off the shelf, and says so where few are left. False when there is too little.
async fn hold(inner: &Inner, db: &mut PgConnection, job: &Job) -> Result<bool, sqlx::Error> {
    let items: Vec<ItemId> = job.items.iter().map(|item| item.item_id).collect();
    let quantities: Vec<i32> = job.items.iter().map(|item| item.quantity).collect();
    let Settings { deadline, low_stock, .. } = inner.settings;
    match stock::hold(db, job.order(), &items, &quantities, deadline.as_secs_f64()).await? {
        Held::Short => return Ok(false),
        Held::All { least } if least <= low_stock.0 => {
            let lowered = job.items.iter().map(|item| (item.item_id, item.quantity.into()));
            stock_low::crossed(db, low_stock, lowered).await?;
        }
        Held::All { .. } => {}
    }
    Ok(true)
}

/// The saga as this process goes on with it: nobody has asked the provider yet.
fn job(new: NewOrder, draft: Draft) -> Job {
    let payment = new.payment.unwrap_or_else(fresh_id);
    let owed = |key| Owed { key, status: StatusCode::CREATED.as_u16() };
    Job {
        id: fresh_id(),
        fence: 1,
        attempt: 0,
        stage: Stage::Authorising,
        asked: Asked::Never,
        others: Others::Ended,
        overdue: Overdue::No,
        wish: Wish::Kept,
        status: OrderStatus::Pending,
        data: Data {
            payment,
            failure: None,
            refund: None,
            answers: new.answer.map(owed).into_iter().collect(),
        },
        user: new.user,
        items: draft.items,
        charge: Charge {
            payment,
            order: fresh_id(),
            amount: draft.total,
            currency: draft.currency,
            method: new.method,
            token: new.token,
            reference: None,
        },
        trace: context::current().trace,
    }
}

fn placed<'a>(
    inner: &'a Inner,
    job: &'a Job,
    pending: &'a OrderSnapshot,
    supply: Supply,
) -> Result<Placed<'a>, Error> {
    let pursuit = Pursuit {
        payment: job.charge.payment,
        provider: inner.provider.name(),
        method: &job.charge.method,
        token: &job.charge.token,
        saga: job.id,
        owner: &inner.owner,
        lease_secs: inner.settings.lease.as_secs_f64(),
        deadline_secs: inner.settings.deadline.as_secs_f64(),
        data: serde_json::to_value(&job.data).map_err(|error| sqlx::Error::Encode(error.into()))?,
    };
    Ok(Placed {
        id: pending.id,
        user: pending.user_id,
        currency: &pending.currency,
        total: pending.total_amount,
        items: &pending.items,
        pursuit: (supply == Supply::Likely).then_some(pursuit),
    })
}

/// There is too little in stock: the order has failed before anything was asked of anybody.
async fn sell_out(db: &mut PgConnection, pending: &OrderSnapshot) -> Result<(), sqlx::Error> {
    let (to, failure) = (OrderStatus::Failed, Some(FailureCode::OutOfStock));
    let change = order::Change { to, failure, actor: None, reason: None };
    let version = order::change(db, pending.id, &change).await?;
    let failed = OrderSnapshot { status: to, failure_code: failure, version, ..pending.clone() };
    events::order(db, kind::ORDER_FAILED, &failed).await
}
