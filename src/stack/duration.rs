//! Durations as people write them: `500ms`, `10s`, `2m`, `1h`, `30d`.

use std::time::Duration;

/// Reads a duration; a bare number is refused, because nobody remembers its unit.
///
/// # Errors
/// With a sentence for the user.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    let split = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let value: f64 =
        number.parse().map_err(|_| format!("`{text}` is not a duration like 500ms, 10s or 2m"))?;
    let seconds = match unit {
        "ms" => value / 1_000.0,
        "s" => value,
        "m" => value * 60.0,
        "h" => value * 3_600.0,
        "d" => value * 86_400.0,
        "" => return Err(format!("`{text}` has no unit: write {text}s or {text}ms")),
        _ => return Err(format!("`{unit}` is not a unit of time: use ms, s, m, h or d")),
    };
    Duration::try_from_secs_f64(seconds).map_err(|_| format!("`{text}` is out of range"))
}

/// The shortest form that [`parse`] reads back, to the microsecond.
pub(crate) fn format(duration: Duration) -> String {
    if !duration.subsec_micros().is_multiple_of(1_000) {
        return format!("{}ms", duration.as_secs_f64() * 1_000.0);
    }
    match duration.as_millis() {
        0 => "0s".to_owned(),
        ms if ms % 86_400_000 == 0 => format!("{}d", ms / 86_400_000),
        ms if ms % 3_600_000 == 0 => format!("{}h", ms / 3_600_000),
        ms if ms % 60_000 == 0 => format!("{}m", ms / 60_000),
        ms if ms % 1_000 == 0 => format!("{}s", ms / 1_000),
        ms => format!("{ms}ms"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn units_are_required_and_known() {
        for (text, expected) in [
            ("500ms", Ok(Duration::from_millis(500))),
            ("1.5s", Ok(Duration::from_millis(1500))),
            ("2m", Ok(Duration::from_mins(2))),
            ("10", Err("`10` has no unit: write 10s or 10ms")),
            ("ten", Err("`ten` is not a duration like 500ms, 10s or 2m")),
            ("", Err("`` is not a duration like 500ms, 10s or 2m")),
            ("3d", Ok(Duration::from_hours(72))),
            ("3w", Err("`w` is not a unit of time: use ms, s, m, h or d")),
            ("-1s", Err("`-1s` is out of range")),
            ("99999999999999999999h", Err("`99999999999999999999h` is out of range")),
        ] {
            assert_eq!(parse(text), expected.map_err(str::to_owned), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(ms in 0_u64..1_000_000_000) {
            let duration = Duration::from_millis(ms);
            prop_assert_eq!(parse(&format(duration)), Ok(duration));
        }
    }
}
