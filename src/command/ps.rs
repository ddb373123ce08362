//! `doran ps`: the units and their state.

use comfy_table::{CellAlignment, Table, presets};

use crate::cli::PsArgs;
use crate::command::waiting;
use crate::context::Context;
use crate::error::ExitStatus;
use crate::output::Printer;
use crate::supervisor::client::Client;
use crate::supervisor::report::{StateReport, UnitReport};
use crate::supervisor::state::Word;
use crate::supervisor::unit::Kind;

pub(super) async fn run(cx: &Context, args: &PsArgs, out: &mut Printer) -> anyhow::Result<ExitStatus> {
    let client = Client::require(&cx.layout, &cx.stack.instance).await?;
    let mut state = client.state().await?;
    narrow(&mut state, args, out.is_document())?;
    if out.is_document() {
        out.document(&state)?;
    } else if args.quiet {
        for unit in &state.items {
            out.line(&unit.name)?;
        }
    } else {
        out.line(table(&state))?;
    }
    Ok(ExitStatus::Success)
}

/// Jobs are shown when asked for, when they failed, and to machines.
fn narrow(state: &mut StateReport, args: &PsArgs, machine: bool) -> anyhow::Result<()> {
    let named = waiting::named(state, &args.units)?;
    state.items.retain(|unit| {
        let asked = named.contains(&unit.name);
        let by_default =
            args.units.is_empty() && (machine || args.all || unit.kind != Kind::Job || unit.is_broken());
        asked || by_default
    });
    Ok(())
}

fn table(state: &StateReport) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(["NAME", "STATE", "PORT", "PID", "UP", "RST", "NOTE"]);
    for unit in &state.items {
        table.add_row([
            unit.name.clone(),
            format!("{} {}", glyph(unit.state), unit.state.as_str()),
            unit.port.map(|port| port.to_string()).unwrap_or_default(),
            unit.pid.map(|pid| pid.to_string()).unwrap_or_default(),
            unit.uptime_ms.map(age).unwrap_or_default(),
            unit.restarts.to_string(),
            note(unit),
        ]);
    }
    for right in [2, 3, 4, 5] {
        if let Some(column) = table.column_mut(right) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

/// Never colour alone: a glyph and the word.
pub(super) fn glyph(state: Word) -> char {
    match state {
        Word::Ready => '●',
        Word::Completed => '✔',
        Word::Pending | Word::Starting | Word::Running | Word::Stopping => '◌',
        Word::Unhealthy | Word::Backoff => '◐',
        Word::Stopped => '○',
        Word::CrashLoop | Word::Failed => '✘',
    }
}

fn note(unit: &UnitReport) -> String {
    if !unit.waits_for.is_empty() {
        return format!("waits for {}", unit.waits_for.join(", "));
    }
    match (&unit.last_failure, unit.state) {
        (None, _) | (Some(_), Word::Completed) => String::new(),
        (Some(cause), Word::Failed | Word::CrashLoop | Word::Backoff) => cause.describe(),
        (Some(cause), _) => format!("before: {}", cause.describe()),
    }
}

/// `850ms`, `12s`, `3m`, `2h05`.
pub(super) fn age(ms: u64) -> String {
    match ms / 1000 {
        0 => format!("{ms}ms"),
        seconds @ 1..60 => format!("{seconds}s"),
        seconds @ 60..3600 => format!("{}m", seconds / 60),
        seconds => format!("{}h{:02}", seconds / 3600, seconds % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_is_short_and_has_a_unit() {
        assert_eq!([age(850), age(12_900), age(185_000), age(7_500_000)], ["850ms", "12s", "3m", "2h05"]);
    }
}
