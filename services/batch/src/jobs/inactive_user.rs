//! Closes accounts that nobody uses, and takes out of those that have been closed for long whose they were.

use chassis::client::ServiceClient;
use chrono::{DateTime, Months, TimeDelta, Utc};
use contract::batch::{Concurrency, Misfire, ParameterType};
use contract::time;
use contract::user::maintenance::{
    INACTIVE_USERS, InactiveUser, InactiveUsers, SettleUsers, SettledUsers, Settlement,
};
use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Means, only_step};
use crate::engine::work::Run;
use crate::engine::{
    Chunked, Chunks, Fault, Job, Page, Parameter, Place, Range, Schedule, Sizes, Written, report,
};

pub const NAME: &str = "inactive-user";
const INACTIVE_DAYS: &str = "inactiveDays";
const WITHDRAWN_YEARS: &str = "withdrawnYears";

pub fn job(means: &Means) -> Job {
    Job {
        name: NAME,
        description: "Closes accounts that nobody uses, and pseudonymises those that have been closed for long",
        parameters: &[
            Parameter {
                name: INACTIVE_DAYS,
                description: "Accounts whose users were not here for so many days are closed, at least 1",
                kind: ParameterType::Long,
                range: Range::DAYS,
                default: Some("90"),
                required: false,
                identifying: true,
            },
            Parameter {
                name: WITHDRAWN_YEARS,
                description: "Accounts that have been closed for so many years are pseudonymised, at least 1",
                kind: ParameterType::Long,
                range: Range::Between(1, 100),
                default: Some("2"),
                required: false,
                identifying: true,
            },
        ],
        schedule: Schedule { cron: "0 2 * * 0", misfire: Misfire::RunOnce, concurrency: Concurrency::Forbid },
        steps: vec![
            // User's own bound is 500 accounts.
            only_step(
                "settle",
                Sizes { first: 100, least: 10, most: 500 },
                Chunks(Settling { user: means.user.clone() }),
            ),
            only_step(
                "report",
                Sizes::fixed(1),
                means.reporting(&["user", "action", "since", "outcome"], week),
            ),
        ],
    }
}

/// The week up to the run.
fn week(run: &Run) -> (DateTime<Utc>, DateTime<Utc>) {
    (run.as_of - TimeDelta::weeks(1), run.as_of)
}

struct Settling {
    user: ServiceClient,
}

/// An account with its number among all that were read, so that the report ends where it is long enough.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Candidate {
    account: InactiveUser,
    number: usize,
}

/// Where user goes on, and how many accounts were read before.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Cursor {
    after: Option<String>,
    read: usize,
}

/// The times that decide. The same in every execution of the instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Limits {
    inactive_before: DateTime<Utc>,
    withdrawn_before: DateTime<Utc>,
}

impl Limits {
    fn of(run: &Run) -> Result<Self, Fault> {
        let days = run
            .parsed::<i64>(INACTIVE_DAYS)
            .filter(|days| *days >= 1)
            .and_then(TimeDelta::try_days)
            .and_then(|days| run.as_of.checked_sub_signed(days));
        let years = run
            .parsed::<u32>(WITHDRAWN_YEARS)
            .filter(|years| *years >= 1)
            .and_then(|years| years.checked_mul(12))
            .and_then(|months| run.as_of.checked_sub_months(Months::new(months)));
        let wrong = |parameter| Fault::fatal(anyhow::anyhow!("{parameter} must be a number, at least 1"));
        Ok(Self {
            inactive_before: days.ok_or_else(|| wrong(INACTIVE_DAYS))?,
            withdrawn_before: years.ok_or_else(|| wrong(WITHDRAWN_YEARS))?,
        })
    }

    /// Whether it is time for what user proposes.
    fn are_met(self, account: &InactiveUser) -> bool {
        match account.action {
            Settlement::Deactivate => account.since < self.inactive_before,
            Settlement::Pseudonymise => account.since < self.withdrawn_before,
        }
    }
}

impl Chunked for Settling {
    type Item = Candidate;
    type Output = Candidate;

