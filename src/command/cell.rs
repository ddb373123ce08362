//! What stands in the cells of tables.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Characters of an error in a list; `show` has all of it.
const SHORT_ERROR: usize = 60;

/// In the zone of the reader; what is listed is years old at times, so the time of day alone would not do.
pub(super) fn day_and_time(time: Timestamp, zone: &TimeZone) -> String {
    time.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S%.3f").to_string()
}

/// A time of the wire types.
pub(super) fn time(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(micros).unwrap_or_default()
}

/// Its beginning, and no line ends.
pub(super) fn one_line(error: &str) -> String {
    let text = error.split_whitespace().collect::<Vec<&str>>().join(" ");
    match text.char_indices().nth(SHORT_ERROR) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_error_is_whole() {
        assert_eq!(one_line("no\n  such user"), "no such user");
        assert_eq!(one_line(&"가".repeat(61)).chars().count(), 61);
    }
}
