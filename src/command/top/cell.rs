//! Numbers in few characters. What nobody knows is a dash, never 0.

pub(super) const UNKNOWN: &str = "–";

/// `0.4`, `12.4`, `206`: one place behind the point where it tells something.
pub(super) fn rate(value: Option<f64>) -> String {
    value.map_or(UNKNOWN.to_owned(), |value| {
        if value < 99.95 { format!("{value:.1}") } else { format!("{value:.0}") }
    })
}

/// `0.42`, `3.1`, `61`.
pub(super) fn millis(value: Option<f64>) -> String {
    value.map_or(UNKNOWN.to_owned(), |value| match value {
        value if value < 1.0 => format!("{value:.2}"),
        value if value < 9.95 => format!("{value:.1}"),
        value => format!("{value:.0}"),
    })
}

pub(super) fn percent(value: Option<f64>) -> String {
    value.map_or(UNKNOWN.to_owned(), |value| format!("{value:.1}"))
}

/// `512`, `1.5K`, `38M`, `2.0G`; powers of 1024.
pub(super) fn bytes(value: Option<f64>) -> String {
    let Some(mut value) = value else { return UNKNOWN.to_owned() };
    let mut units = ["", "K", "M", "G", "T"].iter();
    let mut unit = units.next();
    while value >= 1023.5 {
        let Some(next) = units.next() else { break };
        (value, unit) = (value / 1024.0, Some(next));
    }
    let unit = unit.copied().unwrap_or_default();
    if unit.is_empty() || value >= 9.95 { format!("{value:.0}{unit}") } else { format!("{value:.1}{unit}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_the_unknown_is_a_dash() {
        assert_eq!(
            [rate(Some(0.0)), rate(Some(12.44)), rate(Some(99.96)), rate(None)],
            ["0.0", "12.4", "100", "–"]
        );
        assert_eq!([millis(Some(0.416)), millis(Some(9.96)), millis(None)], ["0.42", "10", "–"]);
        let sizes =
            [0.0, 1023.4, 1023.6, 1536.0, 40_370_176.0, 2_147_483_648.0].map(|size| bytes(Some(size)));
        assert_eq!(sizes, ["0", "1023", "1.0K", "1.5K", "38M", "2.0G"]);
    }
}
