//! `doran batch archives`: what was moved out of databases, and where it lies.

use comfy_table::{Table, presets};
use contract::batch::{Archive, ArchiveList, path};
use indicatif::BinaryBytes;
use jiff::tz::TimeZone;
use serde::Serialize;

use super::execution::align_right;
use super::item::{count, lines_of};
use super::service::{Batch, More, Wanted};
use crate::command::cell::{day_and_time, time};
use crate::error::ExitStatus;
use crate::output::Printer;

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    items: &'a [Archive],
}

pub(super) async fn run(batch: &Batch<'_>, limit: u32, out: &Printer) -> anyhow::Result<ExitStatus> {
    let (items, more) = batch.list::<ArchiveList>(path::ARCHIVES, Wanted::default(), limit).await?;
    if out.is_document() {
        out.document(&Document { schema: "doran.batch-archives/1", items: &items })?;
    } else if items.is_empty() {
        out.note("no archives");
    } else {
        out.line(lines_of(&table(&items, &TimeZone::system())))?;
    }
    if more == More::Yes {
        out.note(format_args!("and more: the newest {} are shown (-n)", items.len()));
    }
    Ok(ExitStatus::Success)
}

fn table(items: &[Archive], zone: &TimeZone) -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_header(["PATH", "PARTS", "ROWS", "SIZE", "CREATED", "STATE", "SHA-256"]);
    for archive in items {
        let state = match (archive.verified_at, archive.dropped_at) {
            (_, Some(_)) => "rows dropped",
            (Some(_), None) => "verified",
            (None, None) => "written",
        };
        table.add_row([
            archive.path.clone(),
            archive.parts.to_string(),
            count(archive.rows),
            BinaryBytes(u64::try_from(archive.bytes).unwrap_or_default()).to_string(),
            day_and_time(time(archive.created_at.timestamp_micros()), zone),
            state.to_owned(),
            archive.sha256.clone(),
        ]);
    }
    align_right(&mut table, 1..=3);
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_is_a_line_with_where_it_is_and_how_to_check_it() {
        let archive = Archive {
            id: "01931f0e-7c5a-7000-8000-0123456789aa".parse().unwrap(),
            job: "message-archiving".to_owned(),
            execution_id: None,
            path: "archives/messages/2026-01".to_owned(),
            period_start: "2025-12-31T15:00:00Z".parse().unwrap(),
            period_end: "2026-01-31T15:00:00Z".parse().unwrap(),
            parts: 12,
            rows: 118_230,
            bytes: 52_428_800,
            sha256: "5feceb66ffc86f38d952786c6d696c79c2dbc239dd4e91b46729d73a27fb57e9".to_owned(),
            verified_at: Some("2026-11-22T19:00:09Z".parse().unwrap()),
            dropped_at: None,
            created_at: "2026-11-22T19:00:08Z".parse().unwrap(),
        };
        let dropped = Archive { dropped_at: archive.verified_at, ..archive.clone() };
        insta::assert_snapshot!(lines_of(&table(&[archive, dropped], &TimeZone::UTC)));
    }
}
