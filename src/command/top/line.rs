//! The table, as lines. Pure.

use jiff::Timestamp;

use super::cell::{UNKNOWN, bytes, millis, percent, rate};
use crate::command::ps::{age, glyph};
use crate::supervisor::state::Word;
use crate::supervisor::unit::Kind;
use crate::telemetry::view::{Row, Top};

const HEADER: [&str; 15] = [
    "NAME", "STATE", "UP", "RST", "CPU%", "MEM", "RPS", "P50", "P95", "P99", "4XX%", "5XX%", "IN/S", "OUT/S",
    "NOTE",
];
/// Names, states and remarks begin at the left; numbers end at the right.
const LEFT: [usize; 3] = [0, 1, 14];

/// A line about the whole, the header, and one for every service, database and cache.
pub(super) fn table(top: &Top) -> Vec<String> {
    let rows: Vec<[String; 15]> = std::iter::once(HEADER.map(str::to_owned))
        .chain(top.items.iter().map(|row| cells(row, top.at)))
        .collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let widths: Vec<usize> = (0..HEADER.len()).map(width).collect();
    let line = |row: &[String; 15]| {
        let mut line = String::new();
        for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
            line.push_str(if column == 0 { "" } else { "  " });
            let pad = " ".repeat(width - cell.chars().count());
            let (before, behind) = if LEFT.contains(&column) { ("", &*pad) } else { (&*pad, "") };
            line.extend([before, cell, behind]);
        }
        line.trim_end().to_owned()
    };
    let mut lines = vec![summary(top), String::new()];
    lines.extend(rows.iter().map(line));
    lines
}

fn summary(top: &Top) -> String {
    let ready = |kinds: &[Kind]| {
        let rows: Vec<&Row> = top.items.iter().filter(|row| kinds.contains(&row.kind)).collect();
        format!("{}/{}", rows.iter().filter(|row| row.state == Word::Ready).count(), rows.len())
    };
    let supervisor = &top.supervisor;
    let mut line = format!(
        "{}  up {}  services {}  databases and cache {}  supervisor {} {}",
        top.instance,
        age(supervisor.report.uptime_ms),
        ready(&[Kind::Service]),
        ready(&[Kind::Database, Kind::Cache]),
        supervisor.cpu_percent.map_or(UNKNOWN.to_owned(), |cpu| format!("{cpu:.1}%")),
        size(supervisor.memory_bytes),
    );
    match top.age_ms {
        None => line.push_str("  no figures yet"),
        Some(ms) if ms > 3000 => line.extend(["  figures are ", &age(ms), " old"]),
        Some(_) => {}
    }
    line
}

fn cells(row: &Row, now: Timestamp) -> [String; 15] {
    let figures = &row.figures;
    let name = match row.units.len() {
        0 | 1 => row.name.clone(),
        replicas => format!("{} ×{replicas}", row.name),
    };
    // What batch is asked is asked by those who look: its work is jobs.
    let requests = if row.jobs.is_some() { None } else { figures.per_second };
    [
        name,
        format!("{} {}", glyph(row.state), row.state.as_str()),
        row.uptime_ms.map_or(UNKNOWN.to_owned(), age),
        row.restarts.to_string(),
        percent(figures.cpu_percent),
        size(figures.memory_bytes),
        rate(requests),
        millis(figures.p50_ms),
        millis(figures.p95_ms),
        millis(figures.p99_ms),
        percent(figures.percent_4xx),
        percent(figures.percent_5xx),
        bytes(figures.received_per_second),
        bytes(figures.sent_per_second),
        note(row, now),
    ]
}

#[expect(clippy::cast_precision_loss, reason = "shown with two digits")]
fn size(value: Option<u64>) -> String {
    bytes(value.map(|value| value as f64))
}

/// What needs a look first.
fn note(row: &Row, now: Timestamp) -> String {
    let mut notes = Vec::new();
    if row.stale {
        notes.push(row.age_ms.map_or("no figures".to_owned(), |ms| format!("{} old", age(ms))));
    }
    if let (Some(cause), false) = (&row.last_failure, row.state == Word::Ready) {
        notes.push(cause.describe());
    }
    if let Some(database) = &row.database {
        notes.push(format!("conn {}/{}", database.connections, database.max_connections));
        if database.waiting > 0 {
            notes.push(format!("{} wait for locks", database.waiting));
        }
        notes.push(size(Some(database.size_bytes)));
        notes.extend(database.replication_lag_ms.map(|lag| format!("replica {} behind", age(lag.into()))));
    }
    if let Some(cache) = &row.cache {
        notes.push(cache.hit_percent.map_or("nothing looked up".to_owned(), |hit| format!("hit {hit:.1}%")));
        notes.push(format!("{} used", size(Some(cache.used_bytes))));
    }
    notes.extend(events(row));
    notes.extend(duties(row, now));
    notes.join("  ")
}

fn events(row: &Row) -> Vec<String> {
    let Some(events) = &row.events else { return Vec::new() };
    let mut notes = Vec::new();
    if let Some(outbox) = events.outbox.filter(|outbox| outbox.age_ms > 1000) {
        notes.push(format!("outbox {} old", age(outbox.age_ms)));
    }
    let slowest = events.consumers.iter().max_by_key(|consumer| consumer.lag_ms);
    if let Some((slowest, lag)) =
        slowest.and_then(|slowest| Some((slowest, slowest.lag_ms.filter(|lag| *lag > 1000)?)))
    {
        notes.push(format!("{} {} behind {}", slowest.name, age(lag), slowest.source));
    }
    let letters: u64 = events.consumers.iter().filter_map(|consumer| consumer.dead_letters).sum();
    if letters > 0 {
        notes.push(format!("{letters} dead letters"));
    }
    notes
}

fn duties(row: &Row, now: Timestamp) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(jobs) = &row.jobs {
        notes.extend(jobs.running.iter().map(|job| match job.total.filter(|total| *total > 0) {
            Some(total) => format!("{} {}%", job.job, job.written * 100 / total),
            None => format!("{} {}", job.job, job.written),
        }));
        notes.extend(jobs.next.as_ref().map(|next| {
            let ms = u64::try_from(next.at.duration_since(now).as_millis()).unwrap_or_default();
            format!("next {} in {}", next.job, age(ms))
        }));
        notes.extend(jobs.last.as_ref().map(|last| format!("last {} {}", last.job, last.status)));
    }
    if let Some(sagas) = &row.sagas {
        let more = if sagas.at_least { "+" } else { "" };
        if sagas.running > 0 {
            notes.push(format!("{}{more} sagas", sagas.running));
        }
        if sagas.stuck > 0 {
            notes.push(format!("{}{more} stuck", sagas.stuck));
        }
    }
    notes
}
