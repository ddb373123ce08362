//! What `up` shows while it waits: a line for every unit that changes, and on a terminal who is waited for.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use crate::layout::Layout;
use crate::logstore;
use crate::output::{PROGRESS, Printer};
use crate::supervisor::report::{StateReport, UnitReport};
use crate::supervisor::state::{Cause, Word};
use crate::supervisor::unit::Kind;

/// After this long without a change, the slowest unit's last log line is shown.
const SLOW: Duration = Duration::from_secs(2);

pub(super) struct Progress<'a> {
    out: &'a Printer,
    units: &'a [String],
    layout: &'a Layout,
    seen: BTreeMap<String, Word>,
    bar: Option<ProgressBar>,
    begun: Instant,
}

impl<'a> Progress<'a> {
    pub(super) fn new(out: &'a Printer, units: &'a [String], layout: &'a Layout) -> Self {
        let bar = out.is_live().then(|| {
            let bar = ProgressBar::new_spinner();
            if let Ok(style) = ProgressStyle::with_template("{spinner} {elapsed} {wide_msg}") {
                bar.set_style(style);
            }
            bar.enable_steady_tick(Duration::from_millis(100));
            bar
        });
        Self { out, units, layout, seen: BTreeMap::new(), bar, begun: Instant::now() }
    }

    pub(super) fn show(&mut self, state: &StateReport) {
        let concerned = || state.items.iter().filter(|unit| self.units.contains(&unit.name));
        let changed: Vec<&UnitReport> =
            concerned().filter(|unit| self.seen.get(&unit.name) != Some(&unit.state)).collect();
        for unit in changed {
            self.seen.insert(unit.name.clone(), unit.state);
            if let Some(line) = line(unit) {
                self.say(&line, unit);
            }
        }
        let missing: Vec<&UnitReport> = concerned().filter(|unit| !unit.is_up()).collect();
        if let Some(bar) = &self.bar {
            bar.set_message(self.waiting_for(&missing));
        }
    }

    pub(super) fn finish(self) {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
    }

    fn say(&self, line: &str, unit: &UnitReport) {
        match &self.bar {
            Some(bar) => bar.println(line),
            None => self.out.progress(line, &Change::of(unit)),
        }
    }

    fn waiting_for(&self, missing: &[&UnitReport]) -> String {
        let active = missing.iter().filter(|unit| unit.waits_for.is_empty());
        let names: Vec<&str> = active.map(|unit| unit.name.as_str()).collect();
        let done = self.units.len() - missing.len();
        let mut text = format!("{done}/{} up, waiting for {}", self.units.len(), names.join(", "));
        if self.begun.elapsed() > SLOW
            && let Some(slow) = names.first()
            && let Some(last) = logstore::last_lines(self.layout, slow, 1).pop()
        {
            text.push_str(": ");
            text.push_str(&last);
        }
        text
    }
}

/// A line of `--progress json`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Change<'a> {
    schema: &'static str,
    unit: &'a str,
    kind: Kind,
    state: Word,
    took_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<String>,
}

impl<'a> Change<'a> {
    fn of(unit: &'a UnitReport) -> Self {
        Self {
            schema: PROGRESS,
            unit: &unit.name,
            kind: unit.kind,
            state: unit.state,
            took_ms: unit.took_ms(),
            cause: unit.last_failure.as_ref().map(Cause::describe),
        }
    }
}

/// Steps that take no time worth a line are left out.
fn line(unit: &UnitReport) -> Option<String> {
    let took = unit.took_ms().map(|ms| format!(" in {ms} ms")).unwrap_or_default();
    let glyph = match unit.state {
        Word::Ready | Word::Completed => "✔",
        Word::Unhealthy | Word::Backoff => "!",
        Word::CrashLoop | Word::Failed => "✘",
        Word::Pending | Word::Starting | Word::Running | Word::Stopping | Word::Stopped => return None,
    };
    let cause = match (&unit.state, &unit.last_failure) {
        (Word::Backoff | Word::CrashLoop | Word::Failed, Some(cause)) => format!(": {}", cause.describe()),
        _ => String::new(),
    };
    Some(format!("{glyph} {:<9} {} {}{took}{cause}", unit.kind.as_str(), unit.name, unit.state.as_str()))
}
