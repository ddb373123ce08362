//! How fast events travel. Nothing is asserted about time: the figures are printed, `--nocapture` shows them.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::json;
use testkit::eventually;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::service::{Pair, id, insert, write};

const BACKLOG: i64 = 5000;
const WRITERS: i64 = 8;
const EACH: i64 = 250;
const ALONE: i64 = 200;
/// For a debug build on a slow machine.
const PATIENCE: Duration = Duration::from_mins(5);

impl Pair {
    async fn has_numbered(&self, count: i64) {
        eventually(PATIENCE, || async { self.producer.last_position().await >= count }).await;
    }

    async fn has_reached(&self, position: i64) {
        eventually(PATIENCE, || async {
            let reached = self.position().await;
            if reached == position { Ok(()) } else { Err(reached) }
        })
        .await;
    }
}

fn show(what: &str, events: i64, took: Duration) {
    let rate = f64::from(i32::try_from(events).unwrap()) / took.as_secs_f64();
    tell(&format!("{what}: {events} events in {took:.2?}, {rate:.0}/s"));
}

#[expect(clippy::print_stderr, reason = "figures are what this is for")]
fn tell(figure: &str) {
    eprintln!("{figure}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn figures_of_the_way_from_commit_to_effect() {
    let pair = Pair::start().await;
    let began = Instant::now();
    let mut tx = pair.producer.pool.begin().await.unwrap();
    for sequence in 1..=BACKLOG {
        insert(&mut tx, id(), sequence, &json!({ "text": "x".repeat(200) })).await;
    }
    tx.commit().await.unwrap();
    show("written in one transaction", BACKLOG, began.elapsed());
    let began = Instant::now();
    pair.has_numbered(BACKLOG).await;
    show("numbered", BACKLOG, began.elapsed());
    let began = Instant::now();
    pair.consume();
    pair.has_reached(BACKLOG).await;
    show("from the feed to the effect", BACKLOG, began.elapsed());

    let began = Instant::now();
    let mut writers = JoinSet::new();
    for _ in 0..WRITERS {
        let pool = pair.producer.pool.clone();
        writers.spawn(async move {
            for sequence in 1..=EACH {
                write(&pool, id(), sequence).await;
            }
        });
    }
    writers.join_all().await;
    pair.has_reached(BACKLOG + WRITERS * EACH).await;
    show("from eight writers to the effect", WRITERS * EACH, began.elapsed());

    let mut committed = Vec::new();
    for sequence in 1..=ALONE {
        write(&pair.producer.pool, id(), sequence).await;
        committed.push(Utc::now());
        pair.has_reached(BACKLOG + WRITERS * EACH + sequence).await;
    }
    let select = "select at from effect order by n offset $1";
    let effects: Vec<DateTime<Utc>> = sqlx::query_scalar(select)
        .bind(BACKLOG + WRITERS * EACH)
        .fetch_all(&pair.consumer.pool)
        .await
        .unwrap();
    let mut latencies: Vec<_> =
        committed.iter().zip(&effects).map(|(committed, effect)| *effect - *committed).collect();
    latencies.sort_unstable();
    let at = |percent: usize| latencies[latencies.len() * percent / 100].as_seconds_f64() * 1000.0;
    tell(&format!("commit to effect, one at a time: p50 {:.1} ms, p99 {:.1} ms", at(50), at(99)));
}
