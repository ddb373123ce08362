//! How numbers, times and words of executions are written for people.

use std::collections::BTreeMap;
use std::time::Duration;

use comfy_table::Table;
use contract::batch::{ExecutionStatus, ParameterValue, Progress};
use indicatif::HumanCount;
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Never colour alone: a glyph and the word.
pub(super) fn status(status: ExecutionStatus) -> String {
    let glyph = match status {
        ExecutionStatus::Starting | ExecutionStatus::Started | ExecutionStatus::Stopping => '◌',
        ExecutionStatus::Completed => '✔',
        ExecutionStatus::Stopped | ExecutionStatus::Abandoned => '○',
        ExecutionStatus::Failed | ExecutionStatus::Unknown => '✘',
    };
    format!("{glyph} {status}")
}

/// `12,345`
pub(super) fn count(count: i64) -> String {
    HumanCount(u64::try_from(count).unwrap_or_default()).to_string()
}

/// `3,900/s`; slow ones with a digit more.
pub(super) fn rate(items_per_second: f64) -> String {
    if items_per_second < 10.0 {
        return format!("{items_per_second:.1}/s");
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a rate is far below the limit, and rounded on purpose"
    )]
    let whole = items_per_second.round() as i64;
    format!("{}/s", count(whole))
}

/// `0.3s`, `12.5s`, `3m20s`, `2h05m`.
pub(super) fn span(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..60 => format!("{seconds}.{}s", time.subsec_millis() / 100),
        seconds => whole_seconds(seconds),
    }
}

fn whole_seconds(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        _ => format!("{}h{:02}m", seconds / 3600, seconds % 3600 / 60),
    }
}

/// From one time of the wire types to another, in microseconds; a clock that was set back makes it nothing.
pub(super) fn between(from: i64, to: i64) -> Duration {
    Duration::from_micros(u64::try_from(to - from).unwrap_or_default())
}

/// A time that people wait for, with the zone in which it is written.
pub(super) fn moment(time: Timestamp, zone: &TimeZone) -> String {
    time.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S %Z").to_string()
}

/// `5,000 of 12,345 (40 %), 3,900/s, 2s left`
pub(super) fn advance(progress: &Progress) -> String {
    let done = progress.read;
    let of = match progress.total {
        Some(total) if total > 0 => {
            let percent = (done.saturating_mul(100) / total).min(100);
            format!("{} of {} ({percent} %)", count(done), count(total))
        }
        Some(_) | None => count(done),
    };
    let left = progress.eta_seconds.and_then(|seconds| u64::try_from(seconds).ok());
    let parts = [
        Some(of),
        (progress.skipped > 0).then(|| format!("{} skipped", count(progress.skipped))),
        progress.items_per_second.map(rate),
        left.map(|seconds| format!("{} left", whole_seconds(seconds))),
    ];
    parts.into_iter().flatten().collect::<Vec<String>>().join(", ")
}

/// `name=value`, those that tell instances apart first.
pub(super) fn parameters(values: &[ParameterValue]) -> String {
    let (identifying, others): (Vec<_>, Vec<_>) = values.iter().partition(|value| value.identifying);
    let text = |value: &&ParameterValue| format!("{}={}", value.name, value.value);
    let identifying: Vec<String> = identifying.iter().map(text).collect();
    let others: Vec<String> = others.iter().map(text).collect();
    match (identifying.is_empty(), others.is_empty()) {
        (_, true) => identifying.join(" "),
        (true, false) => format!("({})", others.join(" ")),
        (false, false) => format!("{} ({})", identifying.join(" "), others.join(" ")),
    }
}

/// `expired=12 released=30`
pub(super) fn summary(numbers: &BTreeMap<String, i64>) -> String {
    let numbers = numbers.iter().map(|(name, number)| format!("{name}={number}"));
    numbers.collect::<Vec<String>>().join(" ")
}

/// Without the blanks behind the last cells.
pub(super) fn lines_of(table: &Table) -> String {
    let table = table.to_string();
    table.lines().map(str::trim_end).collect::<Vec<&str>>().join("\n")
}

#[cfg(test)]
mod tests {
    use contract::batch::ParameterType;

    use super::*;

    #[test]
    fn spans_and_rates_are_short_and_have_a_unit() {
        let spans = [340, 12_590, 200_000, 7_500_000].map(|ms| span(Duration::from_millis(ms)));
        assert_eq!(spans, ["0.3s", "12.5s", "3m20s", "2h05m"]);
        assert_eq!([rate(0.26), rate(9.9), rate(12_345.6)], ["0.3/s", "9.9/s", "12,346/s"]);
        assert_eq!(between(5, 3), Duration::ZERO);
    }

    #[test]
    fn an_advance_says_what_is_known() {
        let mut progress = Progress { read: 5_000, written: 4_990, ..Progress::default() };
        assert_eq!(advance(&progress), "5,000");
        progress.skipped = 10;
        progress.total = Some(12_345);
        progress.items_per_second = Some(3900.0);
        progress.eta_seconds = Some(2);
        assert_eq!(advance(&progress), "5,000 of 12,345 (40 %), 10 skipped, 3,900/s, 2s left");
        progress.read = 13_000;
        assert!(advance(&progress).contains("(100 %)"), "an estimate may be too low");
    }

    #[test]
    fn parameters_that_tell_instances_apart_come_first() {
        let value = |name: &str, identifying| ParameterValue {
            name: name.to_owned(),
            kind: ParameterType::String,
            value: "1".to_owned(),
            identifying,
        };
        assert_eq!(parameters(&[value("size", false), value("date", true)]), "date=1 (size=1)");
        assert_eq!(parameters(&[value("size", false)]), "(size=1)");
        assert_eq!(parameters(&[]), "");
    }
}
