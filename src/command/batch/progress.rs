//! What is shown of an execution while it is waited for: bars on a terminal, a line for every change elsewhere.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use contract::batch::{Execution, ExecutionStatus, Progress as Counts, StepExecution};
use contract::id::ExecutionId;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

use super::item::{self, advance, count, rate};
use crate::output::{PROGRESS, Printer};

/// Without a terminal it is said this often how far it is.
const SILENCE: Duration = Duration::from_secs(5);
/// Parts with a bar of their own; the rest is in the total.
const BARS: usize = 10;
/// Redrawn at most so often a second.
const DRAWN: u8 = 10;

pub(super) struct Progress<'a> {
    out: &'a Printer,
    seen: Seen,
    latest: Execution,
    bars: Option<Bars>,
    said: Instant,
    /// Since when nobody could be asked.
    away: Option<Instant>,
}

impl<'a> Progress<'a> {
    pub(super) fn new(begun: &Execution, out: &'a Printer) -> Self {
        let bars = out.is_live().then(Bars::new);
        let mut progress = Self {
            out,
            seen: Seen::default(),
            latest: begun.clone(),
            bars,
            said: Instant::now(),
            away: None,
        };
        progress.show(begun);
        progress
    }

    /// As it was last seen.
    pub(super) fn latest(&self) -> &Execution {
        &self.latest
    }

    pub(super) fn show(&mut self, execution: &Execution) {
        self.latest = execution.clone();
        self.away = None;
        for Line { text, step } in self.seen.changes(execution) {
            self.line(&text, step.as_ref());
        }
        if let Some(bars) = &mut self.bars {
            bars.show(execution);
        }
    }

    /// A remark that no machine waits for.
    pub(super) fn say(&mut self, text: &str) {
        match &self.bars {
            Some(bars) => bars.say(text),
            None => self.out.note(text),
        }
        self.said = Instant::now();
    }

    /// Nobody can be asked from now on, until something is shown again.
    pub(super) fn away(&mut self, why: &str) {
        self.away.get_or_insert_with(Instant::now);
        self.say(&format!("{why}; waiting for an instance of batch"));
    }

    /// Says how far it is, or since when nobody knows, when nothing was said for a while.
    pub(super) fn tick(&mut self) {
        let text = self.away.map_or_else(
            || advance(&self.latest.progress),
            |since| unheard(since.elapsed(), &self.latest.progress),
        );
        if let (Some(bars), Some(_)) = (&self.bars, self.away) {
            bars.total.set_message(text);
        } else if self.bars.is_none() && self.said.elapsed() >= SILENCE {
            self.line(&format!("  {}: {text}", self.latest.job), None);
        }
    }

    fn line(&mut self, text: &str, step: Option<&StepExecution>) {
        match &self.bars {
            Some(bars) => bars.say(text),
            None => self.out.progress(text, &Change::of(&self.latest, step)),
        }
        self.said = Instant::now();
    }
}

/// What was last seen, without a rate or an end that nobody knows any more.
fn unheard(time: Duration, last: &Counts) -> String {
    let last = Counts { items_per_second: None, eta_seconds: None, ..*last };
    let seconds = Duration::from_secs(time.as_secs());
    format!("nobody to ask for {}, last seen {}", crate::stack::duration::format(seconds), advance(&last))
}

/// A line of `--progress json`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Change<'a> {
    schema: &'static str,
    execution: ExecutionId,
    job: &'a str,
    status: ExecutionStatus,
    owner: Option<&'a str>,
    #[serde(flatten)]
    progress: Counts,
    /// The step that has ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    step: Option<&'a StepExecution>,
}

impl<'a> Change<'a> {
    fn of(execution: &'a Execution, step: Option<&'a StepExecution>) -> Self {
        Self {
            schema: PROGRESS,
            execution: execution.id,
            job: &execution.job,
            status: execution.status,
            owner: execution.owner.as_deref(),
            progress: execution.progress,
            step,
        }
    }
}

/// What was said already.
#[derive(Debug, Default)]
struct Seen {
    owner: Option<String>,
    takeovers: i32,
    stopping: bool,
    ended: BTreeSet<String>,
}

#[derive(Debug)]
struct Line {
    text: String,
    step: Option<StepExecution>,
}

impl Seen {
    fn changes(&mut self, execution: &Execution) -> Vec<Line> {
        let mut lines = Vec::new();
        let mut say = |text: String, step: Option<&StepExecution>| {
            lines.push(Line { text, step: step.cloned() });
        };
        if let Some(owner) = &execution.owner
            && self.owner.as_ref() != Some(owner)
        {
            say(self.runs_on(owner, execution.takeovers), None);
            self.owner = Some(owner.clone());
        }
        self.takeovers = execution.takeovers;
        if execution.status == ExecutionStatus::Stopping && !std::mem::replace(&mut self.stopping, true) {
            say("it stops after the chunk at hand".to_owned(), None);
        }
        for step in execution.steps.iter().filter(|step| !step.status.is_running()) {
            if self.ended.insert(step.name.clone()) {
                say(outcome(step), Some(step));
            }
        }
        lines
    }

    fn runs_on(&self, owner: &str, takeovers: i32) -> String {
        let now = instance(owner);
        match self.owner.as_deref().map(instance) {
            None => format!("{now} runs it"),
            Some(before) if before == now => format!("{now} is back, and goes on with it"),
            Some(before) if takeovers > self.takeovers => format!("{now} has taken over from {before}"),
            Some(before) => format!("{now} goes on with it, {before} has handed it on"),
        }
    }
}

