//! What a chunk leaves behind, in the transaction that moves its part on.

use std::collections::BTreeMap;

use aws_lc_rs::digest::{SHA256, digest};
use contract::batch::SkippedPhase;
use contract::id::ExecutionId;
use serde_json::Value;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use super::fence::{Fence, FenceError};
use super::step::Context;
use crate::engine::{Counts, Skipped};

/// A chunk that was done.
#[derive(Debug)]
pub struct Commit<'a> {
    /// Of the part.
    pub row: Uuid,
    /// Its number.
    pub chunk: u64,
    /// Where the part goes on.
    pub next: &'a Context,
    /// It was the part's last.
    pub last: bool,
    pub counts: Counts,
    pub total: Option<u64>,
    pub items_per_second: f64,
    pub summary: &'a BTreeMap<String, i64>,
    pub rows: &'a [Value],
    pub skipped: &'a [Skipped],
    /// How the execution is to end, if it ends well.
    pub exit_code: Option<&'static str>,
}

/// What the execution's row said meanwhile.
#[derive(Debug, Clone, Copy)]
pub struct Moved {
    pub stop_requested: bool,
    /// False when this chunk is committed already: the transaction must not commit then.
    pub moved: bool,
}

/// Moves the part on.
///
/// # Errors
/// See [`FenceError`].
pub async fn advance(db: &mut PgConnection, fence: &Fence, commit: &Commit<'_>) -> Result<Moved, FenceError> {
    let skipped = Columns::of(commit.skipped);
    let context = commit
        .exit_code
        .map_or_else(|| serde_json::json!({}), |code| serde_json::json!({ "exitCode": code }));
    sqlx::query_file_as!(
        Moved,
        "src/repository/commit.sql",
        fence.execution.as_uuid(),
        fence.number,
        &*fence.owner,
        commit.row,
        signed(commit.chunk),
        Json(commit.summary) as _,
        context,
        Json(commit.next) as _,
        commit.last,
        signed(commit.counts.read),
        signed(commit.counts.filtered),
        signed(commit.counts.written),
        skipped.of_phase(SkippedPhase::Read),
        skipped.of_phase(SkippedPhase::Process),
        skipped.of_phase(SkippedPhase::Write),
        commit.total.map(signed),
        commit.items_per_second,
        commit.rows,
        &skipped.phases,
        &skipped.keys,
        &skipped.hashes,
        &skipped.errors,
        &skipped.items,
    )
    .fetch_optional(db)
    .await?
    .ok_or(FenceError::Lost)
}

/// How many items of a step were skipped by this execution, its parts together.
///
/// # Errors
/// When the database does not answer.
pub async fn skipped(db: &mut PgConnection, execution: ExecutionId, step: &str) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        select count(*) as "count!"
        from skipped_item
        join step on step.id = skipped_item.step_id
        where step.execution_id = $1 and split_part(step.name, ':', 1) = $2
        "#,
        execution.as_uuid(),
        step
    )
    .fetch_one(db)
    .await
}

/// Tells that a step is complete, if its last part is; says whether.
///
/// # Errors
/// When the database does not answer.
pub async fn tell_complete(
    db: &mut PgConnection,
    execution: ExecutionId,
    step: &str,
) -> Result<bool, sqlx::Error> {
    let told = sqlx::query!(
        r#"
        insert into log (execution_id, step_name, level, message)
        select
          $1,
          $2,
          'INFO',
          format(
            'complete: %s read, %s filtered, %s written, %s skipped in %s chunks',
            sum(read_count),
            sum(filter_count),
            sum(write_count),
            sum(read_skip_count + process_skip_count + write_skip_count),
            sum(commit_count)
          )
        from step
        where execution_id = $1 and split_part(name, ':', 1) = $2
        having bool_and(status = 'COMPLETED')
        "#,
        execution.as_uuid(),
        step
    )
    .execute(db)
    .await?;
    Ok(told.rows_affected() == 1)
}

/// Skipped items as arrays.
#[derive(Default)]
struct Columns {
    phases: Vec<String>,
    keys: Vec<String>,
    hashes: Vec<Vec<u8>>,
    errors: Vec<String>,
    items: Vec<Value>,
}

impl Columns {
    fn of(skipped: &[Skipped]) -> Self {
        let mut columns = Self::default();
        for item in skipped {
            columns.phases.push(item.phase.as_str().to_owned());
            columns.keys.push(storable(&item.key));
            columns.hashes.push(digest(&SHA256, item.item.to_string().as_bytes()).as_ref().to_vec());
            columns.errors.push(storable(&item.error));
            columns.items.push(item.item.clone());
        }
        columns
    }

    fn of_phase(&self, phase: SkippedPhase) -> i64 {
        let count = self.phases.iter().filter(|word| *word == phase.as_str()).count();
        i64::try_from(count).unwrap_or(i64::MAX)
    }
}

/// PostgreSQL stores every character but one.
fn storable(text: &str) -> String {
    text.replace('\0', "")
}

/// PostgreSQL has no unsigned numbers.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
