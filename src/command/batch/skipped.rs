//! `doran batch skipped` and `redrive`: items that an execution went on without.

use comfy_table::{Table, presets};
use contract::batch::{Redriven, SkippedItem, SkippedList, path};
use contract::id::ExecutionId;
use serde::Serialize;

use super::item::{count, lines_of};
use super::service::{Batch, classified};
use super::target;
use crate::command::cell::one_line;
use crate::error::ExitStatus;
use crate::operator::LIMIT;
use crate::output::Printer;

/// Skip limits of jobs are far below.
const MOST: usize = 100_000;
const PAGE: u32 = 100;

#[derive(Serialize)]
struct Document<'a, T> {
    schema: &'static str,
    items: &'a [T],
}

#[derive(Serialize)]
struct Query {
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<i64>,
    size: u32,
}

pub(super) async fn list(batch: &Batch<'_>, text: &str, out: &Printer) -> anyhow::Result<ExitStatus> {
    let id = target::find(batch, text).await?.id;
    let items = all(batch, id).await?;
    if out.is_document() {
        out.document(&Document { schema: "doran.batch-skipped/1", items: &items })?;
    } else if items.is_empty() {
        out.note("nothing was skipped");
    } else {
        out.line(lines_of(&table(&items)))?;
    }
    Ok(ExitStatus::Success)
}

/// Exit code 1 when some failed again.
pub(super) async fn redrive(batch: &Batch<'_>, text: &str, out: &Printer) -> anyhow::Result<ExitStatus> {
    let id = target::find(batch, text).await?.id;
    let done: Redriven =
        batch.service.post(&path::redrive(id), &serde_json::json!({})).await.map_err(classified)?;
    if out.is_document() {
        out.document(&Document { schema: "doran.batch-redrive/1", items: &[done] })?;
    } else {
        out.line(format_args!("{} worked now, {} failed again", count(done.redriven), count(done.failed)))?;
    }
    Ok(if done.failed == 0 { ExitStatus::Success } else { ExitStatus::Failure })
}

async fn all(batch: &Batch<'_>, id: ExecutionId) -> anyhow::Result<Vec<SkippedItem>> {
    let mut items = Vec::new();
    let mut after = None;
    loop {
        let page: SkippedList =
            batch.service.get(&path::skipped(id), &Query { after, size: PAGE }, LIMIT).await?;
        items.extend(page.content);
        after = page.next_after;
        if after.is_none() || items.len() >= MOST {
            return Ok(items);
        }
    }
}

fn table(items: &[SkippedItem]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(["STEP", "PHASE", "ITEM", "STATE", "ERROR"]);
    for item in items {
        table.add_row([
            item.step.clone(),
            item.phase.to_string(),
            item.key.clone(),
            item.state.to_string(),
            one_line(&item.error),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use contract::batch::{SkippedPhase, SkippedState};

    use super::*;

    #[test]
    fn a_skipped_item_is_a_line_with_its_error() {
        let item = SkippedItem {
            id: 7,
            execution_id: "01931f0e-7c5a-7000-8000-0123456789aa".parse().unwrap(),
            step: "purge:rooms".to_owned(),
            phase: SkippedPhase::Write,
            key: "room 01931f0e".to_owned(),
            error: "chat refuses:\nit is in use".to_owned(),
            state: SkippedState::Skipped,
            created_at: "2026-11-22T19:00:00Z".parse().unwrap(),
        };
        insta::assert_snapshot!(lines_of(&table(&[item])));
    }
}
