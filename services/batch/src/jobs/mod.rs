//! The jobs, one a file. Each works through the owning service's maintenance routes.

pub mod chatroom_cleanup;
pub mod daily_report;
mod day;
pub mod inactive_user;
pub mod message_archiving;
pub mod order_expiry;
pub mod payment_reconciliation;
mod period;
pub mod token_cleanup;

use std::sync::Arc;
use std::time::Duration;

use chassis::Platform;
use chassis::client::ServiceClient;
use chrono::{DateTime, Utc};
use sqlx::PgPool;

use crate::engine::work::Run;
use crate::engine::{Registry, Reporting, Sizes, Step, Work};
use crate::objects::Objects;

/// A service ends its requests within 10 s.
const CALL: Duration = Duration::from_secs(12);

/// What jobs work with. Cheap to clone.
#[derive(Clone)]
pub struct Means {
    pub db: PgPool,
    pub objects: Objects,
    pub auth: ServiceClient,
    pub user: ServiceClient,
    pub chat: ServiceClient,
    pub store: ServiceClient,
}

impl Means {
    pub fn new(platform: &Platform, db: PgPool, objects: Objects) -> Self {
        let client = |service| platform.client(service, CALL);
        Self {
            db,
            objects,
            auth: client("auth"),
            user: client("user"),
            chat: client("chat"),
            store: client("store"),
        }
    }

    /// The last step's work, of a job that leaves a report.
    fn reporting(
        &self,
        columns: &'static [&'static str],
        period: fn(&Run) -> (DateTime<Utc>, DateTime<Utc>),
    ) -> Reporting {
        Reporting { db: self.db.clone(), objects: self.objects.clone(), columns, period }
    }
}

/// A step that skips nothing, one part at a time.
fn only_step(name: &'static str, sizes: Sizes, work: impl Work + 'static) -> Step {
    Step { name, parallel: 1, sizes, skip_limit: 0, work: Arc::new(work) }
}

/// Every job, in the order in which they are listed.
pub fn all(means: &Means) -> Registry {
    Registry::new(vec![
        token_cleanup::job(means),
        chatroom_cleanup::job(means),
        inactive_user::job(means),
        message_archiving::job(means),
        daily_report::job(means),
        order_expiry::job(means),
        payment_reconciliation::job(means),
    ])
}
