//! `doran events dead` and `drop`: what consumers have given up on.

use comfy_table::{CellAlignment, Table, presets};
use contract::event::{DeadLetter, DeadLetterState, DropLetter, path};
use futures_util::future::join_all;
use jiff::tz::TimeZone;
use serde::Serialize;
use uuid::Uuid;

use super::args::{DeadListArgs, DropArgs};
use super::letter::{self, Kept};
use super::line::{Lines, short};
use super::participant;
use crate::command::cell::{day_and_time, one_line, time};
use crate::context::Context;
use crate::error::ExitStatus;
use crate::operator::{LIMIT, Service};
use crate::output::Printer;

const SCHEMA: &str = "doran.events-dead/1";

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    items: &'a [Kept],
}

#[derive(Serialize)]
struct Query {
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<DeadLetterState>,
    limit: u32,
}

/// Oldest first. Exit code 6 when a service that is wanted, or named, is down.
pub(super) async fn list(cx: &Context, args: &DeadListArgs, out: &Printer) -> anyhow::Result<ExitStatus> {
    let participants = participant::select(cx, &args.services).await?;
    let query = Query { state: args.state.state(), limit: args.limit };
    let asked = join_all(participants.iter().map(|participant| ask(cx, &participant.name, &query))).await;
    let mut status = ExitStatus::Success;
    let mut items = Vec::new();
    for (participant, answer) in participants.iter().zip(asked) {
        match answer {
            Ok(kept) => items.extend(kept),
            Err(error) if participant::is_down(&error) => {
                if participant.expected {
                    out.warn(format_args!(
                        "{} is not up: its dead letters are missing here",
                        participant.name
                    ));
                    status = ExitStatus::NotRunning;
                }
            }
            Err(error) => return Err(error),
        }
    }
    items.sort_by_key(|kept| kept.letter.parked_at);
    if out.is_document() {
        out.document(&Document { schema: SCHEMA, items: &items })?;
    } else if items.is_empty() {
        out.note("no dead letters");
    } else {
        out.line(table(&items, &TimeZone::system()))?;
    }
    Ok(status)
}

async fn ask(cx: &Context, name: &str, query: &Query) -> anyhow::Result<Vec<Kept>> {
    let letters: Vec<DeadLetter> = Service::find(cx, name).await?.get(path::DEAD, query, LIMIT).await?;
    Ok(letters.into_iter().map(|letter| Kept { service: name.to_owned(), letter }).collect())
}

pub(super) async fn show(cx: &Context, id: Uuid, out: &Printer) -> anyhow::Result<ExitStatus> {
    let (_, kept) = letter::find(cx, id).await?;
    if out.is_document() {
        out.document(&Document { schema: SCHEMA, items: &[kept] })?;
    } else {
        out.line(details(&kept, &TimeZone::system()))?;
    }
    Ok(ExitStatus::Success)
}

/// Says what will not take effect, and where.
pub(super) async fn give_up(cx: &Context, args: &DropArgs, out: &Printer) -> anyhow::Result<ExitStatus> {
    let (service, kept) = letter::find(cx, args.id).await?;
    service.tell(&path::drop(args.id), &DropLetter { reason: args.reason.clone() }).await?;
    if out.is_document() {
        return show(cx, args.id, out).await;
    }
    let Kept { service, letter: DeadLetter { consumer, event, .. } } = kept;
    let kind = short(&event.kind);
    out.line(format_args!(
        "dropped #{} {kind} of {}: it takes no effect in {service}/{consumer}",
        event.position, event.subject
    ))?;
    Ok(ExitStatus::Success)
}

fn table(items: &[Kept], zone: &TimeZone) -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_header(["ID", "CONSUMER", "EVENT", "SUBJECT", "STATE", "PARKED", "TRIES", "ERROR"]);
    for Kept { service, letter } in items {
        let event = &letter.event;
        table.add_row([
            letter.id.to_string(),
            format!("{service}/{}", letter.consumer),
            format!("{}#{} {}", letter.source, event.position, short(&event.kind)),
            event.subject.to_string(),
            word(letter.state).to_owned(),
            day_and_time(time(letter.parked_at.timestamp_micros()), zone),
            letter.attempts.to_string(),
            one_line(&letter.error),
        ]);
    }
    if let Some(tries) = table.column_mut(6) {
        tries.set_cell_alignment(CellAlignment::Right);
    }
    table
}

fn details(kept: &Kept, zone: &TimeZone) -> String {
    let Kept { service, letter } = kept;
    let mut lines = vec![
        ("id", letter.id.to_string()),
        ("consumer", format!("{service}/{}", letter.consumer)),
        ("state", word(letter.state).to_owned()),
        ("parked", day_and_time(time(letter.parked_at.timestamp_micros()), zone)),
        ("attempts", letter.attempts.to_string()),
        ("error", letter.error.replace('\n', "\n          ")),
    ];
    let resolved = letter.resolved_at.map(|at| day_and_time(time(at.timestamp_micros()), zone));
    lines.extend(resolved.map(|at| ("resolved", at)));
    lines.extend(letter.reason.clone().map(|reason| ("reason", reason)));
    lines.push(("trace", letter.event.traceparent.clone().unwrap_or_else(|| "-".to_owned())));
    lines.push((
        "event",
        Lines::new([letter.source.as_str()].into_iter()).render(&letter.source, &letter.event),
    ));
    let lines = lines.into_iter().map(|(key, value)| format!("{key:<9} {value}"));
    lines.collect::<Vec<String>>().join("\n")
}

fn word(state: DeadLetterState) -> &'static str {
    match state {
        DeadLetterState::Parked => "parked",
        DeadLetterState::Replayed => "replayed",
        DeadLetterState::Dropped => "dropped",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::events::filter::tests::event;

    fn kept() -> Kept {
        let mut event = event("com.dorandoran.user.created.v1", "2026-11-22T03:04:05Z", 42);
        event.data = serde_json::json!({ "email": "minji@dorandoran.dev", "role": "ROLE_USER" });
        let letter = DeadLetter {
            id: "01931f0e-7c5a-7000-8000-0123456789aa".parse().unwrap(),
            consumer: "accounts".to_owned(),
            source: "user".to_owned(),
            state: DeadLetterState::Dropped,
            error: format!("first line\n{}", "x".repeat(100)),
            attempts: 5,
            reason: Some("no such user any more".to_owned()),
            parked_at: "2026-11-22T03:04:06Z".parse().unwrap(),
            resolved_at: Some("2026-11-22T04:00:00Z".parse().unwrap()),
            event,
        };
        Kept { service: "auth".to_owned(), letter }
    }

    fn plain(text: &str) -> String {
        let plain = anstream::adapter::strip_str(text).to_string();
        plain.lines().map(str::trim_end).collect::<Vec<&str>>().join("\n")
    }

    #[test]
    fn the_list_has_a_line_each_and_what_show_needs() {
        insta::assert_snapshot!(plain(&table(&[kept()], &TimeZone::UTC).to_string()));
    }

    #[test]
    fn one_letter_is_shown_with_its_whole_error_and_without_an_address() {
        insta::assert_snapshot!(plain(&details(&kept(), &TimeZone::UTC)));
    }

    #[test]
    fn machines_get_the_letter_and_its_service() {
        let json = serde_json::to_value(kept()).unwrap();
        assert_eq!((&json["service"], &json["state"]), (&"auth".into(), &"DROPPED".into()));
        assert_eq!(json["event"]["data"]["email"], "minji@dorandoran.dev");
    }
}
