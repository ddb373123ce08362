//! Which units are meant.

use crate::context::Context;
use crate::error::{CliError, ExitStatus};
use crate::logstore::segment::Segment;
use crate::stack;

#[derive(Debug)]
pub(crate) enum Selection {
    All,
    /// Units, or services with all their replicas.
    Named(Vec<String>),
}

impl Selection {
    /// # Errors
    /// A name that neither the stack nor the log store knows.
    pub(crate) fn new(cx: &Context, names: &[String], segments: &[Segment]) -> anyhow::Result<Self> {
        if names.is_empty() {
            return Ok(Self::All);
        }
        let stack = &cx.stack;
        let services = stack.services.keys().chain(stack.databases.keys()).map(String::as_str);
        let logged = segments.iter().map(|segment| segment.unit.as_str());
        for wanted in names {
            let known = services.clone().chain(logged.clone());
            let cache = stack.cache.is_some() && wanted == "redis";
            if !cache && !known.clone().any(|unit| is_meant(wanted, unit)) {
                return Err(unknown(wanted, known));
            }
        }
        Ok(Self::Named(names.to_vec()))
    }

    pub(crate) fn includes(&self, unit: &str) -> bool {
        match self {
            Self::All => true,
            Self::Named(names) => names.iter().any(|wanted| is_meant(wanted, unit)),
        }
    }
}

/// `chat` means `chat`, or its replicas `chat-1`, `chat-2` …
fn is_meant(wanted: &str, unit: &str) -> bool {
    unit.strip_prefix(wanted).is_some_and(|rest| {
        rest.is_empty() || rest.strip_prefix('-').is_some_and(|replica| replica.parse::<u32>().is_ok())
    })
}

fn unknown<'a>(wanted: &str, known: impl Iterator<Item = &'a str> + Clone) -> anyhow::Error {
    let error = CliError::new(ExitStatus::Usage, format!("there is no unit `{wanted}`, and none has logged"));
    match stack::suggestion(wanted, known) {
        Some(suggestion) => error.help(suggestion).into(),
        None => error.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_means_its_replicas_and_nothing_else() {
        let selection = Selection::Named(vec!["chat".to_owned()]);
        assert!(selection.includes("chat") && selection.includes("chat-2"));
        assert!(
            !selection.includes("chat-migrate")
                && !selection.includes("chatbot")
                && !selection.includes("auth")
        );
        assert!(Selection::All.includes("anything"));
    }
}
