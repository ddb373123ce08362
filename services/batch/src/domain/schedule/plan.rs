//! What is to be done about slots that have passed.

use chrono::{DateTime, TimeDelta, Utc};
use contract::batch::{Concurrency, FireOutcome, Misfire};

use super::slots::{MOMENT, Schedule};

/// A slot that is found later than this has been missed.
pub const LATE: TimeDelta = TimeDelta::seconds(60);
/// Slots that are fired in one transaction.
pub const AT_ONCE: usize = 100;
/// Slots that are recorded each time that some were missed. A day without the service leaves a minutely job 1,440 of
/// them, and nobody reads so many: the newest tell enough.
pub const RECORDED: usize = 100;

/// What is to be done about the slots of a job that have passed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// The oldest first.
    pub fire: Vec<DateTime<Utc>>,
    /// The newest that were missed, the oldest first.
    pub missed: Vec<DateTime<Utc>>,
    /// More were missed than are recorded.
    pub more_missed: bool,
    /// The first slot that nothing was decided about; it may have passed as well.
    pub next: Option<DateTime<Utc>>,
}

/// Decides about the slots from `first` until now, so that none of them is decided about again.
pub fn plan(schedule: &Schedule, misfire: Misfire, first: DateTime<Utc>, now: DateTime<Utc>) -> Plan {
    match misfire {
        Misfire::RunAll => {
            let fire = schedule.oldest(first, now, AT_ONCE);
            let next = schedule.next(fire.last().copied().unwrap_or(now));
            Plan { fire, next, ..Plan::default() }
        }
        Misfire::RunOnce => {
            let oldest = schedule.next(first - MOMENT);
            if oldest.is_none_or(|oldest| oldest >= now - LATE) {
                return in_time(schedule, first, now);
            }
            // Who was away makes up for all of it by one run.
            let newest = schedule.newest(first, now, 1);
            let older = newest.first().map_or(now, |newest| *newest - MOMENT);
            Plan { fire: newest, ..missed(schedule, first, older, now) }
        }
        Misfire::Skip => {
            let late = now - LATE - MOMENT;
            let Plan { fire, .. } = in_time(schedule, first.max(now - LATE), now);
            Plan { fire, ..missed(schedule, first, late, now) }
        }
    }
}

/// None of them is late, so they are few.
fn in_time(schedule: &Schedule, first: DateTime<Utc>, now: DateTime<Utc>) -> Plan {
    let fire = schedule.oldest(first, now, AT_ONCE);
    Plan { fire, next: schedule.next(now), ..Plan::default() }
}

fn missed(schedule: &Schedule, first: DateTime<Utc>, until: DateTime<Utc>, now: DateTime<Utc>) -> Plan {
    let missed = schedule.newest(first, until, RECORDED);
    let before = missed.first().and_then(|oldest| schedule.last(*oldest - MOMENT));
    let more_missed = before.is_some_and(|before| before >= first);
    Plan { missed, more_missed, next: schedule.next(now), ..Plan::default() }
}

/// What becomes of a slot whose time has come.
pub const fn outcome(concurrency: Concurrency, running: bool) -> FireOutcome {
    match concurrency {
        Concurrency::Forbid if running => FireOutcome::Forbidden,
        Concurrency::Forbid | Concurrency::Replace | Concurrency::Allow => FireOutcome::Fired,
    }
}
