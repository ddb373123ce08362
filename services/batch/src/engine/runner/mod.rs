//! Takes up executions that wait or were left, and drives them to their end.
//!
//! There is no leader: every instance of the service looks, and the database says who may write (`repository::fence`).

mod attempt;
mod commit;
mod drive;
mod heartbeat;
mod part;
mod patrol;
mod settle;
mod step;
mod tenure;

use std::sync::Arc;
use std::time::Duration;

use chassis::shutdown::Drain;
use chassis::spawn::TaskSet;
use chassis::{Platform, db};
use sqlx::PgPool;
use tokio::sync::Notify;
use uuid::Uuid;

use self::tenure::Tenures;
use super::job::Registry;

/// Executions that one instance of the service runs at once; the others wait, or another instance has room.
pub const AT_ONCE: usize = 8;
/// Connections for what executions write: chunks that are committed must not wait for people who look at them.
const CONNECTIONS: u32 = 6;

/// Cheap to clone.
#[derive(Clone)]
pub struct Runner {
    inner: Arc<Inner>,
}

/// How long things take.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// Behind its last sign of life an owner is believed to be dead.
    pub lease: Duration,
    pub heartbeat: Duration,
    /// Between two looks for executions that wait or were left.
    pub poll: Duration,
    /// How long a chunk is tried again before its step fails.
    pub patience: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            lease: Duration::from_secs(10),
            heartbeat: Duration::from_secs(3),
            poll: Duration::from_millis(500),
            patience: Duration::from_mins(10),
        }
    }
}

struct Inner {
    db: PgPool,
    jobs: Registry,
    settings: Settings,
    /// This process, whose replica's name outlives it.
    owner: Arc<str>,
    tasks: TaskSet,
    drain: Drain,
    /// Something may wait.
    due: Notify,
    tenures: Tenures,
}

impl Runner {
    pub fn start(platform: &Platform, db: &PgPool, jobs: Registry, settings: Settings) -> Self {
        let inner = Arc::new(Inner {
            db: db::beside(db, CONNECTIONS),
            jobs,
            settings,
            owner: format!("{}/{}", platform.base().instance, Uuid::now_v7()).into(),
            tasks: platform.tasks().clone(),
            drain: platform.drain().clone(),
            due: Notify::new(),
            tenures: Tenures::default(),
        });
        platform.tasks().spawn("batch-patrol", patrol::patrol(inner.clone()));
        // Its own connection: a sign of life must not wait behind the work.
        platform.tasks().spawn("batch-heartbeat", heartbeat::beat(inner.clone(), db::beside(db, 1)));
        Self { inner }
    }

    /// An execution may be waiting: look now.
    pub fn wake(&self) {
        self.inner.due.notify_one();
    }

    /// How many executions this process runs now, or believes to.
    pub fn running(&self) -> usize {
        self.inner.tenures.count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From the death of an owner to the claim of who follows.
    const PROMISE: Duration = Duration::from_secs(15);
    /// For a look that comes late, and its answer.
    const MARGIN: Duration = Duration::from_secs(4);

    #[test]
    fn a_dead_owner_is_followed_in_time_and_a_slow_one_is_believed_in() {
        let Settings { lease, heartbeat, poll, .. } = Settings::default();
        assert!(lease + poll + MARGIN < PROMISE, "{lease:?} and {poll:?}");
        assert!(heartbeat * 3 < lease, "two of its signs of life may be lost");
    }
}
