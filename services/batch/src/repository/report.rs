//! Reports, without their content, which is in the object store.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use chrono::{DateTime, Utc};
use contract::batch::Report;
use contract::id::{ExecutionId, ReportId};
use sqlx::types::Json;
use sqlx::{FromRow, PgConnection, Postgres, QueryBuilder};
use uuid::Uuid;

/// Which reports.
#[derive(Debug, Clone, Default)]
pub struct Choice<'a> {
    pub job: Option<&'a str>,
    /// Of runs that changed nothing, or of those that did.
    pub dry_run: Option<bool>,
    pub ids: Option<RangeInclusive<Uuid>>,
    /// About nothing earlier.
    pub from: Option<DateTime<Utc>>,
    /// Behind this one: the beginning of its period, and its id.
    pub before: Option<(DateTime<Utc>, Uuid)>,
    pub limit: i64,
}

#[derive(FromRow)]
struct Found {
    id: ReportId,
    job_name: String,
    execution_id: Option<ExecutionId>,
    dry_run: bool,
    period_start: DateTime<Utc>,
    period_end: DateTime<Utc>,
    summary: Json<BTreeMap<String, i64>>,
    row_count: i64,
    created_at: DateTime<Utc>,
}

impl From<Found> for Report {
    fn from(row: Found) -> Self {
        Self {
            id: row.id,
            job: row.job_name,
            execution_id: row.execution_id,
            dry_run: row.dry_run,
            period_start: row.period_start,
            period_end: row.period_end,
            summary: row.summary.0,
            row_count: row.row_count,
            created_at: row.created_at,
        }
    }
}

/// Those about the latest time first.
///
/// # Errors
/// When the database does not answer.
pub async fn page(db: &mut PgConnection, choice: &Choice<'_>) -> Result<Vec<Report>, sqlx::Error> {
    let mut query = QueryBuilder::<Postgres>::new(
        "select id, job_name, execution_id, dry_run, period_start, period_end, summary, row_count, created_at
        from report
        where true",
    );
    if let Some(dry_run) = choice.dry_run {
        query.push(" and dry_run = ").push_bind(dry_run);
    }
    if let Some(ids) = &choice.ids {
        query.push(" and id between ").push_bind(ids.start()).push(" and ").push_bind(ids.end());
    }
    if let Some(job) = choice.job {
        query.push(" and job_name = ").push_bind(job);
    }
    if let Some(from) = choice.from {
        query.push(" and period_start >= ").push_bind(from);
    }
    if let Some((start, id)) = choice.before {
        query.push(" and (period_start, id) < (").push_bind(start).push(", ").push_bind(id).push(")");
    }
    query.push(" order by period_start desc, id desc limit ").push_bind(choice.limit);
    let rows: Vec<Found> = query.build_query_as().fetch_all(db).await?;
    Ok(rows.into_iter().map(Report::from).collect())
}

/// Where a report's content is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub job: String,
    pub json_path: String,
    pub csv_path: String,
}

/// # Errors
/// When the database does not answer.
pub async fn place(db: &mut PgConnection, id: ReportId) -> Result<Option<Place>, sqlx::Error> {
    sqlx::query_as!(
        Place,
        r#"
        select job_name as job, json_path, csv_path
        from report
        where id = $1
        "#,
        id.as_uuid()
    )
    .fetch_optional(db)
    .await
}
