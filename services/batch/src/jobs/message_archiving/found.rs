//! What a run has found and done, line by line: its report, and what one step tells the next.

use contract::id::InstanceId;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::PgPool;

use crate::engine::Fault;
use crate::repository::archived;

/// A line of the report. Written in the transaction that commits the chunk it is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Found {
    /// The archive's name.
    pub(super) archive: String,
    /// A file of it; none for what is about the whole.
    pub(super) object: Option<String>,
    pub(super) messages: u64,
    pub(super) bytes: u64,
    /// 64 lower-case digits; none when it was not written.
    pub(super) sha256: Option<String>,
    pub(super) state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum State {
    /// A part was written.
    Exported,
    /// There are no messages, so there is no archive.
    Empty,
    /// All parts were read back.
    Verified,
    /// The messages are gone from chat.
    Dropped,
    /// Something else is there than was archived, so it stays.
    Refused,
    /// A dry run would have written this part.
    WouldArchive,
}

impl Found {
    pub(super) fn row(&self) -> Result<Value, Fault> {
        serde_json::to_value(self).map_err(Fault::fatal)
    }
}

/// All lines about an archive, or about all of them, in the order of archives and parts.
pub(super) async fn lines(
    db: &PgPool,
    instance: InstanceId,
    archive: Option<&str>,
) -> Result<Vec<Found>, Fault> {
    let mut connection = db.acquire().await?;
    let rows = archived::rows(&mut connection, instance, archive).await?;
    rows.into_iter().map(|row| serde_json::from_value(row).map_err(Fault::fatal)).collect()
}
