//! `doran events replay ID…` and `--all`: dead letters take effect after all.

use std::fmt::Write as _;

use contract::event::{DeadLetterState, Replayed, path};
use serde::Serialize;
use uuid::Uuid;

use super::args::ReplayArgs;
use super::{letter, participant};
use crate::context::Context;
use crate::error::{CliError, ExitStatus};
use crate::operator::Service;
use crate::output::Printer;

#[derive(Serialize)]
struct Document {
    schema: &'static str,
    items: Vec<Outcome>,
}

#[derive(Debug, Serialize)]
struct Outcome {
    service: String,
    #[serde(flatten)]
    replayed: Replayed,
}

/// Exit code 1 when an event failed again, 6 when a service that is wanted is down.
pub(super) async fn run(cx: &Context, args: &ReplayArgs, out: &Printer) -> anyhow::Result<ExitStatus> {
    let (outcomes, complete) = if args.all {
        all(cx, args.service.as_deref(), out).await?
    } else {
        (some(cx, &args.ids, out).await?, ExitStatus::Success)
    };
    let failed = outcomes.iter().any(|outcome| !outcome.replayed.failed.is_empty());
    if out.is_document() {
        out.document(&Document { schema: "doran.events-replay/1", items: outcomes })?;
    } else {
        let busy: Vec<&Outcome> = outcomes.iter().filter(|outcome| outcome.had_something()).collect();
        if args.all && busy.is_empty() {
            out.note("no dead letters are parked");
        }
        for outcome in busy {
            out.line(outcome.text())?;
        }
    }
    Ok(if failed { ExitStatus::Failure } else { complete })
}

/// Everything that is parked, service by service.
async fn all(
    cx: &Context,
    service: Option<&str>,
    out: &Printer,
) -> anyhow::Result<(Vec<Outcome>, ExitStatus)> {
    let names: Vec<String> = service.map(str::to_owned).into_iter().collect();
    let mut outcomes = Vec::new();
    let mut status = ExitStatus::Success;
    for participant in participant::select(cx, &names).await? {
        match everything(cx, &participant.name).await {
            Ok(replayed) => outcomes.push(Outcome { service: participant.name, replayed }),
            Err(error) if participant::is_down(&error) => {
                if participant.expected {
                    out.warn(format_args!("{} is not up: its dead letters stay", participant.name));
                    status = ExitStatus::NotRunning;
                }
            }
            Err(error) => return Err(error),
        }
    }
    Ok((outcomes, status))
}

/// A service replays so many at once. Those that fail again go to the back, so that each gets its turn.
async fn everything(cx: &Context, name: &str) -> anyhow::Result<Replayed> {
    let service = Service::find(cx, name).await?;
    let mut sum = Replayed::default();
    loop {
        let some: Replayed = service.post(path::REPLAY_ALL, &()).await?;
        sum.replayed += some.replayed;
        sum.remaining = some.remaining;
        sum.failed.retain(|before| some.failed.iter().all(|again| again.id != before.id));
        sum.failed.extend(some.failed);
        if some.replayed == 0 || some.remaining == 0 {
            return Ok(sum);
        }
    }
}

/// One after the other: the events of one subject take effect in order, whichever of them is named.
async fn some(cx: &Context, ids: &[Uuid], out: &Printer) -> anyhow::Result<Vec<Outcome>> {
    let mut outcomes = Vec::new();
    for id in ids {
        let (service, kept) = letter::find(cx, *id).await?;
        match kept.letter.state {
            DeadLetterState::Parked => {
                let replayed = service.post(&path::replay(*id), &()).await?;
                outcomes.push(Outcome { service: kept.service, replayed });
            }
            DeadLetterState::Replayed => out.note(format_args!("{id} has taken effect already")),
            DeadLetterState::Dropped => {
                let message = format!("{id} was dropped: it takes no effect");
                return Err(CliError::new(ExitStatus::Usage, message)
                    .help(format!("`doran events dead show {id}` says why"))
                    .into());
            }
        }
    }
    Ok(outcomes)
}

impl Outcome {
    fn had_something(&self) -> bool {
        self.replayed != Replayed::default()
    }

    fn text(&self) -> String {
        let Self { service, replayed: Replayed { replayed, failed, remaining } } = self;
        let mut text = format!("{service}: {replayed} took effect, {} failed again", failed.len());
        // Writing to a string does not fail.
        if *remaining > 0 {
            let _ = write!(text, ", {remaining} still parked");
        }
        for failure in failed {
            let _ = write!(text, "\n  {}: {}", failure.id, failure.error);
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use contract::event::FailedReplay;

    use super::*;

    #[test]
    fn what_failed_again_is_named_with_its_error() {
        let id = "01931f0e-7c5a-7000-8000-0123456789ab".parse().unwrap();
        let failed = vec![FailedReplay { id, error: "no such user".to_owned() }];
        let outcome =
            Outcome { service: "auth".to_owned(), replayed: Replayed { replayed: 3, failed, remaining: 2 } };
        assert_eq!(
            outcome.text(),
            "auth: 3 took effect, 1 failed again, 2 still parked\n  01931f0e-7c5a-7000-8000-0123456789ab: no such user"
        );
        assert!(outcome.had_something());
        let outcome = Outcome { service: "auth".to_owned(), replayed: Replayed::default() };
        assert!(!outcome.had_something());
    }
}
