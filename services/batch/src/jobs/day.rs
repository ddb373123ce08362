//! The day that a job is about: one of UTC, which is a working day of Seoul from nine to nine. Every service counts by it.

use std::time::Duration;

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};
use contract::batch::ParameterType;

use crate::engine::work::Run;
use crate::engine::{Fault, Parameter, Range};

/// The day; unless it is set, the last one that was over when the job was begun. A job at half past two in Seoul takes
/// the working day that ended the morning before: the newer one still has hours to go.
pub(super) const PARAMETER: Parameter = Parameter {
    name: "day",
    description: "A day of UTC, which is nine to nine in Seoul; unless set, the last one that is over",
    kind: ParameterType::Date,
    range: Range::Any,
    default: None,
    required: false,
    identifying: true,
};

/// Behind its end, what began on a day is committed or never will be: no request and no statement takes longer than 10 s.
const SETTLING: TimeDelta = TimeDelta::seconds(15);

/// The day of a run that may work on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Day {
    Over(NaiveDate),
    /// It is over, and what began in its last moments may still be on its way.
    Settling(Duration),
}

/// Which day, and whether it can be told of.
///
/// # Errors
/// When it was not over when the run was begun: what is said of a day is said once.
pub(super) fn of(run: &Run, now: DateTime<Utc>) -> Result<Day, Fault> {
    let day = wanted(run);
    if day >= run.as_of.date_naive() {
        return Err(Fault::fatal(anyhow::anyhow!("the day {day} is not over (UTC)")));
    }
    let (_, end) = period(run);
    // The clock of the schedule is the database's, and may be ahead of ours.
    let left = end + SETTLING - now.max(run.as_of);
    Ok(left.to_std().ok().filter(|left| !left.is_zero()).map_or(Day::Over(day), Day::Settling))
}

/// From its first moment to the first one behind it.
pub(super) fn period(run: &Run) -> (DateTime<Utc>, DateTime<Utc>) {
    let from = wanted(run).and_time(NaiveTime::MIN).and_utc();
    (from, from + TimeDelta::days(1))
}

fn wanted(run: &Run) -> NaiveDate {
    let before = || run.as_of.date_naive().pred_opt().unwrap_or_default();
    run.parsed(PARAMETER.name).unwrap_or_else(before)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use contract::batch::ParameterValue;

    use super::*;

    fn time(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn run(as_of: &str, day: Option<&str>) -> Run {
        let set = day.map(|day| {
            let (name, kind) = (PARAMETER.name.to_owned(), PARAMETER.kind);
            (name.clone(), ParameterValue { name, kind, value: day.to_owned(), identifying: true })
        });
        Run {
            execution: chassis::fresh_id(),
            instance: chassis::fresh_id(),
            job: "a-job",
            step: "a-step",
            parameters: Arc::new(set.into_iter().collect::<BTreeMap<_, _>>()),
            as_of: time(as_of),
            dry_run: false,
            summary: Arc::default(),
        }
    }

    #[test]
    fn unless_set_it_is_the_last_that_was_over() {
        for (as_of, day) in [
            // Nine in the morning of Seoul, and a moment before.
            ("2026-03-02T00:00:00Z", "2026-03-01"),
            ("2026-03-01T23:59:59.999999Z", "2026-02-28"),
            // Half past two at night.
            ("2026-03-01T17:30:00Z", "2026-02-28"),
        ] {
            let run = run(as_of, None);
            let later = time(as_of) + TimeDelta::minutes(1);
            assert_eq!(of(&run, later).unwrap(), Day::Over(day.parse().unwrap()), "{as_of}");
            assert_eq!(period(&run).0.to_string(), format!("{day} 00:00:00 UTC"));
        }
    }

    #[test]
    fn a_day_that_is_not_over_is_refused() {
        for day in ["2026-03-02", "2026-03-03", "9999-12-31"] {
            let fault =
                of(&run("2026-03-02T23:59:59Z", Some(day)), time("2026-03-03T01:00:00Z")).unwrap_err();
            assert!(matches!(fault, Fault::Fatal { .. }), "{fault}");
        }
        let run = run("2026-03-02T23:59:59Z", Some("2026-03-01"));
        assert_eq!(of(&run, run.as_of).unwrap(), Day::Over("2026-03-01".parse().unwrap()));
    }

    #[test]
    fn what_began_in_its_last_moments_is_waited_for() {
        let run = run("2026-03-02T00:00:00Z", None);
        let day = |now| of(&run, time(now)).unwrap();
        assert_eq!(day("2026-03-02T00:00:05Z"), Day::Settling(Duration::from_secs(10)));
        assert_eq!(
            day("2026-03-01T23:59:00Z"),
            Day::Settling(Duration::from_secs(15)),
            "our clock is behind"
        );
        assert_eq!(day("2026-03-02T00:00:15Z"), Day::Over("2026-03-01".parse().unwrap()));
    }
}
