//! One job over many rows.

use std::time::Duration;

use contract::batch::{Execution, ExecutionStatus};
use serde_json::json;
use tokio::time::sleep;

use crate::stage::Stage;

pub(crate) struct Job {
    pub(crate) name: &'static str,
    /// What a row is.
    pub(crate) rows: &'static str,
    /// The services that it asks.
    pub(crate) services: &'static [&'static str],
    /// Rows that are sensible, where a million is not.
    pub(crate) most: u64,
}

const fn job(name: &'static str, rows: &'static str, services: &'static [&'static str]) -> Job {
    Job { name, rows, services, most: u64::MAX }
}

pub(crate) static JOBS: [Job; 7] = [
    job("token-cleanup", "sessions with a token each, half of them over", &["auth"]),
    job("chatroom-cleanup", "messages in rooms of 40, all of them left", &["chat"]),
    job("inactive-user", "accounts, half of them to be settled", &["user"]),
    job("message-archiving", "messages of one month", &["chat"]),
    job("daily-report", "messages of one day", &["auth", "user", "chat", "store"]),
    Job { most: 10_000, ..job("order-expiry", "overdue sagas", &["store", "payment-sandbox"]) },
    // Each is asked for at the provider, over HTTP.
    Job {
        most: 100_000,
        ..job("payment-reconciliation", "payments of one day", &["store", "payment-sandbox"])
    },
];

pub(crate) const HEAD: &str = "| job | rows | time | rows/s | read | written | chunks | work per chunk | beside it |\n\
                               |---|---|---|---|---|---|---|---|---|";

/// A line of the table.
pub(crate) async fn measure(stage: &Stage, job: &Job, rows: u64) -> String {
    let operator = stage.operator();
    let begun = operator.trigger(job.name, json!({})).await.unwrap();
    let ended = loop {
        let now = operator.execution(begun.id).await;
        if now.end_time.is_some() {
            break now;
        }
        sleep(Duration::from_millis(200)).await;
    };
    assert_eq!(ended.status, ExecutionStatus::Completed, "{ended:?}");
    let took = took(&ended);
    let (chunks, work) = stage.chunks(job.name).await;
    let per_chunk = |time: Duration| time.div_f64(chunks.max(1.0));
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let rate = rows as f64 / took.as_secs_f64();
    format!(
        "| {} | {rows} {} | {took:.1?} | {rate:.0} | {} | {} | {chunks} | {:.1?} | {:.1?} |",
        job.name,
        job.rows,
        ended.progress.read,
        ended.progress.written,
        per_chunk(work),
        per_chunk(took.saturating_sub(work)),
    )
}

fn took(execution: &Execution) -> Duration {
    let (from, to) = (execution.start_time.unwrap(), execution.end_time.unwrap());
    (to - from).to_std().unwrap()
}