    async fn read(&self, place: &Place) -> Result<Page<Candidate>, Fault> {
        let limits = Limits::of(&place.run)?;
        let cursor =
            place.cursor.as_ref().map_or(Ok(Cursor::default()), Cursor::deserialize).map_err(Fault::fatal)?;
        let after = cursor.after.as_ref().map(|after| format!("&after={after}")).unwrap_or_default();
        let path = format!(
            "{INACTIVE_USERS}?limit={}&inactiveBefore={}&withdrawnBefore={}{after}",
            place.size,
            time::format(limits.inactive_before),
            time::format(limits.withdrawn_before)
        );
        let found: InactiveUsers = self.user.get(&path).await?;
        let read = cursor.read + found.users.len();
        let items = found.users.into_iter().zip(cursor.read..);
        let next = found.next.map(|after| Cursor { after: Some(after), read });
        Ok(Page {
            items: items.map(|(account, number)| Candidate { account, number }).collect(),
            next: next.map(serde_json::to_value).transpose().map_err(Fault::fatal)?,
            total: found.total,
        })
    }

    fn key(&self, candidate: &Candidate) -> String {
        candidate.account.id.to_string()
    }

    fn process(&self, run: &Run, candidate: &Candidate) -> Result<Option<Candidate>, Fault> {
        Ok(Limits::of(run)?.are_met(&candidate.account).then(|| candidate.clone()))
    }

    async fn write(&self, run: &Run, key: &str, outputs: &[Candidate]) -> Result<Written, Fault> {
        if run.dry_run {
            return Ok(planned(outputs));
        }
        let wanted = SettleUsers { users: outputs.iter().map(|output| output.account.clone()).collect() };
        let call = self.user.request(Method::POST, INACTIVE_USERS).json(&wanted).key(key);
        Ok(settled(outputs, &call.send().await?))
    }
}

fn planned(outputs: &[Candidate]) -> Written {
    let count = |action| outputs.iter().filter(|output| output.account.action == action).count() as u64;
    Written {
        written: 0,
        summary: summary(count(Settlement::Deactivate), count(Settlement::Pseudonymise), 0),
        rows: outputs.iter().filter_map(|output| row(output, "PLANNED")).collect(),
    }
}

fn settled(outputs: &[Candidate], settled: &SettledUsers) -> Written {
    // User answers in the order in which it was asked.
    let outcomes = outputs.iter().zip(&settled.users);
    Written {
        written: settled.deactivated + settled.pseudonymised,
        summary: summary(settled.deactivated, settled.pseudonymised, settled.unchanged),
        rows: outcomes.filter_map(|(output, user)| row(output, user.outcome.as_str())).collect(),
    }
}

fn summary(deactivated: u64, pseudonymised: u64, unchanged: u64) -> std::collections::BTreeMap<String, i64> {
    [("deactivated", deactivated), ("pseudonymised", pseudonymised), ("unchanged", unchanged)]
        .map(|(name, number)| (name.to_owned(), i64::try_from(number).unwrap_or(i64::MAX)))
        .into()
}

/// A line of the report, one more than it shows at most.
fn row(candidate: &Candidate, outcome: &str) -> Option<Value> {
    let Candidate { account, number } = candidate;
    (*number <= report::MOST_ROWS).then(|| {
        let since = time::format(account.since);
        json!({ "user": account.id, "action": account.action, "since": since, "outcome": outcome })
    })
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn account(action: Settlement, since: &str) -> InactiveUser {
        InactiveUser { id: Uuid::nil().into(), action, since: since.parse().unwrap(), version: 1 }
    }

    #[test]
    fn it_is_time_only_behind_the_limit_of_the_action() {
        let limits = Limits {
            inactive_before: "2026-08-25T00:00:00Z".parse().unwrap(),
            withdrawn_before: "2024-11-23T00:00:00Z".parse().unwrap(),
        };
        for (action, since, met) in [
            (Settlement::Deactivate, "2026-08-24T23:59:59Z", true),
            (Settlement::Deactivate, "2026-08-25T00:00:00Z", false),
            (Settlement::Pseudonymise, "2024-11-22T23:59:59Z", true),
            (Settlement::Pseudonymise, "2026-08-24T23:59:59Z", false),
        ] {
            assert_eq!(limits.are_met(&account(action, since)), met, "{action} {since}");
        }
    }

    #[test]
    fn a_report_gets_one_line_more_than_it_shows_and_no_further() {
        let candidate =
            |number| Candidate { account: account(Settlement::Deactivate, "2026-01-01T00:00:00Z"), number };
        let outputs: Vec<_> = (report::MOST_ROWS - 1..report::MOST_ROWS + 2).map(candidate).collect();
        let planned = planned(&outputs);
        assert_eq!((planned.rows.len(), planned.summary["deactivated"], planned.written), (2, 3, 0));
    }
}
