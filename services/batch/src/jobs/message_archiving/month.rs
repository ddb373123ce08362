//! Which months are due, and what their archives are called.

use std::collections::BTreeSet;

use chrono::{DateTime, Months, NaiveDate, NaiveTime, Utc};
use contract::chat::maintenance::MessagePartition;
use thiserror::Error;

use crate::engine::work::Run;

pub(super) const OLDER_THAN: &str = "olderThanMonths";
pub(super) const ONLY: &str = "month";
/// Where archives are, in the object store.
pub(super) const DIRECTORY: &str = "archives/messages";

/// What is asked for cannot be done.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(super) enum Wrong {
    #[error("{OLDER_THAN} must be a number of months, 0 or more")]
    Age,
    #[error("{0:?} is no month of the form YYYY-MM")]
    Month(String),
    #[error("{0} is not over, or was until an hour ago")]
    Open(String),
}

/// The months to archive, oldest first. One that is named may be missing: then there is nothing to do.
pub(super) fn due(run: &Run, partitions: Vec<MessagePartition>) -> Result<Vec<MessagePartition>, Wrong> {
    if let Some(only) = run.text(ONLY) {
        begins(only).ok_or_else(|| Wrong::Month(only.to_owned()))?;
        let found: Vec<_> = partitions.into_iter().filter(|one| one.month == only).collect();
        return match found.first() {
            Some(one) if !one.sealed => Err(Wrong::Open(only.to_owned())),
            _ => Ok(found),
        };
    }
    let age = run.parsed(OLDER_THAN).map(Months::new).ok_or(Wrong::Age)?;
    let ended_by = run.as_of.checked_sub_months(age).ok_or(Wrong::Age)?;
    let is_due = |one: &MessagePartition| one.sealed && one.to <= ended_by && begins(&one.month).is_some();
    Ok(partitions.into_iter().filter(is_due).collect())
}

/// A month's archive is called like the month. When there is one already, because messages came late to a month that was
/// archived and dropped, or because a run came to nothing behind the archive, the next is called `2026-01-2`: a complete
/// archive is never written to again.
pub(super) fn free_name(month: &str, taken: &BTreeSet<String>) -> String {
    let names = std::iter::once(month.to_owned()).chain((2_u32..).map(|n| format!("{month}-{n}")));
    names.into_iter().find(|name| !taken.contains(&path(name))).unwrap_or_else(|| month.to_owned())
}

/// Its directory.
pub(super) fn path(archive: &str) -> String {
    format!("{DIRECTORY}/{archive}")
}

/// The month that an archive of that name is of.
pub(super) fn of(archive: &str) -> &str {
    archive.get(..7).unwrap_or(archive)
}

/// The time that an archive is about.
pub(super) fn period(archive: &str) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
    let start = begins(of(archive))?;
    Some((start, start.checked_add_months(Months::new(1))?))
}

fn begins(month: &str) -> Option<DateTime<Utc>> {
    let is_plain = month.len() == 7 && month.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    let day = NaiveDate::parse_from_str(&format!("{month}-01"), "%Y-%m-%d").ok().filter(|_| is_plain)?;
    Some(day.and_time(NaiveTime::MIN).and_utc())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use contract::batch::{ParameterType, ParameterValue};

    use super::*;

    fn run(parameters: &[(&str, &str)]) -> Run {
        let value = |(name, value): &(&str, &str)| {
            let (name, value) = ((*name).to_owned(), (*value).to_owned());
            (name.clone(), ParameterValue { name, kind: ParameterType::String, value, identifying: true })
        };
        Run {
            execution: chassis::fresh_id(),
            instance: chassis::fresh_id(),
            job: super::super::NAME,
            step: "export",
            parameters: Arc::new(parameters.iter().map(value).collect()),
            as_of: "2026-11-23T04:00:00Z".parse().unwrap(),
            dry_run: false,
            summary: Arc::new(BTreeMap::new()),
        }
    }

    fn partitions() -> Vec<MessagePartition> {
        let one = |month: &str, sealed| {
            let (from, to) = period(month).unwrap();
            MessagePartition { month: month.to_owned(), from, to, rows: None, bytes: 0, sealed }
        };
        let sealed = ["2024-02", "2025-10", "2025-11", "2026-10"].map(|month| one(month, true));
        [sealed.to_vec(), ["2026-11", "2026-12"].map(|month| one(month, false)).to_vec()].concat()
    }

    fn months(parameters: &[(&str, &str)]) -> Result<Vec<String>, Wrong> {
        Ok(due(&run(parameters), partitions())?.into_iter().map(|one| one.month).collect())
    }

    #[test]
    fn months_are_due_when_they_ended_long_enough_ago() {
        for (age, expected) in [
            ("12", vec!["2024-02", "2025-10"]),
            ("11", vec!["2024-02", "2025-10", "2025-11"]),
            ("1", vec!["2024-02", "2025-10", "2025-11"]),
            ("0", vec!["2024-02", "2025-10", "2025-11", "2026-10"]),
            ("1200", vec![]),
        ] {
            let expected: Vec<_> = expected.into_iter().map(str::to_owned).collect();
            assert_eq!(months(&[(OLDER_THAN, age)]), Ok(expected), "{age}");
        }
        for age in ["-1", "x", "", "4294967295"] {
            assert_eq!(months(&[(OLDER_THAN, age)]), Err(Wrong::Age), "{age}");
        }
    }

    #[test]
    fn a_month_that_is_named_is_the_only_one() {
        let only = |month: &str| months(&[(OLDER_THAN, "12"), (ONLY, month)]);
        assert_eq!(only("2026-10"), Ok(vec!["2026-10".to_owned()]), "though it is young");
        assert_eq!(only("2020-01"), Ok(vec![]));
        assert_eq!(only("2026-11"), Err(Wrong::Open("2026-11".to_owned())));
        for month in ["2026-1", "2026-13", "../etc", "2026-010", ""] {
            assert_eq!(only(month), Err(Wrong::Month(month.to_owned())));
        }
    }

    #[test]
    fn an_archive_that_is_there_is_never_written_to_again() {
        let taken = |names: &[&str]| names.iter().map(|name| path(name)).collect();
        assert_eq!(free_name("2024-02", &taken(&["2024-03"])), "2024-02");
        assert_eq!(free_name("2024-02", &taken(&["2024-02"])), "2024-02-2");
        assert_eq!(free_name("2024-02", &taken(&["2024-02", "2024-02-2", "2024-02-3"])), "2024-02-4");
        assert_eq!(of("2024-02-4"), "2024-02");
        assert_eq!(period("2024-02-4"), period("2024-02"));
    }
}
