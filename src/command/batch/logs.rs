//! `doran batch logs`: what an execution says.

use std::collections::VecDeque;
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use contract::batch::{LogLevel, LogLine, LogList, path};
use contract::id::ExecutionId;
use jiff::tz::TimeZone;
use serde::Serialize;
use tokio::time::sleep;

use super::args::LogsArgs;
use super::service::{Batch, status_of};
use super::target;
use crate::command::cell::{day_and_time, time};
use crate::error::ExitStatus;
use crate::operator::LIMIT;
use crate::output::Printer;

/// What a page has at most.
const PAGE: u32 = 100;
/// Between two looks for more.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// A line for machines.
#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    #[serde(flatten)]
    line: &'a LogLine,
}

#[derive(Serialize)]
struct Query {
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<i64>,
    size: u32,
}

/// Where the reading is.
struct Reader<'a> {
    batch: Batch<'a>,
    id: ExecutionId,
    after: Option<i64>,
}

pub(super) async fn run(batch: Batch<'_>, args: &LogsArgs, out: &Printer) -> anyhow::Result<ExitStatus> {
    let id = target::find(&batch, &args.execution).await?.id;
    let mut reader = Reader { batch, id, after: None };
    let mut lines = VecDeque::new();
    loop {
        let page = reader.page().await?;
        if page.is_empty() {
            break;
        }
        lines.extend(page);
        match args.tail {
            Some(count) => drop(lines.drain(..lines.len().saturating_sub(count))),
            None => print(lines.drain(..), out)?,
        }
    }
    print(lines.into_iter(), out)?;
    if args.follow {
        reader.follow(out).await?;
    }
    Ok(ExitStatus::Success)
}

impl Reader<'_> {
    /// The next lines, none when there are no more so far.
    async fn page(&mut self) -> anyhow::Result<Vec<LogLine>> {
        let query = Query { after: self.after, size: PAGE };
        let page: LogList = self.batch.service.get(&path::logs(self.id), &query, LIMIT).await?;
        self.after = page.content.last().map(|line| line.id).or(self.after);
        Ok(page.content)
    }

    /// Until the execution is over and everything is read.
    async fn follow(&mut self, out: &Printer) -> anyhow::Result<()> {
        let mut away = false;
        loop {
            match self.news().await {
                Ok((lines, over)) => {
                    away = false;
                    let some = !lines.is_empty();
                    print(lines.into_iter(), out)?;
                    match (some, over) {
                        (true, _) => continue,
                        (false, true) => return Ok(()),
                        (false, false) => {}
                    }
                }
                Err(error) if status_of(&error).is_some_and(|status| status.is_client_error()) => {
                    return Err(error);
                }
                Err(error) => {
                    self.batch.require_stack().await?;
                    if !std::mem::replace(&mut away, true) {
                        out.note(format_args!("{error:#}; waiting for an instance of batch"));
                    }
                    // None may be ready yet.
                    let _ = self.batch.move_on().await;
                }
            }
            sleep(LOOK_AGAIN).await;
        }
    }

    /// Whether it is over is asked before the lines are read, so that none is missed.
    async fn news(&mut self) -> anyhow::Result<(Vec<LogLine>, bool)> {
        let execution = self.batch.execution(self.id).await?;
        let over = execution.is_none_or(|execution| !execution.status.is_running());
        Ok((self.page().await?, over))
    }
}

fn print(lines: impl Iterator<Item = LogLine>, out: &Printer) -> anyhow::Result<()> {
    let zone = TimeZone::system();
    for line in lines {
        if out.is_document() {
            out.line(serde_json::to_string(&Document { schema: "doran.batch-log/1", line: &line })?)?;
        } else {
            out.line(text(&line, &zone))?;
        }
    }
    Ok(())
}

fn text(line: &LogLine, zone: &TimeZone) -> String {
    let style = style(line.level);
    let at = day_and_time(time(line.time.timestamp_micros()), zone);
    let step = line.step.as_ref().map(|step| format!("{step}: ")).unwrap_or_default();
    format!("{at} {style}{:<5}{style:#} {step}{}", line.level.as_str(), line.message)
}

fn style(level: LogLevel) -> Style {
    match level {
        LogLevel::Trace | LogLevel::Debug => Style::new().dimmed(),
        LogLevel::Info => Style::new(),
        LogLevel::Warn => AnsiColor::Yellow.on_default(),
        LogLevel::Error => AnsiColor::Red.on_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_its_time_its_level_and_its_step() {
        let mut line = LogLine {
            id: 1,
            time: "2026-11-22T19:00:00.1Z".parse().unwrap(),
            level: LogLevel::Info,
            step: Some("sweep".to_owned()),
            message: "12 orders expired".to_owned(),
        };
        assert_eq!(text(&line, &TimeZone::UTC), "2026-11-22 19:00:00.100 INFO  sweep: 12 orders expired");
        line.step = None;
        line.level = LogLevel::Warn;
        let warned = text(&line, &TimeZone::UTC);
        assert!(warned.contains("WARN \u{1b}") && warned.ends_with(" 12 orders expired"), "{warned:?}");
    }
}
