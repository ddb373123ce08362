//! Writers: each books entry after entry, and makes sure of every one.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rand::RngExt as _;
use serde_json::json;
use testkit::eventually;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;
use uuid::Uuid;

use crate::service::LIMIT;

/// An answer that takes longer is none: the producer was killed meanwhile.
const PATIENCE: Duration = Duration::from_secs(2);
/// From one entry of a writer to the next: the processes that are killed need the machine to start again.
const PACE: Duration = Duration::from_millis(250);

/// What the writers know to be committed, and what they had to go through for it.
#[derive(Default)]
pub(super) struct Written {
    pub(super) entries: Vec<Uuid>,
    /// Writes without an answer; the writer asked what became of them.
    pub(super) unanswered: usize,
    /// Those of them that were committed all the same.
    pub(super) found_committed: usize,
}

/// Writes with so many writers until told to stop.
pub(super) async fn write(
    writers: usize,
    url: String,
    accounts: Vec<Uuid>,
    stop: Arc<AtomicBool>,
) -> Written {
    let http = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build().unwrap();
    let mut tasks = JoinSet::new();
    for _ in 0..writers {
        let writer = Writer { url: url.clone(), http: http.clone(), written: Written::default() };
        tasks.spawn(writer.run(accounts.clone(), Arc::clone(&stop)));
    }
    let mut all = Written::default();
    while let Some(written) = tasks.join_next().await {
        let written = written.unwrap();
        all.entries.extend(written.entries);
        all.unanswered += written.unanswered;
        all.found_committed += written.found_committed;
    }
    all
}

struct Writer {
    url: String,
    http: reqwest::Client,
    written: Written,
}

impl Writer {
    async fn run(mut self, accounts: Vec<Uuid>, stop: Arc<AtomicBool>) -> Written {
        let mut pace = tokio::time::interval(PACE);
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !stop.load(Ordering::Relaxed) {
            pace.tick().await;
            let account = accounts[rand::rng().random_range(0..accounts.len())];
            let amount = rand::rng().random_range(-1000..=1000);
            self.book(account, amount).await;
        }
        self.written
    }

    /// Until it is known to be booked.
    async fn book(&mut self, account: Uuid, amount: i64) {
        let id = crate::service::id();
        let entry = json!({ "id": id, "account": account, "amount": amount });
        loop {
            let answer = self.http.post(format!("{}/entries", self.url)).json(&entry).send().await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                break;
            }
            self.written.unanswered += 1;
            if self.is_booked(id).await {
                self.written.found_committed += 1;
                break;
            }
        }
        self.written.entries.push(id);
    }

    /// Asks until there is an answer.
    async fn is_booked(&self, id: Uuid) -> bool {
        eventually(LIMIT, || async {
            let answer = self.http.get(format!("{}/entries/{id}", self.url)).send().await?;
            answer.json::<bool>().await
        })
        .await
    }
}