/// An owner is an instance and the run of its process: `batch-1/01931f0e-…`.
fn instance(owner: &str) -> &str {
    owner.split('/').next().unwrap_or(owner)
}

fn outcome(step: &StepExecution) -> String {
    let counted = [(step.filtered, "filtered"), (step.written, "written"), (step.skipped, "skipped")];
    let counted = counted.into_iter().filter(|(number, _)| *number > 0);
    let mut parts = vec![format!("{} read", count(step.read))];
    parts.extend(counted.map(|(number, what)| format!("{} {what}", count(number))));
    parts.extend(step.items_per_second.map(rate));
    let why = step.exit_message.as_ref().map(|message| format!(": {message}")).unwrap_or_default();
    format!("{} {}: {}{why}", item::status(step.status), step.name, parts.join(", "))
}

/// Of a part, as of a whole execution.
fn counts(step: &StepExecution) -> Counts {
    let StepExecution { read, written, skipped, total, items_per_second, .. } = *step;
    Counts { read, written, skipped, total, items_per_second, eta_seconds: None }
}

/// A bar for each part that runs, and one for everything.
struct Bars {
    board: MultiProgress,
    parts: BTreeMap<String, ProgressBar>,
    total: ProgressBar,
    bar: ProgressStyle,
    spinner: ProgressStyle,
}

impl Bars {
    fn new() -> Self {
        let board = MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(DRAWN));
        let total = board.add(ProgressBar::no_length());
        total.enable_steady_tick(Duration::from_millis(100));
        let style = |template| {
            ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
        };
        let bars = Self {
            board,
            parts: BTreeMap::new(),
            total,
            bar: style("{spinner} {prefix:28!} {bar:24} {wide_msg}"),
            spinner: style("{spinner} {prefix:28!} {wide_msg}"),
        };
        bars.total.set_style(bars.spinner.clone());
        bars
    }

    fn say(&self, text: &str) {
        // Nothing is left to tell anybody when standard error itself is gone.
        let _ = self.board.println(text);
    }

    fn show(&mut self, execution: &Execution) {
        // One that is `STARTING` waits for its turn.
        let runs =
            |step: &&StepExecution| step.status.is_running() && step.status != ExecutionStatus::Starting;
        let running = execution.steps.iter().filter(runs).take(BARS);
        let running: BTreeMap<&str, &StepExecution> =
            running.map(|step| (step.name.as_str(), step)).collect();
        self.parts.retain(|name, bar| {
            let stays = running.contains_key(name.as_str());
            if !stays {
                bar.finish_and_clear();
                self.board.remove(bar);
            }
            stays
        });
        for (name, step) in running {
            let bar = self
                .parts
                .entry(name.to_owned())
                .or_insert_with(|| self.board.insert_before(&self.total, ProgressBar::no_length()))
                .clone();
            self.set(&bar, name, &counts(step));
        }
        self.set(&self.total, &execution.job, &execution.progress);
    }

    fn set(&self, bar: &ProgressBar, name: &str, counts: &Counts) {
        let known = counts.total.and_then(|total| u64::try_from(total).ok()).filter(|total| *total > 0);
        match known {
            Some(total) => {
                bar.set_style(self.bar.clone());
                bar.set_length(total);
            }
            None => bar.set_style(self.spinner.clone()),
        }
        bar.set_prefix(name.to_owned());
        bar.set_position(u64::try_from(counts.read).unwrap_or_default());
        bar.set_message(advance(counts));
    }
}

impl Drop for Bars {
    /// However the wait ends, the terminal is left without bars.
    fn drop(&mut self) {
        for bar in self.parts.values().chain([&self.total]) {
            bar.finish_and_clear();
        }
        let _ = self.board.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::batch::execution::tests::{failed, running};

    #[test]
    fn every_change_is_a_line_and_nothing_is_said_twice() {
        let mut seen = Seen::default();
        let mut said = Vec::new();
        let mut show = |execution: &Execution| {
            said.extend(seen.changes(execution).into_iter().map(|line| line.text));
            said.push("--".to_owned());
        };
        let begun = Execution { owner: Some("batch-1".to_owned()), takeovers: 0, ..running() };
        show(&begun);
        show(&begun);
        show(&running());
        let again = Execution { takeovers: 2, owner: Some("batch-2/b".to_owned()), ..running() };
        show(&again);
        // An orderly hand-over is no takeover.
        let stopping = ExecutionStatus::Stopping;
        show(&Execution { owner: Some("batch-1".to_owned()), status: stopping, takeovers: 2, ..running() });
        show(&Execution { status: stopping, owner: None, takeovers: 2, ..running() });
        show(&failed());
        show(&failed());
        insta::assert_snapshot!(said.join("\n"));
    }

    #[test]
    fn what_nobody_knows_any_more_is_not_repeated() {
        let text = unheard(Duration::from_millis(25_300), &running().progress);
        assert_eq!(text, "nobody to ask for 25s, last seen 1,234,567 of 2,000,000 (61 %), 5 skipped");
    }

    #[test]
    fn machines_get_the_counts_and_the_step_that_ended() {
        let execution = failed();
        let change = Change::of(&execution, execution.steps.first());
        let value = serde_json::to_value(&change).unwrap();
        assert_eq!(value["schema"], PROGRESS);
        assert_eq!(value["read"], 1_234_567);
        assert_eq!(value["step"]["name"], "write:2026-01");
        let whole = serde_json::to_value(Change::of(&execution, None)).unwrap();
        assert_eq!(whole.get("step"), None);
    }
}
