//! Every morning: what happened in the services on the working day that ended at nine.
//!
//! A service that is down delays the report for ten minutes; then the run fails, and a restart asks those that have not
//! answered. None is ever written without one of them.

mod lines;
mod section;

use chrono::{NaiveDate, Utc};
use contract::batch::{Concurrency, Misfire};
use futures_util::future::BoxFuture;
use serde_json::{Value, json};

use self::section::Section;
use super::day::{self, Day};
use super::{Means, only_step};
use crate::engine::{Chunk, Counts, Fault, Job, Place, Schedule, Sizes, Work};

pub const NAME: &str = "daily-report";

const COLUMNS: &[&str] = &["section", "metric", "currency", "value"];

pub fn job(means: &Means) -> Job {
    Job {
        name: NAME,
        description: "What happened on a day: users, sessions, conversations, orders; amounts in minor units",
        parameters: &[day::PARAMETER],
        // Every time is about a day of its own.
        schedule: Schedule { cron: "0 9 * * *", misfire: Misfire::RunAll, concurrency: Concurrency::Allow },
        steps: vec![
            only_step("collect", Sizes::fixed(1), Collecting { means: means.clone() }),
            only_step("report", Sizes::fixed(1), means.reporting(COLUMNS, day::period)),
        ],
    }
}

/// One section a chunk, so that a restart asks only those that have not answered.
struct Collecting {
    means: Means,
}

impl Work for Collecting {
    fn chunk<'a>(&'a self, place: &'a Place) -> BoxFuture<'a, Result<Chunk, Fault>> {
        Box::pin(async move {
            match day::of(&place.run, Utc::now())? {
                Day::Over(day) => self.collect(place, day).await,
                Day::Settling(left) => {
                    Ok(Chunk { next: Some(Value::Null), pause: Some(left), ..Chunk::default() })
                }
            }
        })
    }
}

impl Collecting {
    async fn collect(&self, place: &Place, day: NaiveDate) -> Result<Chunk, Fault> {
        let section = match place.cursor.as_ref().and_then(Value::as_str) {
            None => Section::FIRST,
            Some(name) => name.parse().map_err(Fault::fatal)?,
        };
        let lines = lines::of(section.as_str(), &section.ask(&self.means, day).await?);
        let rows = lines.len() as u64;
        Ok(Chunk {
            counts: Counts { read: rows, filtered: 0, written: rows },
            next: section.next().map(|next| json!(next.as_str())),
            summary: [("metrics".to_owned(), rows.cast_signed())].into(),
            rows: lines,
            ..Chunk::default()
        })
    }
}
