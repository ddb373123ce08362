//! Prints what is there, then follows what comes.

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use jiff::Timestamp;
use tokio::time::sleep;

use super::filter::{self, Filter};
use super::render::{Format, Prefix, Renderer, Times};
use super::selection::Selection;
use crate::cli::LogsArgs;
use crate::context::Context;
use crate::error::ExitStatus;
use crate::logstore::event::Event;
use crate::logstore::merge::Merged;
use crate::logstore::reader::{Entry, From, Unfinished, UnitReader};
use crate::logstore::segment::{self, Segment};
use crate::logstore::tail::tail;
use crate::output::Printer;

/// How often a follower looks for more: twenty times a second feels immediate.
const POLL: Duration = Duration::from_millis(50);
/// Lines between two chances for a signal to be noticed.
const LINES_AT_A_TIME: usize = 10_000;
/// Text is written when this much has gathered.
const BUFFER: usize = 64 * 1024;

/// `doran logs`.
pub(crate) async fn run(cx: &Context, args: &LogsArgs, out: &mut Printer) -> anyhow::Result<ExitStatus> {
    let logs = cx.layout.logs();
    let from = filter::since(args.since.as_deref(), Timestamp::now())?;
    let segments = segment::all(&logs).with_context(|| format!("read {}", logs.display()))?;
    let selection = Selection::new(cx, &args.units, &segments)?;
    let times = if args.timestamps { Times::Full } else { Times::OfDay };
    let prefix = if args.no_prefix { Prefix::None } else { Prefix::Unit };
    let mut viewer = Viewer {
        logs,
        selection,
        filter: Filter::new(args.grep.as_deref(), args.level.as_deref())?,
        renderer: Renderer::new(format(out), prefix, times),
        unfinished: if args.follow { Unfinished::Awaited } else { Unfinished::Shown },
        merged: Merged::default(),
        text: String::new(),
    };
    match args.tail {
        Some(count) => viewer.open_tail(&segments, from, count, out)?,
        None => viewer.open(&segments, from)?,
    }
    while viewer.show(out)? {}
    if args.follow {
        viewer.follow(out).await?;
    }
    Ok(ExitStatus::Success)
}

/// Shows what units write from now on.
pub(crate) struct Follower(Viewer);

impl Follower {
    pub(crate) fn open(cx: &Context, units: &[String], out: &Printer) -> anyhow::Result<Self> {
        let logs = cx.layout.logs();
        let segments = segment::all(&logs).with_context(|| format!("read {}", logs.display()))?;
        let mut viewer = Viewer {
            logs,
            selection: Selection::Named(units.to_vec()),
            filter: Filter::default(),
            renderer: Renderer::new(format(out), Prefix::Unit, Times::OfDay),
            unfinished: Unfinished::Awaited,
            merged: Merged::default(),
            text: String::new(),
        };
        viewer.open(&segments, From::End)?;
        Ok(Self(viewer))
    }

    /// Shows what comes until `end`, and what has come by then. Goes on there when it is called again.
    pub(crate) async fn until(&mut self, end: impl Future<Output = ()>, out: &Printer) -> anyhow::Result<()> {
        tokio::select! {
            followed = self.0.follow(out) => followed?,
            () = end => {}
        }
        while self.0.show(out)? {}
        Ok(())
    }
}

fn format(out: &Printer) -> Format {
    if out.is_document() { Format::Json } else { Format::Text }
}

struct Viewer {
    logs: PathBuf,
    selection: Selection,
    filter: Filter,
    renderer: Renderer,
    unfinished: Unfinished,
    merged: Merged,
    /// Rendered and not yet printed.
    text: String,
}

impl Viewer {
    fn open(&mut self, segments: &[Segment], from: From) -> anyhow::Result<()> {
        for of_unit in self.selected(segments) {
            let unit = of_unit[0].unit.as_str();
            let reader =
                UnitReader::new(unit, of_unit, from, self.unfinished).with_context(|| reading(unit))?;
            self.merged.add(reader);
        }
        Ok(())
    }

    /// Prints the last lines of each unit, and goes on behind them.
    fn open_tail(
        &mut self,
        segments: &[Segment],
        from: From,
        count: usize,
        out: &Printer,
    ) -> anyhow::Result<()> {
        let mut last = Vec::new();
        for of_unit in self.selected(segments) {
            let unit = of_unit[0].unit.as_str();
            let keep = |entry: &Entry| self.filter.keeps(entry, &Event::parse(&entry.line));
            let (entries, reader) =
                tail(unit, of_unit, from, count, self.unfinished, keep).with_context(|| reading(unit))?;
            last.extend(entries);
            self.merged.add(reader);
        }
        last.sort_by_key(|entry| entry.line.stamp.wall_ns);
        for entry in last {
            self.renderer.render(&entry, &Event::parse(&entry.line), &mut self.text);
        }
        self.print(out)
    }

    /// Prints some of what is there; `true` when there may be more.
    fn show(&mut self, out: &Printer) -> anyhow::Result<bool> {
        self.merged.refill().context("read the logs")?;
        let mut more = false;
        for _ in 0..LINES_AT_A_TIME {
            let Some(entry) = self.merged.take_oldest().context("read the logs")? else {
                more = false;
                break;
            };
            more = true;
            let event = Event::parse(&entry.line);
            if self.filter.keeps(&entry, &event) {
                self.renderer.render(&entry, &event, &mut self.text);
            }
            if self.text.len() >= BUFFER {
                self.print(out)?;
            }
        }
        self.print(out)?;
        Ok(more)
    }

    async fn follow(&mut self, out: &Printer) -> anyhow::Result<()> {
        loop {
            let pause = if self.show(out)? { Duration::ZERO } else { POLL };
            sleep(pause).await;
            self.look_around().with_context(|| format!("read {}", self.logs.display()))?;
        }
    }

    /// Finds new runs, and units that had not logged before.
    fn look_around(&mut self) -> io::Result<()> {
        let segments = segment::all(&self.logs)?;
        for of_unit in self.selected(&segments) {
            let unit = of_unit[0].unit.as_str();
            if let Some(reader) = self.merged.readers_mut().find(|reader| reader.unit() == unit) {
                reader.offer(of_unit);
            } else {
                self.merged.add(UnitReader::new(unit, of_unit, From::Beginning, self.unfinished)?);
            }
        }
        Ok(())
    }

    /// The wanted segments, unit by unit; widens the column of names to hold them.
    fn selected<'a>(&mut self, segments: &'a [Segment]) -> Vec<&'a [Segment]> {
        let by_unit = segments.chunk_by(|a, b| a.unit == b.unit);
        let wanted: Vec<&[Segment]> =
            by_unit.filter(|of_unit| self.selection.includes(&of_unit[0].unit)).collect();
        for of_unit in &wanted {
            self.renderer.widen(&of_unit[0].unit);
        }
        wanted
    }

    fn print(&mut self, out: &Printer) -> anyhow::Result<()> {
        if !self.text.is_empty() {
            out.out().write_all(self.text.as_bytes())?;
            self.text.clear();
        }
        Ok(())
    }
}

fn reading(unit: &str) -> String {
    format!("read the log of {unit}")
}
