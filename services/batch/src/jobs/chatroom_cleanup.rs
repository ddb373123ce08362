//! Removes rooms that their learners have left, with all their messages.

use std::collections::BTreeMap;

use chassis::client::ServiceClient;
use chrono::TimeDelta;
use contract::batch::{Concurrency, Misfire, ParameterType};
use contract::chat::maintenance::{PurgeRooms, PurgedRooms, path};
use contract::time;
use futures_util::future::BoxFuture;
use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Means, only_step, period};
use crate::engine::work::Run;
use crate::engine::{Chunk, Counts, Fault, Job, Parameter, Place, Range, Schedule, Sizes, Work, report};

pub const NAME: &str = "chatroom-cleanup";
const LEFT_DAYS: &str = "leftDays";

pub fn job(means: &Means) -> Job {
    Job {
        name: NAME,
        description: "Removes chat rooms that were left long ago",
        parameters: &[Parameter {
            name: LEFT_DAYS,
            description: "Rooms that were left so many days ago, at least 1",
            kind: ParameterType::Long,
            range: Range::DAYS,
            default: Some("30"),
            required: false,
            identifying: true,
        }],
        schedule: Schedule { cron: "0 3 * * *", misfire: Misfire::RunOnce, concurrency: Concurrency::Forbid },
        steps: vec![
            // Chat's own bound is 1,000 rooms, and 20,000 messages.
            only_step(
                "purge",
                Sizes { first: 100, least: 10, most: 1000 },
                Purge { chat: means.chat.clone() },
            ),
            only_step("report", Sizes::fixed(1), means.reporting(&["room", "leftAt"], period::day)),
        ],
    }
}

struct Purge {
    chat: ServiceClient,
}

impl Work for Purge {
    fn chunk<'a>(&'a self, place: &'a Place) -> BoxFuture<'a, Result<Chunk, Fault>> {
        Box::pin(async move {
            let dry_run = place.run.dry_run;
            let cursor = Cursor::of(place)?;
            let after = cursor.after.as_ref().map(|after| format!("&after={after}")).unwrap_or_default();
            let path = format!("{}?limit={}&dryRun={dry_run}{after}", path::PURGE, place.size);
            let body = PurgeRooms { left_before: left_before(&place.run)? };
            let purged: PurgedRooms =
                self.chat.request(Method::POST, &path).json(&body).key(&place.key()).send().await?;
            chunk(cursor.rows, purged)
        })
    }
}

/// Where chat goes on, and how many lines the report has so far.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Cursor {
    after: Option<String>,
    rows: usize,
}

impl Cursor {
    fn of(place: &Place) -> Result<Self, Fault> {
        place.cursor.as_ref().map_or(Ok(Self::default()), Self::deserialize).map_err(Fault::fatal)
    }
}

/// The same in every execution of the instance: chunks that come again must be what they were.
fn left_before(run: &Run) -> Result<chrono::DateTime<chrono::Utc>, Fault> {
    run.parsed::<i64>(LEFT_DAYS)
        .filter(|days| *days >= 1)
        .and_then(TimeDelta::try_days)
        .and_then(|days| run.as_of.checked_sub_signed(days))
        .ok_or_else(|| Fault::fatal(anyhow::anyhow!("{LEFT_DAYS} must be a number of days, at least 1")))
}

fn chunk(rows_so_far: usize, purged: PurgedRooms) -> Result<Chunk, Fault> {
    let written = if purged.dry_run { 0 } else { purged.processed };
    let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let rows: Vec<Value> = purged
        .rooms
        .iter()
        .take((report::MOST_ROWS + 1).saturating_sub(rows_so_far))
        .map(|room| json!({ "room": room.id, "leftAt": time::format(room.left_at) }))
        .collect();
    let next = purged.next.map(|after| Cursor { after: Some(after), rows: rows_so_far + rows.len() });
    Ok(Chunk {
        counts: Counts { read: purged.processed, filtered: 0, written },
        next: next.map(serde_json::to_value).transpose().map_err(Fault::fatal)?,
        summary: BTreeMap::from([
            ("rooms".to_owned(), number(purged.processed)),
            ("messages".to_owned(), number(purged.messages)),
        ]),
        rows,
        ..Chunk::default()
    })
}

#[cfg(test)]
mod tests {
    use contract::chat::maintenance::LeftRoom;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_report_gets_one_line_more_than_it_shows_and_no_further() {
        let room = LeftRoom { id: Uuid::nil().into(), left_at: chrono::DateTime::UNIX_EPOCH };
        let purged = PurgedRooms {
            dry_run: false,
            processed: 3,
            messages: 9,
            rooms: vec![room; 3],
            next: Some("there".to_owned()),
        };
        for (so_far, expected) in [(0, 3), (report::MOST_ROWS, 1), (report::MOST_ROWS + 1, 0)] {
            let chunk = chunk(so_far, purged.clone()).unwrap();
            assert_eq!((chunk.rows.len(), chunk.counts.written), (expected, 3));
            assert_eq!(chunk.next, Some(json!({ "after": "there", "rows": so_far + expected })));
        }
    }
}
