//! The last step of a job: what it found becomes a report, in JSON and as a table.

use std::collections::BTreeMap;

use bytes::Bytes;
use chassis::db;
use chrono::{DateTime, Utc};
use contract::batch::ReportBody;
use futures_util::future::BoxFuture;
use serde_json::{Map, Value};
use sqlx::PgPool;
use tokio::time::Instant;

use super::fault::Fault;
use super::work::{Chunk, Effect, NewReport, Place, Run, Work};
use crate::domain::csv;
use crate::objects::Objects;
use crate::repository::report_row;

/// More lines than this nobody reads.
pub const MOST_ROWS: usize = 10_000;

/// Writes the rows and the summary of the instance. A dry run leaves a report too: of what would be done.
///
/// Rows are in the order of their columns, and have these keys only. The same facts make the same bytes, so the step
/// can be done twice.
pub struct Reporting {
    pub db: PgPool,
    pub objects: Objects,
    /// Names of the columns, which are keys of the rows.
    pub columns: &'static [&'static str],
    /// The time that the report is about.
    pub period: fn(&Run) -> (DateTime<Utc>, DateTime<Utc>),
}

impl Work for Reporting {
    fn chunk<'a>(&'a self, place: &'a Place) -> BoxFuture<'a, Result<Chunk, Fault>> {
        Box::pin(self.write(&place.run))
    }
}

impl Reporting {
    async fn write(&self, run: &Run) -> Result<Chunk, Fault> {
        let begun = Instant::now();
        let mut tx = db::transaction(&self.db).await?;
        let rows = report_row::list(&mut tx, run.instance, self.columns, MOST_ROWS + 1).await?;
        tx.commit().await?;
        let body = self.body(run, rows);
        let [json_path, csv_path] = paths(run);
        let mut json = serde_json::to_vec(&body).map_err(Fault::fatal)?;
        json.push(b'\n');
        let csv = csv::table(self.columns, &body.rows);
        self.objects.put(&json_path, Bytes::from(json), begun).await?;
        self.objects.put(&csv_path, Bytes::from(csv), begun).await?;
        let report = NewReport {
            period_start: body.period_start,
            period_end: body.period_end,
            summary: body.summary,
            row_count: body.rows.len() as u64,
            json_path,
            csv_path,
        };
        Ok(Chunk { effects: vec![Effect::Report(report)], ..Chunk::default() })
    }

    fn body(&self, run: &Run, mut rows: Vec<Value>) -> ReportBody {
        let truncated = rows.len() > MOST_ROWS;
        rows.truncate(MOST_ROWS);
        let (period_start, period_end) = (self.period)(run);
        ReportBody {
            job: run.job.to_owned(),
            period_start,
            period_end,
            parameters: run.parameters.iter().map(|(name, one)| (name.clone(), one.value.clone())).collect(),
            summary: BTreeMap::clone(&run.summary),
            columns: self.columns.iter().map(|name| (*name).to_owned()).collect(),
            rows: rows.into_iter().map(|row| self.canonical(row)).collect(),
            truncated,
        }
    }

    /// Its columns, all of them, in an order that does not depend on how the crate of JSON was built.
    fn canonical(&self, mut row: Value) -> Value {
        let mut names = self.columns.to_vec();
        names.sort_unstable();
        let take = |name: &str| {
            let value = row.get_mut(name).map_or(Value::Null, Value::take);
            (name.to_owned(), value)
        };
        Value::Object(names.into_iter().map(take).collect::<Map<_, _>>())
    }
}

/// Where the two are. Dry runs are kept apart, so that nobody takes them for what happened.
fn paths(run: &Run) -> [String; 2] {
    let below = if run.dry_run { "dry-run/" } else { "" };
    ["json", "csv"].map(|format| format!("reports/{}/{below}{}.{format}", run.job, run.instance))
}
