//! `doran sagas list`: what store says of its sagas.

use comfy_table::{CellAlignment, Table, presets};
use contract::store::maintenance::{SagaList, path};
use contract::store::{SagaState, SagaView};
use jiff::tz::TimeZone;
use serde::Serialize;

use super::args::ListArgs;
use crate::command::cell::{day_and_time, one_line, time};
use crate::context::Context;
use crate::error::ExitStatus;
use crate::operator::{LIMIT, Service};
use crate::output::Printer;

pub(super) const SCHEMA: &str = "doran.sagas/1";
/// What a page has at most.
const PAGE: u32 = 100;

#[derive(Serialize)]
pub(super) struct Document<'a> {
    pub(super) schema: &'static str,
    pub(super) items: &'a [SagaView],
}

#[derive(Serialize)]
struct Query<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<SagaState>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cursor: Option<&'a str>,
    size: u32,
}

pub(super) async fn run(cx: &Context, args: &ListArgs, out: &Printer) -> anyhow::Result<ExitStatus> {
    let service = Service::find(cx, "store").await?;
    let state = args.state.map(super::args::StateChoice::state);
    let limit = usize::try_from(args.limit)?;
    let mut items: Vec<SagaView> = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let left = u32::try_from(limit - items.len())?;
        let query = Query { state, cursor: cursor.as_deref(), size: left.min(PAGE) };
        let page: SagaList = service.get(path::SAGAS, &query, LIMIT).await?;
        items.extend(page.items);
        items.truncate(limit);
        cursor = page.next_cursor;
        if cursor.is_none() || items.len() == limit {
            break;
        }
    }
    if out.is_document() {
        out.document(&Document { schema: SCHEMA, items: &items })?;
    } else if items.is_empty() {
        out.note("no sagas");
    } else {
        out.line(table(&items, &TimeZone::system()))?;
        if cursor.is_some() {
            out.note(format_args!("and more: the last {limit} that changed are shown (-n)"));
        }
    }
    Ok(ExitStatus::Success)
}

pub(super) fn table(items: &[SagaView], zone: &TimeZone) -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_header(["ID", "ORDER", "KIND", "STATE", "AT", "TRIES", "CHANGED", "ERROR"]);
    for saga in items {
        table.add_row([
            saga.id.to_string(),
            saga.order_id.to_string(),
            saga.kind.to_string(),
            saga.state.to_string(),
            saga.step.to_string(),
            saga.attempt.to_string(),
            day_and_time(time(saga.updated_at.timestamp_micros()), zone),
            saga.resolution.as_deref().or(saga.last_error.as_deref()).map(one_line).unwrap_or_default(),
        ]);
    }
    if let Some(tries) = table.column_mut(5) {
        tries.set_cell_alignment(CellAlignment::Right);
    }
    table
}

#[cfg(test)]
mod tests {
    use contract::store::{SagaKind, SagaStep};

    use super::*;

    #[test]
    fn a_saga_is_a_line_with_what_its_verbs_need() {
        let at = |text: &str| text.parse().unwrap();
        let saga = SagaView {
            id: "01931f0e-7c5a-7000-8000-0123456789aa".parse().unwrap(),
            order_id: "01931f0e-7c5a-7000-8000-0123456789ab".parse().unwrap(),
            kind: SagaKind::Place,
            step: SagaStep::Capture,
            state: SagaState::Stuck,
            attempt: 3,
            next_at: at("2026-11-22T03:04:05Z"),
            deadline: at("2026-11-22T03:05:05Z"),
            last_error: Some(format!("the provider refuses:\n{}", "X".repeat(80))),
            resolution: None,
            created_at: at("2026-11-22T03:04:05Z"),
            updated_at: at("2026-11-22T03:04:06.789Z"),
        };
        let text = table(&[saga], &TimeZone::UTC).to_string();
        let text: Vec<&str> = text.lines().map(str::trim_end).collect();
        insta::assert_snapshot!(text.join("\n"));
    }
}
