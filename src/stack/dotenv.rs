//! The `.env` file beside the stack file: `NAME=value` lines, with `#` comments and quotes.

use std::sync::Arc;

use super::assignment::{Assignment, PREFIX};
use super::diagnostic::Diagnostic;
use super::place::{Layer, Place, Source};
use super::view::shown;

/// What `doran` itself reads from the environment, where clap looks for it; `.env` is read later.
const READ_EARLIER: [&str; 4] = ["DORAN_FILE", "DORAN_PROFILE", "DORAN_INSTANCE", "DORAN_PORT_OFFSET"];

/// The lines that set keys of the stack. Other people's variables may stand in the same file and are skipped.
/// `name` is what to call the file.
pub(super) fn assignments<'a>(name: &str, text: &'a str) -> (Vec<Assignment<'a>>, Vec<Diagnostic>) {
    let source = Source::new(Layer::DotEnv, name, masked(text));
    let mut found = Vec::new();
    let mut errors = Vec::new();
    for (index, line) in text.lines().enumerate() {
        match assignment(&source, index + 1, line) {
            Ok(Some(assignment)) => found.push(assignment),
            Ok(None) => {}
            Err(diagnostic) => errors.push(diagnostic),
        }
    }
    (found, errors)
}

fn assignment<'a>(
    source: &Arc<Source>,
    number: usize,
    line: &'a str,
) -> Result<Option<Assignment<'a>>, Diagnostic> {
    let place = |part: &str| {
        let offset = part.as_ptr() as usize - line.as_ptr() as usize;
        Place::new(source, number, line[..offset].chars().count() + 1, part.chars().count())
    };
    let text = line.trim();
    if text.is_empty() || text.starts_with('#') {
        return Ok(None);
    }
    let text = text.strip_prefix("export ").unwrap_or(text);
    let Some((name, value)) = text.split_once('=') else {
        return Err(Diagnostic::new("expected NAME=value")
            .at(&place(text), "")
            .help("start a comment with #"));
    };
    let name = name.trim();
    if !name.starts_with(PREFIX) {
        return misspelt(name).map_or(Ok(None), |diagnostic| Err(diagnostic.at(&place(name), "")));
    }
    let value = unquoted(value.trim()).ok_or_else(|| {
        Diagnostic::new("a quote is not closed, or text follows it").at(&place(value.trim()), "")
    })?;
    Ok(Some(Assignment { name, value, name_place: place(name), value_place: place(value) }))
}

/// A `DORAN_` variable that nobody would read from here.
fn misspelt(name: &str) -> Option<Diagnostic> {
    if READ_EARLIER.contains(&name) {
        return Some(
            Diagnostic::new(format!("{name} is not read from .env"))
                .help("set it in the environment, or give the flag"),
        );
    }
    let rest = name.strip_prefix("DORAN_")?;
    Some(Diagnostic::new(format!("{name} sets nothing")).help(format!(
        "keys of the stack file start with two underscores: {PREFIX}{}",
        rest.replace('_', "__")
    )))
}

/// Without quotes, and without a comment behind it.
fn unquoted(value: &str) -> Option<&str> {
    let Some(quote) = value.chars().next().filter(|first| matches!(first, '"' | '\'')) else {
        return Some(value.split_once(" #").map_or(value, |(before, _)| before.trim_end()));
    };
    let (inside, after) = value[1..].split_once(quote)?;
    let after = after.trim_start();
    (after.is_empty() || after.starts_with('#')).then_some(inside)
}

/// What a message may show of the file: not the values of variables whose names say that they are secret.
fn masked(text: &str) -> String {
    let lines = text.lines().map(|line| match line.split_once('=') {
        Some((name, value)) => format!("{name}={}", shown(name.trim(), value)),
        None => line.to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n")
}
