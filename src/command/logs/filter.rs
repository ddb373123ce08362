//! Which lines are wanted.

use anyhow::Context as _;
use jiff::Timestamp;
use regex::Regex;

use crate::error::{CliError, ExitStatus};
use crate::logstore::event::{Event, Level};
use crate::logstore::reader::{Entry, From};
use crate::stack::duration;

#[derive(Debug, Default)]
pub(crate) struct Filter {
    grep: Option<Regex>,
    level: Option<Level>,
}

impl Filter {
    /// # Errors
    /// A wrong expression or level is a wrong command line.
    pub(crate) fn new(grep: Option<&str>, level: Option<&str>) -> anyhow::Result<Self> {
        let grep = grep.map(Regex::new).transpose().map_err(|error| usage(format!("--grep: {error}")))?;
        let level = level.map(str::parse).transpose().map_err(|error| usage(format!("--level: {error}")))?;
        Ok(Self { grep, level })
    }

    /// The expression may match the line as it was written or as it is shown.
    pub(crate) fn keeps(&self, entry: &Entry, event: &Event) -> bool {
        self.level.is_none_or(|level| event.is_at_least(level))
            && self.grep.as_ref().is_none_or(|grep| {
                grep.is_match(&entry.line.text) || (event.structured && grep.is_match(&event.text()))
            })
    }
}

/// Where the lines since then begin.
pub(crate) fn since(when: Option<&str>, now: Timestamp) -> anyhow::Result<From> {
    let Some(when) = when else {
        return Ok(From::Beginning);
    };
    // Before 1970 there are no logs.
    Ok(From::Time(u64::try_from(point_in_time(when, now)?.as_nanosecond()).unwrap_or_default()))
}

/// `10m` ago, or a point in time.
///
/// # Errors
/// Exit code 2: it is the value of `--since`.
pub(crate) fn point_in_time(when: &str, now: Timestamp) -> anyhow::Result<Timestamp> {
    match (duration::parse(when), when.parse::<Timestamp>()) {
        (Ok(age), _) => now.checked_sub(age).with_context(|| format!("go back {when}")),
        (Err(_), Ok(time)) => Ok(time),
        (Err(_), Err(_)) => Err(usage(format!(
            "--since: `{when}` is neither an age like 10m nor a time like 2026-11-22T12:00:00Z"
        ))),
    }
}

fn usage(message: String) -> anyhow::Error {
    CliError::new(ExitStatus::Usage, message).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logstore::index::{Stamp, Stream};
    use crate::logstore::line::Line;

    fn keeps(filter: &Filter, text: &str) -> bool {
        let line = Line { stream: Stream::Stdout, stamp: Stamp::default(), text: text.to_owned() };
        let entry = Entry { unit: "chat".into(), run: 1, line };
        filter.keeps(&entry, &Event::parse(&entry.line))
    }

    #[test]
    fn a_level_keeps_what_is_as_grave_or_graver() {
        let filter = Filter::new(None, Some("warn")).unwrap();
        assert!(keeps(&filter, r#"{"level":"ERROR","message":"m"}"#));
        assert!(keeps(&filter, "x [1] FATAL:  no"));
        assert!(!keeps(&filter, r#"{"level":"INFO","message":"m"}"#));
        assert!(!keeps(&filter, "plain"), "without a level it is info");
    }

    #[test]
    fn an_expression_matches_the_raw_or_the_shown_line() {
        let line = r#"{"level":"INFO","message":"m","fields":{"status":500}}"#;
        assert!(keeps(&Filter::new(Some("status=500"), None).unwrap(), line));
        assert!(keeps(&Filter::new(Some(r#""status":5"#), None).unwrap(), line));
        assert!(!keeps(&Filter::new(Some("status=404"), None).unwrap(), line));
    }

    #[test]
    fn since_takes_an_age_or_a_time() {
        let now: Timestamp = "2026-11-22T12:00:00Z".parse().unwrap();
        let ten_to_twelve: Timestamp = "2026-11-22T11:50:00Z".parse().unwrap();
        let expected = From::Time(u64::try_from(ten_to_twelve.as_nanosecond()).unwrap());
        assert_eq!(since(Some("10m"), now).unwrap(), expected);
        assert_eq!(since(Some("2026-11-22T11:50:00Z"), now).unwrap(), expected);
        assert_eq!(since(None, now).unwrap(), From::Beginning);
    }

    #[test]
    fn wrong_flags_are_usage_errors() {
        let now = Timestamp::UNIX_EPOCH;
        for error in [
            Filter::new(Some("("), None).unwrap_err(),
            Filter::new(None, Some("loud")).unwrap_err(),
            since(Some("yesterday"), now).unwrap_err(),
        ] {
            assert_eq!(error.downcast_ref::<CliError>().unwrap().status, ExitStatus::Usage, "{error}");
        }
    }
}
