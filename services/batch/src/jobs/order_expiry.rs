//! Every minute: orders past their deadline are told of, and store is asked to bring what is due to its next rest.
//!
//! Store does so by itself. This job sees that it does, also when store's own patrol does not run.

use std::collections::BTreeMap;

use chassis::client::ServiceClient;
use chrono::{DateTime, TimeDelta, Utc};
use contract::batch::{Concurrency, Misfire};
use contract::store::maintenance::{ExpiredOrders, path};
use futures_util::future::BoxFuture;
use http::Method;
use serde_json::{Value, json};

use super::{Means, only_step};
use crate::engine::work::Run;
use crate::engine::{Chunk, Counts, Fault, Job, Place, Reporting, Schedule, Sizes, Work};

pub const NAME: &str = "order-expiry";

const COLUMNS: &[&str] = &["deadline", "orderId", "sagaId"];
/// What a report tells of at most: the most that store lists.
const LISTED: u32 = 1000;
/// Sweeps of one run. What is still due then, the next minute's run takes up.
const ROUNDS: u64 = 30;
/// Counted by the look that begins a run.
const OVERDUE: &str = "overdue";

pub fn job(means: &Means) -> Job {
    Job {
        name: NAME,
        description: "Asks store to bring orders past their deadline, and whatever else is due, to their end",
        parameters: &[],
        schedule: Schedule { cron: "* * * * *", misfire: Misfire::Skip, concurrency: Concurrency::Forbid },
        steps: vec![
            only_step(
                "sweep",
                Sizes { first: 100, least: 10, most: 500 },
                Sweeping { store: means.store.clone() },
            ),
            only_step("report", Sizes::fixed(1), Telling(means.reporting(COLUMNS, minute))),
        ],
    }
}

/// The minute that ended with the slot.
fn minute(run: &Run) -> (DateTime<Utc>, DateTime<Utc>) {
    (run.as_of - TimeDelta::minutes(1), run.as_of)
}

/// First a look, which changes nothing, so that a chunk that is done twice finds the same to tell of; then sweeps
/// until nothing is due.
struct Sweeping {
    store: ServiceClient,
}

impl Work for Sweeping {
    fn chunk<'a>(&'a self, place: &'a Place) -> BoxFuture<'a, Result<Chunk, Fault>> {
        Box::pin(async move {
            match &place.cursor {
                None => self.look(&place.run).await,
                Some(_) => self.sweep(place).await,
            }
        })
    }
}

impl Sweeping {
    async fn look(&self, run: &Run) -> Result<Chunk, Fault> {
        let path = format!("{}?limit={LISTED}&dryRun=true", path::EXPIRE_ORDERS);
        let found: ExpiredOrders = self.store.request(Method::POST, &path).send().await?;
        let mut chunk = Chunk {
            next: (!run.dry_run).then(|| json!("sweep")),
            summary: summary(&[(OVERDUE, found.overdue.len() as u64)]),
            rows: found.overdue.iter().map(|saga| row(saga.deadline, &saga.order_id, &saga.id)).collect(),
            ..Chunk::default()
        };
        if run.dry_run {
            chunk.summary.insert("stuck".to_owned(), found.stuck);
        }
        Ok(chunk)
    }

    async fn sweep(&self, place: &Place) -> Result<Chunk, Fault> {
        let path = format!("{}?limit={}", path::EXPIRE_ORDERS, place.size);
        let swept: ExpiredOrders = self.store.request(Method::POST, &path).key(&place.key()).send().await?;
        let is_last = swept.processed < u64::from(place.size) || place.chunk >= ROUNDS;
        let mut chunk = Chunk {
            counts: Counts { read: swept.processed, filtered: 0, written: swept.finished },
            next: (!is_last).then(|| json!("sweep")),
            summary: summary(&[("processed", swept.processed), ("finished", swept.finished)]),
            ..Chunk::default()
        };
        // How things stand in the end. The numbers of all chunks are added up.
        if is_last {
            chunk.summary.insert("stuck".to_owned(), swept.stuck);
        }
        Ok(chunk)
    }
}

fn summary(numbers: &[(&str, u64)]) -> BTreeMap<String, i64> {
    numbers.iter().map(|(name, number)| ((*name).to_owned(), number.cast_signed())).collect()
}

fn row(deadline: DateTime<Utc>, order: &impl ToString, saga: &impl ToString) -> Value {
    let deadline = deadline.to_rfc3339_opts(chrono::SecondsFormat::Micros, true);
    json!({ "deadline": deadline, "orderId": order.to_string(), "sagaId": saga.to_string() })
}

/// Reports, but not every minute that there was nothing to tell of: that would be half a million files a year.
struct Telling(Reporting);

impl Work for Telling {
    fn chunk<'a>(&'a self, place: &'a Place) -> BoxFuture<'a, Result<Chunk, Fault>> {
        if place.run.summary.get(OVERDUE).is_some_and(|overdue| *overdue > 0) {
            self.0.chunk(place)
        } else {
            Box::pin(async { Ok(Chunk::default()) })
        }
    }
}
