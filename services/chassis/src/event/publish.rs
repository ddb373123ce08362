//! Writing an event: a row of the outbox, in the transaction that changes the state it tells of.

use std::sync::LazyLock;

use serde::Serialize;
use sqlx::PgConnection;
use tokio::sync::watch;
use uuid::Uuid;

use crate::context;
use crate::trace::{self, Kind, Name, Span};

/// Counts the events that this process has written. A hint for its sequencers that a commit is near, nothing
/// more: rows that nobody hinted at are found all the same.
static WRITTEN: LazyLock<watch::Sender<u64>> = LazyLock::new(|| watch::channel(0).0);

/// The longest data of an event, in bytes of JSON. One that no reader takes would hold up all behind it.
const MAX_DATA: usize = 256 * 1024;

/// A new event.
#[derive(Debug, Clone, Copy)]
pub struct New<'a, T> {
    /// `com.dorandoran.user.created.v1`
    pub kind: &'a str,
    /// What kind of thing has changed, e.g. `user`.
    pub aggregate_type: &'a str,
    /// Which of them.
    pub aggregate_id: Uuid,
    /// 1, 2, 3 … within the aggregate: its version, taken while its row is locked.
    pub sequence: i64,
    pub data: &'a T,
}

/// Writes an event that exists if and only if the transaction of `db` commits, and says its id.
///
/// # Errors
/// When `data` cannot be serialised or is too long, or the database refuses the row.
pub async fn publish<T: Serialize + Sync>(
    db: &mut PgConnection,
    new: New<'_, T>,
) -> Result<Uuid, sqlx::Error> {
    let id = Uuid::now_v7();
    let data = serde_json::to_string(new.data).map_err(|error| sqlx::Error::Encode(error.into()))?;
    if data.len() > MAX_DATA {
        let problem = format!("the data of a {} is longer than {MAX_DATA} bytes", new.kind);
        return Err(sqlx::Error::Encode(problem.into()));
    }
    let span = producing(id, new.kind, new.aggregate_type);
    let traceparent = span.context().unwrap_or_else(|| context::current().trace).traceparent();
    let insert = sqlx::query(
        "insert into outbox
           (event_id, event_type, aggregate_type, aggregate_id, sequence, payload, traceparent)
         values ($1, $2, $3, $4, $5, $6::jsonb, $7)",
    )
    .bind(id)
    .bind(new.kind)
    .bind(new.aggregate_type)
    .bind(new.aggregate_id)
    .bind(new.sequence)
    .bind(data)
    .bind(traceparent);
    match span.around(insert.execute(db)).await {
        Ok(_) => span.end(),
        Err(error) => {
            span.fail("database");
            return Err(error);
        }
    }
    WRITTEN.send_modify(|count| *count = count.wrapping_add(1));
    Ok(id)
}

/// What consumers' spans belong under.
fn producing(id: Uuid, kind: &str, aggregate_type: &str) -> Span {
    if !trace::is_on() {
        return Span::default();
    }
    let mut span = Span::child(Kind::Producer, Name::with("publish", kind.to_owned()));
    span.set("messaging.system", "outbox");
    span.set("messaging.operation.type", "send");
    span.set("messaging.operation.name", "publish");
    span.set("messaging.destination.name", aggregate_type.to_owned());
    span.set("messaging.message.id", id.to_string());
    span
}

/// Tells of every event that this process writes, from now on.
pub(super) fn written() -> watch::Receiver<u64> {
    WRITTEN.subscribe()
}
