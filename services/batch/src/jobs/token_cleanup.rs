//! Removes tokens and sessions that are over, and old entries of the security trail.

use chassis::client::ServiceClient;
use chrono::{DateTime, TimeDelta, Utc};
use contract::auth::maintenance::{PURGE, PurgeTokens, PurgedTokens};
use contract::batch::{Concurrency, Misfire, ParameterType};
use contract::time;
use futures_util::future::BoxFuture;
use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Means, only_step, period};
use crate::engine::work::Run;
use crate::engine::{Chunk, Counts, Fault, Job, Parameter, Place, Range, Schedule, Sizes, Work, report};

pub const NAME: &str = "token-cleanup";
const KEEP_DAYS: &str = "keepDays";
const KEEP_AUDIT_DAYS: &str = "keepAuditDays";

pub fn job(means: &Means) -> Job {
    Job {
        name: NAME,
        description: "Removes sessions that are over, expired tokens and old entries of the security trail",
        parameters: &[
            Parameter {
                name: KEEP_DAYS,
                description: "Sessions that were over so many days ago, at least 1",
                kind: ParameterType::Long,
                range: Range::DAYS,
                default: Some("30"),
                required: false,
                identifying: true,
            },
            Parameter {
                name: KEEP_AUDIT_DAYS,
                description: "Entries of the security trail that are so many days old, at least 1",
                kind: ParameterType::Long,
                range: Range::DAYS,
                default: Some("730"),
                required: false,
                identifying: true,
            },
        ],
        schedule: Schedule { cron: "0 3 * * *", misfire: Misfire::RunOnce, concurrency: Concurrency::Forbid },
        steps: vec![
            // Auth's own bound is 5,000 rows.
            only_step(
                "purge",
                Sizes { first: 500, least: 50, most: 5000 },
                Purge { auth: means.auth.clone() },
            ),
            // Only a dry run has rows: of what is gone nobody needs the ids.
            only_step(
                "report",
                Sizes::fixed(1),
                means.reporting(&["session", "user", "overAt", "tokens"], period::day),
            ),
        ],
    }
}

struct Purge {
    auth: ServiceClient,
}

impl Work for Purge {
    fn chunk<'a>(&'a self, place: &'a Place) -> BoxFuture<'a, Result<Chunk, Fault>> {
        Box::pin(async move {
            let cursor = Cursor::of(place)?;
            let after = cursor.after.as_ref().map(|after| format!("&after={after}")).unwrap_or_default();
            let path = format!("{PURGE}?limit={}&dryRun={}{after}", place.size, place.run.dry_run);
            let wanted = PurgeTokens {
                expired_before: days_before(&place.run, KEEP_DAYS)?,
                audit_before: Some(days_before(&place.run, KEEP_AUDIT_DAYS)?),
            };
            let call = self.auth.request(Method::POST, &path).json(&wanted).key(&place.key());
            chunk(cursor.rows, call.send().await?)
        })
    }
}

/// Where auth goes on, and how many lines the report has so far.
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
fn days_before(run: &Run, parameter: &str) -> Result<DateTime<Utc>, Fault> {
    run.parsed::<i64>(parameter)
        .filter(|days| *days >= 1)
        .and_then(TimeDelta::try_days)
        .and_then(|days| run.as_of.checked_sub_signed(days))
        .ok_or_else(|| Fault::fatal(anyhow::anyhow!("{parameter} must be a number of days, at least 1")))
}

fn chunk(rows_so_far: usize, purged: PurgedTokens) -> Result<Chunk, Fault> {
    let number = |name: &str, number: u64| (name.to_owned(), i64::try_from(number).unwrap_or(i64::MAX));
    let rows: Vec<Value> = purged
        .expired
        .iter()
        .take((report::MOST_ROWS + 1).saturating_sub(rows_so_far))
        .map(|session| {
            let over_at = time::format(session.over_at);
            json!({ "session": session.id, "user": session.user_id, "overAt": over_at, "tokens": session.tokens })
        })
        .collect();
    let next = purged.next.map(|after| Cursor { after: Some(after), rows: rows_so_far + rows.len() });
    Ok(Chunk {
        counts: Counts {
            read: purged.processed,
            filtered: 0,
            written: if purged.dry_run { 0 } else { purged.processed },
        },
        next: next.map(serde_json::to_value).transpose().map_err(Fault::fatal)?,
        summary: [
            number("sessions", purged.sessions),
            number("tokens", purged.tokens),
            number("buckets", purged.buckets),
            number("auditEntries", purged.audit),
        ]
        .into(),
        rows,
        ..Chunk::default()
    })
}

#[cfg(test)]
mod tests {
    use contract::auth::maintenance::ExpiredSession;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_report_gets_one_line_more_than_it_shows_and_no_further() {
        let session = ExpiredSession {
            id: Uuid::nil().into(),
            user_id: Uuid::nil().into(),
            over_at: DateTime::UNIX_EPOCH,
            tokens: 1,
        };
        let purged = PurgedTokens {
            dry_run: true,
            processed: 3,
            expired: vec![session; 3],
            next: Some("there".to_owned()),
            ..PurgedTokens::default()
        };
        for (so_far, expected) in
            [(0, 3), (report::MOST_ROWS - 1, 2), (report::MOST_ROWS, 1), (report::MOST_ROWS + 1, 0)]
        {
            let chunk = chunk(so_far, purged.clone()).unwrap();
            assert_eq!(chunk.rows.len(), expected);
            assert_eq!(chunk.next, Some(json!({ "after": "there", "rows": so_far + expected })));
            assert_eq!((chunk.counts.read, chunk.counts.written), (3, 0));
        }
    }
}
