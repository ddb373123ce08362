//! Archives: which rows were moved out of a database, and where to.

use chrono::{DateTime, Utc};
use contract::batch::Archive;
use contract::id::{ArchiveId, ExecutionId};
use sqlx::PgConnection;
use uuid::Uuid;

/// The newest first, older than `before`.
///
/// # Errors
/// When the database does not answer.
pub async fn page(
    db: &mut PgConnection,
    before: Option<(DateTime<Utc>, Uuid)>,
    limit: i64,
) -> Result<Vec<Archive>, sqlx::Error> {
    let (at, id) = before.unwrap_or((DateTime::<Utc>::MAX_UTC, Uuid::max()));
    sqlx::query_as!(
        Archive,
        r#"
        select
          id as "id: ArchiveId",
          job_name as job,
          execution_id as "execution_id: ExecutionId",
          path,
          period_start,
          period_end,
          part_count as parts,
          row_count as rows,
          byte_count as bytes,
          encode(sha256, 'hex') as "sha256!",
          verified_at,
          dropped_at,
          created_at
        from archive
        where (created_at, id) < ($1, $2)
        order by created_at desc, id desc
        limit $3
        "#,
        at,
        id,
        limit
    )
    .fetch_all(db)
    .await
}
