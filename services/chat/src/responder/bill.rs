//! What a learner's turn used, written down when it is over, however it ends.

use std::sync::atomic::{AtomicBool, Ordering};

use chassis::spawn::TaskSet;
use chrono::NaiveDate;
use contract::id::UserId;
use sqlx::PgPool;
use tracing::warn;

use crate::model::{Meter, Tokens};
use crate::repository::usage;

/// Settled when it is dropped, in a task of its own: nobody waits for it, and a turn that is given up in the middle
/// has cost something too.
pub(super) struct Bill {
    user: UserId,
    meter: Meter,
    /// The day of which a turn was taken. It is given back when the model was of no use.
    taken: Option<NaiveDate>,
    of_use: AtomicBool,
    db: PgPool,
    tasks: TaskSet,
}

impl Bill {
    pub(super) fn new(user: UserId, taken: Option<NaiveDate>, db: PgPool, tasks: TaskSet) -> Self {
        Self { user, meter: Meter::default(), taken, of_use: AtomicBool::new(false), db, tasks }
    }

    pub(super) const fn meter(&self) -> &Meter {
        &self.meter
    }

    /// A part came from the model.
    pub(super) fn was_of_use(&self) {
        self.of_use.store(true, Ordering::Relaxed);
    }
}

impl Drop for Bill {
    fn drop(&mut self) {
        let (user, spent) = (self.user, self.meter.total());
        let unused = self.taken.filter(|_| !self.of_use.load(Ordering::Relaxed));
        if spent == Tokens::default() && unused.is_none() {
            return;
        }
        let db = self.db.clone();
        self.tasks.spawn("usage", async move {
            if let Err(error) = settle(&db, user, spent, unused).await {
                warn!(user.id = %user, spent.prompt, spent.completion, "failed to write down what was used: {error}");
            }
        });
    }
}

async fn settle(
    db: &PgPool,
    user: UserId,
    spent: Tokens,
    unused: Option<NaiveDate>,
) -> Result<(), sqlx::Error> {
    let db = &mut *db.acquire().await?;
    if spent != Tokens::default() {
        let count = |tokens: u64| i64::try_from(tokens).unwrap_or(i64::MAX);
        usage::add_tokens(db, user, count(spent.prompt), count(spent.completion)).await?;
    }
    match unused {
        Some(day) => usage::give_turn_back(db, user, day).await,
        None => Ok(()),
    }
}
