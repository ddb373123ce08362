//! The time that a job's report is about.

use chrono::{DateTime, FixedOffset, NaiveTime, TimeDelta, Utc};

use crate::engine::work::Run;

/// Seoul has had no other since 1988.
const SEOUL_SECS: i32 = 9 * 60 * 60;

/// The day of Seoul on which the instance was begun.
///
/// # Panics
/// Never: nine hours are an offset.
pub(super) fn day(run: &Run) -> (DateTime<Utc>, DateTime<Utc>) {
    let seoul = FixedOffset::east_opt(SEOUL_SECS).expect("nine hours are an offset");
    let midnight = run.as_of.with_timezone(&seoul).date_naive().and_time(NaiveTime::MIN).and_utc();
    let start = midnight - TimeDelta::seconds(SEOUL_SECS.into());
    (start, start + TimeDelta::days(1))
}
