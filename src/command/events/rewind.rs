//! `doran events replay --consumer`: a consumer reads again what it has applied already.

use contract::event::{ConsumerView, SetPosition, path};
use serde::Serialize;

use super::args::ReplayArgs;
use super::participant;
use crate::command::confirm::confirm;
use crate::context::Context;
use crate::error::{CliError, ExitStatus};
use crate::operator::{LIMIT, Service};
use crate::output::Printer;
use crate::stack;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    schema: &'static str,
    service: &'a str,
    consumer: &'a str,
    source: &'a str,
    /// Where it was.
    before: i64,
    /// The first position that it reads again.
    from: i64,
}

pub(super) async fn run(
    cx: &Context,
    consumer: &str,
    args: &ReplayArgs,
    out: &Printer,
) -> anyhow::Result<ExitStatus> {
    let (Some(service), Some(from)) = (&args.service, args.from) else {
        unreachable!("clap requires --service and --from with --consumer");
    };
    let participant = participant::require(cx, service).await?;
    let service = Service::find(cx, &participant.name).await?;
    let consumers: Vec<ConsumerView> = service.get(path::CONSUMERS, &(), LIMIT).await?;
    let consumer = choose(&consumers, consumer, args.source.as_deref(), service.name())?;
    let events = again(consumer, from)?;
    let question = format!(
        "{}/{} reads {events} events of {} again, from {from} on, and their effects are repeated. Go on?",
        service.name(),
        consumer.name,
        consumer.source
    );
    if !args.yes && !confirm(&question, "repeating effects")? {
        out.note("nothing was changed");
        return Ok(ExitStatus::Failure);
    }
    let body = SetPosition { position: from - 1 };
    service.tell(&path::position(&consumer.name, &consumer.source), &body).await?;
    report(service.name(), consumer, from, out)
}

fn report(service: &str, consumer: &ConsumerView, from: i64, out: &Printer) -> anyhow::Result<ExitStatus> {
    let ConsumerView { name, source, position: before, .. } = consumer;
    if out.is_document() {
        let schema = "doran.events-position/1";
        out.document(&Document { schema, service, consumer: name, source, before: *before, from })?;
    } else {
        out.line(format_args!(
            "{service}/{name} reads {source} again from {from} on; it had read up to {before}. \
             `doran events lag` shows how far it is"
        ))?;
    }
    Ok(ExitStatus::Success)
}

/// The consumer of that name, when the source says which or there is only one.
fn choose<'a>(
    consumers: &'a [ConsumerView],
    name: &str,
    source: Option<&str>,
    service: &str,
) -> anyhow::Result<&'a ConsumerView> {
    let named: Vec<&ConsumerView> = consumers.iter().filter(|consumer| consumer.name == name).collect();
    if named.is_empty() {
        let error = CliError::new(ExitStatus::Usage, format!("{service} has no consumer `{name}`"));
        let known = consumers.iter().map(|consumer| consumer.name.as_str());
        let help = stack::suggestion(name, known);
        return Err(error.help(help.unwrap_or_else(|| format!("{service} reads nobody's events"))).into());
    }
    let mut matching = named.iter().filter(|consumer| source.is_none_or(|source| consumer.source == source));
    if let (Some(only), None) = (matching.next(), matching.next()) {
        return Ok(only);
    }
    let sources: Vec<&str> = named.iter().map(|consumer| consumer.source.as_str()).collect();
    let message = format!("{service}/{name} reads {}", sources.join(", "));
    Err(CliError::new(ExitStatus::Usage, message).help("say which with --source").into())
}

/// How many events it will read again.
fn again(consumer: &ConsumerView, from: i64) -> anyhow::Result<i64> {
    let ConsumerView { name, source, position, .. } = consumer;
    if from > *position {
        let message =
            format!("{name} has read {source} up to {position} only: nothing to repeat from {from} on");
        return Err(CliError::new(ExitStatus::Usage, message)
            .help("a consumer never skips events; `doran events drop` gives up one that it cannot apply")
            .into());
    }
    Ok(position - from + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn consumer(name: &str, source: &str) -> ConsumerView {
        ConsumerView {
            name: name.to_owned(),
            source: source.to_owned(),
            position: 40,
            lag: None,
            parked: 0,
            updated_at: "2026-11-22T03:04:05Z".parse().unwrap(),
        }
    }

    #[test]
    fn a_source_is_needed_only_to_tell_consumers_apart() {
        let consumers = [consumer("accounts", "user"), consumer("feed", "chat"), consumer("feed", "store")];
        let chosen =
            |name, source| choose(&consumers, name, source, "auth").map(|chosen| chosen.source.as_str()).ok();
        assert_eq!(chosen("accounts", None), Some("user"));
        assert_eq!(chosen("feed", Some("store")), Some("store"));
        assert_eq!(chosen("feed", None), None);
        assert_eq!(chosen("feed", Some("user")), None);
    }

    #[test]
    fn an_unknown_consumer_is_met_with_the_nearest() {
        let error = choose(&[consumer("accounts", "user")], "acounts", None, "auth").unwrap_err();
        let known = error.downcast_ref::<CliError>().unwrap();
        assert_eq!(known.help.as_deref(), Some("did you mean `accounts`?"));
        let error = choose(&[], "accounts", None, "chat").unwrap_err();
        let known = error.downcast_ref::<CliError>().unwrap();
        assert_eq!(known.help.as_deref(), Some("chat reads nobody's events"));
    }

    #[test]
    fn a_consumer_goes_back_and_never_ahead() {
        let consumer = consumer("accounts", "user");
        assert_eq!(again(&consumer, 1).unwrap(), 40);
        assert_eq!(again(&consumer, 40).unwrap(), 1);
        assert!(again(&consumer, 41).is_err());
    }
}
