//! A job of the matrix itself, which uses everything that the engine can do: parts at once, items that are filtered,
//! skipped when they are processed and when they are written, a summary, a report. What it writes "elsewhere" is in tables
//! of its own beside batch's, written in transactions of its own; chunks that come again find their answer there.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::anyhow;
use batch::engine::work::Run;
use batch::engine::{
    Chunked, Chunks, Fault, Job, Page, Parameter, Part, Place, Range, Reporting, Schedule, Sizes, Step,
    Written,
};
use batch::objects::Objects;
use chrono::{DateTime, Utc};
use contract::batch::{Concurrency, Execution, Misfire, ParameterType};
use serde_json::{Value, json};
use sqlx::PgPool;
use sqlx::types::Json;

pub(crate) const NAME: &str = "matrix";
const PARTS: i64 = 4;

/// What the job writes into, made by the owner of `batch_db`.
pub(crate) const TABLES: &str = "
    create table own_source (n bigint primary key);
    create table own_item (n bigint not null, key text not null);
    create table own_key (key text primary key, answer jsonb not null);
    -- While there is one, the job fails when it is told to be broken.
    create table own_fault (n bigint primary key);
    insert into own_fault values ($rows / 2);
    insert into own_source select generate_series(1, $rows);
";

/// One that forgets does again what comes again, as no job may: the matrix has to see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Memory {
    Keeps,
    Forgets,
}

pub(crate) fn job(db: &PgPool, objects: &Objects, memory: Memory) -> Job {
    let copy = Copy { db: db.clone(), memory };
    let report = Reporting { db: db.clone(), objects: objects.clone(), columns: &["n"], period };
    let step = |name, sizes, work| Step { name, parallel: 3, sizes, skip_limit: u64::MAX, work };
    Job {
        name: NAME,
        description: "copies numbers",
        parameters: &PARAMETERS,
        schedule: Schedule { cron: "0 0 1 1 *", misfire: Misfire::Skip, concurrency: Concurrency::Forbid },
        steps: vec![
            step("copy", Sizes { first: 50, least: 20, most: 2000 }, Arc::new(Chunks(copy))),
            step("report", Sizes::fixed(1), Arc::new(report)),
        ],
    }
}

const fn parameter(name: &'static str, kind: ParameterType, default: Option<&'static str>) -> Parameter {
    Parameter { name, description: "", kind, range: Range::Any, default, required: false, identifying: true }
}

const PARAMETERS: [Parameter; 3] = [
    parameter("mode", ParameterType::String, Some("sound")),
    parameter("day", ParameterType::Date, None),
    Parameter { identifying: false, ..parameter("note", ParameterType::String, None) },
];

/// What an execution has counted.
pub(crate) fn count(execution: &Execution) -> (i64, i64, i64, &BTreeMap<String, i64>) {
    let progress = execution.progress;
    (progress.read, progress.written, progress.skipped, &execution.summary)
}

fn period(run: &Run) -> (DateTime<Utc>, DateTime<Utc>) {
    (run.as_of - chrono::Duration::days(1), run.as_of)
}

struct Copy {
    db: PgPool,
    memory: Memory,
}

impl Chunked for Copy {
    type Item = i64;
    type Output = i64;

    async fn parts(&self, _: &Run) -> Result<Vec<Part>, Fault> {
        let part = |n| Part { name: Some(format!("p{n}")), total: None };
        Ok((0..PARTS).map(part).collect())
    }

    async fn read(&self, place: &Place) -> Result<Page<i64>, Fault> {
        let part: i64 = place.part.as_deref().unwrap()[1..].parse().unwrap();
        let after = place.cursor.as_ref().and_then(Value::as_i64).unwrap_or(0);
        let items: Vec<i64> =
            sqlx::query_scalar("select n from own_source where n > $1 and n % $2 = $3 order by n limit $4")
                .bind(after)
                .bind(PARTS)
                .bind(part)
                .bind(i64::from(place.size))
                .fetch_all(&self.db)
                .await?;
        if place.run.text("mode") == Some("broken") {
            let fault: Option<i64> = sqlx::query_scalar("select n from own_fault where n = any($1)")
                .bind(&items)
                .fetch_optional(&self.db)
                .await?;
            if let Some(fault) = fault {
                return Err(Fault::fatal(anyhow!("{fault} cannot be read")));
            }
        }
        let is_full = items.len() == place.size as usize;
        let next = items.last().filter(|_| is_full).map(|last| json!(last));
        Ok(Page { items, next, total: None })
    }

    fn key(&self, item: &i64) -> String {
        item.to_string()
    }

    fn process(&self, _: &Run, item: &i64) -> Result<Option<i64>, Fault> {
        match item {
            n if n % 997 == 0 => Err(Fault::item(anyhow!("{n} is no good number"))),
            n if n % 5 == 0 => Ok(None),
            n => Ok(Some(*n)),
        }
    }

    async fn write(&self, _: &Run, key: &str, outputs: &[i64]) -> Result<Written, Fault> {
        let mut tx = chassis::db::transaction(&self.db).await?;
        let known: Option<Json<Answer>> = sqlx::query_scalar("select answer from own_key where key = $1")
            .bind(key)
            .fetch_optional(&mut *tx)
            .await?;
        if let Some(Json(answer)) = known.filter(|_| self.memory == Memory::Keeps) {
            return Ok(answer.written());
        }
        if let Some(bad) = outputs.iter().find(|n| **n % 100_003 == 811) {
            return Err(Fault::item(anyhow!("{bad} cannot be written")));
        }
        sqlx::query("insert into own_item (n, key) select n, $2 from unnest($1::bigint[]) as n")
            .bind(outputs)
            .bind(key)
            .execute(&mut *tx)
            .await?;
        let answer = Answer { count: outputs.len() as u64, first: outputs.first().copied() };
        // Somebody who does the same at the same time waits here, and fails.
        let insert = match self.memory {
            Memory::Keeps => "insert into own_key (key, answer) values ($1, $2)",
            Memory::Forgets => "insert into own_key (key, answer) values ($1, $2) on conflict do nothing",
        };
        sqlx::query(insert).bind(key).bind(Json(&answer)).execute(&mut *tx).await?;
        tx.commit().await?;
        Ok(answer.written())
    }
}

#[derive(serde::Serialize, serde::Deserialize)]
struct Answer {
    count: u64,
    first: Option<i64>,
}

impl Answer {
    fn written(&self) -> Written {
        let summary = BTreeMap::from([("copied".to_owned(), i64::try_from(self.count).unwrap())]);
        Written { written: self.count, summary, rows: Vec::new() }
    }
}
