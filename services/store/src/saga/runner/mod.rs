//! Drives the sagas of this process, and takes up those that are due and that nobody holds.

mod drive;
mod patrol;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chassis::shutdown::Drain;
use chassis::spawn::TaskSet;
use chassis::{Platform, db};
use contract::id::SagaId;
use contract::store::{SagaState, SagaStep};
use sqlx::PgPool;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep, timeout_at};
use uuid::Uuid;

use super::point::{self, Point};
use super::{Begun, Settings, Settled, Swept};
use crate::error::Error;
use crate::payment::Provider;
use crate::repository::saga;

/// Connections of sagas only: orders that begin must not keep those that are under way from ending.
const CONNECTIONS: u32 = 6;
/// Between two looks at a saga that nobody drives here: at first, and at most.
const FIRST_LOOK: Duration = Duration::from_millis(5);
const LOOK: Duration = Duration::from_millis(100);
/// The most sagas that one look takes up, and that are under way from there.
const TAKEN: u32 = 64;
const UNDER_WAY: usize = 256;

pub(super) struct Inner {
    pub(super) db: PgPool,
    pub(super) provider: Provider,
    pub(super) settings: Settings,
    /// Of this process, whose replica's name outlives it.
    pub(super) owner: String,
    tasks: TaskSet,
    drain: Drain,
    /// Something may be due.
    due: Notify,
    /// The sagas that a task of this process drives.
    driven: Mutex<HashMap<SagaId, watch::Receiver<Settled>>>,
}

impl Inner {
    pub(super) fn wake(&self) {
        self.due.notify_one();
    }

    /// Looks again after a while.
    fn wake_in(self: &Arc<Self>, pause: Duration) {
        let inner = self.clone();
        self.tasks.spawn_until_drain("saga-pause", async move {
            sleep(pause).await;
            inner.wake();
        });
    }

    fn driven(&self) -> MutexGuard<'_, HashMap<SagaId, watch::Receiver<Settled>>> {
        self.driven.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) fn start(
    platform: &Platform,
    requests: &PgPool,
    provider: Provider,
    settings: Settings,
) -> Arc<Inner> {
    let inner = Arc::new(Inner {
        db: db::beside(requests, CONNECTIONS),
        provider,
        settings,
        owner: format!("{}/{}", platform.base().instance, Uuid::now_v7()),
        tasks: platform.tasks().clone(),
        drain: platform.drain().clone(),
        due: Notify::new(),
        driven: Mutex::default(),
    });
    platform.tasks().spawn_until_drain("saga-patrol", patrol::patrol(inner.clone()));
    inner
}

/// Begins to drive it, or waits for whoever does.
pub(super) async fn settled(inner: &Arc<Inner>, begun: Begun, wait: Duration) -> Settled {
    let deadline = Instant::now() + wait;
    let Some(saga) = begun.saga else {
        return Settled::Finished;
    };
    match begun.job {
        Some(job) => {
            point::reached(SagaStep::Hold, Point::Committed, job.id, job.order());
            drop(drive::start(inner, *job));
        }
        None => inner.wake(),
    }
    let mut look = FIRST_LOOK;
    loop {
        let here = inner.driven().get(&saga).cloned();
        if let Some(mut here) = here {
            let ended = timeout_at(deadline, here.wait_for(|settled| *settled == Settled::Finished)).await;
            if let Ok(Ok(_)) = ended {
                return Settled::Finished;
            }
        } else if is_over(inner, saga).await {
            return Settled::Finished;
        }
        if Instant::now() >= deadline {
            return Settled::Running;
        }
        sleep(look.min(deadline - Instant::now())).await;
        look = (look * 2).min(LOOK);
    }
}

/// A database that does not answer does not say so.
async fn is_over(inner: &Inner, id: SagaId) -> bool {
    match saga::state(&inner.db, id).await {
        Ok(Some(state)) => match state {
            SagaState::Completed | SagaState::Compensated | SagaState::Resolved => true,
            SagaState::Running | SagaState::Compensating | SagaState::Stuck => false,
        },
        Ok(None) | Err(_) => false,
    }
}

pub(super) async fn sweep(inner: &Arc<Inner>, limit: u32) -> Result<Swept, Error> {
    let taken = patrol::take(inner, limit).await?;
    let mut swept = Swept { taken: u32::try_from(taken.len()).unwrap_or(u32::MAX), finished: 0 };
    for mut driven in taken {
        // An error says that it rests.
        if driven.wait_for(|settled| *settled == Settled::Finished).await.is_ok() {
            swept.finished += 1;
        }
    }
    Ok(swept)
}
