//! How far an execution has come, how fast it goes, and how long the rest takes.

use chrono::{DateTime, TimeDelta, Utc};
use contract::batch::{ExecutionStatus, Progress, StepExecution};
use serde::Deserialize;

/// A step, or a part of one, as it is written down.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Begun {
    pub name: String,
    pub status: ExecutionStatus,
    pub read: i64,
    /// What an earlier execution of the instance had read of it already.
    pub carried: i64,
    pub filtered: i64,
    pub written: i64,
    pub skipped: i64,
    pub commits: i64,
    pub rollbacks: i64,
    pub total: Option<i64>,
    /// Of the last seconds, in items a second.
    pub rate: Option<f64>,
    pub start_time: Option<DateTime<Utc>>,
    pub end_time: Option<DateTime<Utc>>,
    pub exit_message: Option<String>,
}

impl Begun {
    /// As clients see it. `alive` is whether somebody works on the execution.
    pub fn view(self, alive: bool) -> StepExecution {
        let items_per_second = match (self.start_time, self.end_time) {
            (Some(start), Some(end)) => average(self.fresh(), end - start),
            _ => self.rate_now(alive),
        };
        StepExecution {
            name: self.name,
            status: self.status,
            read: self.read,
            filtered: self.filtered,
            written: self.written,
            skipped: self.skipped,
            commits: self.commits,
            rollbacks: self.rollbacks,
            total: self.total,
            items_per_second,
            start_time: self.start_time,
            end_time: self.end_time,
            exit_message: self.exit_message,
        }
    }

    /// What this execution has read of it.
    fn fresh(&self) -> i64 {
        self.read - self.carried
    }

    fn rate_now(&self, alive: bool) -> Option<f64> {
        self.rate.filter(|_| alive && self.status == ExecutionStatus::Started)
    }

    /// How many items it comes to. What is over has none but those that it read.
    fn expected(&self) -> Option<i64> {
        match self.status {
            ExecutionStatus::Completed => Some(self.read),
            _ => self.total.map(|total| total.max(self.read)),
        }
    }
}

/// What is known of the whole execution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct State {
    pub status: ExecutionStatus,
    /// Somebody works on it.
    pub alive: bool,
    /// How long it took; none while it runs.
    pub time: Option<TimeDelta>,
}

/// Of all steps that have begun.
pub fn of(steps: &[Begun], state: State) -> Progress {
    let sum = |count: fn(&Begun) -> i64| steps.iter().map(count).sum::<i64>();
    let read = sum(|step| step.read);
    let total = if steps.is_empty() { None } else { steps.iter().map(Begun::expected).sum() };
    let items_per_second = match state.time {
        Some(time) => average(sum(Begun::fresh), time),
        None => steps.iter().filter_map(|step| step.rate_now(state.alive)).reduce(|sum, rate| sum + rate),
    };
    let eta_seconds = match (total, items_per_second) {
        (Some(total), Some(rate)) if state.status == ExecutionStatus::Started => left(total - read, rate),
        _ => None,
    };
    Progress {
        read,
        written: sum(|step| step.written),
        skipped: sum(|step| step.skipped),
        total,
        items_per_second,
        eta_seconds,
    }
}

/// None when nothing was read: a step that only goes on to the next one has no speed.
#[expect(clippy::cast_precision_loss, reason = "far below 2^52 items")]
fn average(items: i64, time: TimeDelta) -> Option<f64> {
    let seconds = time.as_seconds_f64();
    (items > 0 && seconds > 0.0).then(|| items as f64 / seconds)
}

/// Whole seconds for so many items; none at a standstill, or when it is too far off to mean anything.
#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "bounded before")]
fn left(items: i64, rate: f64) -> Option<i64> {
    const A_CENTURY: f64 = 100.0 * 366.0 * 86_400.0;
    let seconds = (items as f64 / rate).ceil();
    (rate > 0.0 && seconds <= A_CENTURY).then_some(seconds as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUNNING: State = State { status: ExecutionStatus::Started, alive: true, time: None };

    fn step(status: ExecutionStatus, read: i64, total: Option<i64>, rate: Option<f64>) -> Begun {
        Begun {
            name: "step".to_owned(),
            status,
            read,
            carried: 0,
            filtered: 1,
            written: read / 2,
            skipped: 3,
            commits: 4,
            rollbacks: 5,
            total,
            rate,
            start_time: Some(DateTime::UNIX_EPOCH),
            end_time: None,
            exit_message: None,
        }
    }

    #[test]
    fn parts_add_up_and_the_rest_follows_from_the_rate() {
        use ExecutionStatus::{Completed, Started, Starting};
        let steps = [
            // It turned out to have fewer than was thought.
            step(Completed, 90, Some(100), Some(1.0)),
            step(Started, 10, Some(100), Some(20.0)),
            step(Started, 20, Some(100), Some(20.0)),
            step(Starting, 0, Some(100), None),
        ];
        let expected = Progress {
            read: 120,
            written: 60,
            skipped: 12,
            total: Some(390),
            items_per_second: Some(40.0),
            eta_seconds: Some(7),
        };
        assert_eq!(of(&steps, RUNNING), expected);
    }

    #[test]
    fn nobody_knows_how_long_it_takes_without_a_total_a_rate_or_anybody_at_work() {
        use ExecutionStatus::{Started, Stopping};
        let known = step(Started, 10, Some(100), Some(5.0));
        for (steps, state, why) in [
            (vec![], RUNNING, "nothing has begun"),
            (vec![known.clone(), step(Started, 1, None, Some(5.0))], RUNNING, "a part has no end in sight"),
            (vec![step(Started, 10, Some(100), None)], RUNNING, "no rate"),
            (vec![step(Started, 10, Some(100), Some(0.0))], RUNNING, "a standstill"),
            (vec![step(Started, 0, Some(i64::MAX), Some(1.0))], RUNNING, "too far off"),
            (vec![known.clone()], State { alive: false, ..RUNNING }, "nobody works on it"),
            (vec![known.clone()], State { status: Stopping, ..RUNNING }, "it will not get there"),
        ] {
            assert_eq!(of(&steps, state).eta_seconds, None, "{why}");
        }
        assert_eq!(of(&[known], RUNNING).eta_seconds, Some(18));
    }

    #[test]
    fn a_total_is_never_less_than_what_was_read() {
        let progress = of(&[step(ExecutionStatus::Started, 120, Some(100), Some(5.0))], RUNNING);
        assert_eq!((progress.total, progress.eta_seconds), (Some(120), Some(0)));
    }

    #[test]
    fn what_is_over_has_the_average_of_what_it_did_itself() {
        let status = ExecutionStatus::Completed;
        let state = State { status, alive: false, time: Some(TimeDelta::seconds(10)) };
        let mut again = step(status, 100, Some(100), Some(77.0));
        again.carried = 60;
        again.end_time = Some(DateTime::UNIX_EPOCH + TimeDelta::seconds(4));
        assert_eq!(of(std::slice::from_ref(&again), state).items_per_second, Some(4.0));
        assert_eq!(again.clone().view(false).items_per_second, Some(10.0));
        again.carried = 100;
        assert_eq!(again.view(false).items_per_second, None, "it was complete before");
    }
}
