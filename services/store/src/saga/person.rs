//! What people do about sagas that do not end by themselves. Whoever drives such a saga loses it to them.

use std::sync::Arc;
use std::time::Duration;

use chassis::db;
use contract::id::{SagaId, UserId};
use contract::store::SagaState;
use sqlx::{PgConnection, Postgres, Transaction};
use tracing::info;

use super::job::Job;
use super::runner::Inner;
use super::write::{Terms, write};
use crate::domain::saga::{self as rules, Advance, Next, Resolution};
use crate::error::Error;
use crate::repository::order::{self, Locked};
use crate::repository::order_history;
use crate::repository::saga;

/// With so many attempts that came to nothing it counts as stuck, although it goes on trying.
pub const HOPELESS: i32 = 10;

/// A saga that has not ended, under the lock of its order.
struct Held {
    tx: Transaction<'static, Postgres>,
    job: Job,
    locked: Locked,
    state: SagaState,
}

pub(super) async fn retry(
    inner: &Arc<Inner>,
    id: SagaId,
    by: Option<UserId>,
    reason: &str,
) -> Result<(), Error> {
    let mut held = hold(inner, id).await?;
    held.note("SAGA_RETRIED", by, reason).await?;
    let again = Advance { payment: None, order: None, stock: None, next: Next::Rest(held.job.stage) };
    finish(inner, held, &again, None, None).await
}

pub(super) async fn compensate(
    inner: &Arc<Inner>,
    id: SagaId,
    by: Option<UserId>,
    reason: &str,
) -> Result<(), Error> {
    let mut held = hold(inner, id).await?;
    let undo = rules::compensate(held.job.saga(), held.state).ok_or(Error::OrderState)?;
    held.note("SAGA_COMPENSATED", by, reason).await?;
    finish(inner, held, &undo, None, None).await
}

pub(super) async fn resolve(
    inner: &Arc<Inner>,
    id: SagaId,
    how: Resolution,
    by: Option<UserId>,
    reason: &str,
) -> Result<(), Error> {
    let mut held = hold(inner, id).await?;
    if held.state != SagaState::Stuck && held.job.attempt < HOPELESS {
        return Err(Error::OrderState);
    }
    held.note("SAGA_RESOLVED", by, reason).await?;
    let end = rules::resolve(held.job.saga(), how);
    finish(inner, held, &end, by, Some(reason)).await
}

impl Held {
    /// Who stepped in stays known, also where the order is as it was. Nobody is the operator.
    async fn note(&mut self, kind: &str, actor: Option<UserId>, reason: &str) -> Result<(), sqlx::Error> {
        order_history::note(&mut self.tx, self.job.order(), kind, actor, reason).await
    }
}

async fn hold(inner: &Inner, id: SagaId) -> Result<Held, Error> {
    let mut tx = db::transaction(&inner.db).await?;
    let order = saga::order_of(&mut tx, id).await?.ok_or(Error::SagaNotFound)?;
    let locked = order::lock(&mut tx, order, Some(id)).await?.ok_or(Error::SagaNotFound)?;
    let (job, state) = load(&mut tx, id).await?;
    Ok(Held { tx, job, locked, state })
}

async fn load(db: &mut PgConnection, id: SagaId) -> Result<(Job, SagaState), Error> {
    let loaded = saga::find(db, id).await?.ok_or(Error::SagaNotFound)?;
    // One that has ended rests nowhere.
    Job::of(loaded).ok_or(Error::OrderState)
}

async fn finish(
    inner: &Arc<Inner>,
    held: Held,
    advance: &Advance,
    by: Option<UserId>,
    reason: Option<&str>,
) -> Result<(), Error> {
    let Held { mut tx, job, locked, .. } = held;
    let terms = Terms {
        fence_step: 1,
        attempt: 0,
        delay: Duration::ZERO,
        lease: None,
        resolution: reason,
        actor: by,
    };
    if write(&mut tx, &job, &locked, advance, &terms).await?.is_none() {
        // It was taken up in this moment.
        return Err(Error::OrderState);
    }
    tx.commit().await?;
    info!(saga.id = %job.id, order.id = %job.order(), "a person decided how a saga goes on");
    inner.wake();
    Ok(())
}
