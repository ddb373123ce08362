//! From what is kept to what is shown. Pure.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::board::{Kept, Span};
use super::cells::FEWEST;
use super::scrape::Levels;
use super::view::{CHART, Chart, EventsRow, Figures, Row, Sparkline, Supervisor, TOP, Top, UnitRow, Windows};
use super::window::{FRESH_MS, Window};
use crate::supervisor::report::{StateReport, UnitReport};
use crate::supervisor::state::Word;
use crate::supervisor::unit::Kind;

/// The supervisor among the units; none of them can be called so.
pub(super) const OWN: &str = "(supervisor)";
const CELL_MS: i64 = 10_000;
/// 20 points.
const SPARKLINE_STEP_MS: i64 = 3000;
const SPARKLINE_MS: i64 = 60_000;
const CHART_MS: i64 = 300_000;
/// What batch and store were last asked for is told at most every 10 s.
const DUTY_MS: i64 = 15_000;

pub(super) fn top(kept: &Kept, report: &StateReport, instance: &str, now: i64) -> Top {
    let mut services: BTreeMap<(u8, &str), Vec<&UnitReport>> = BTreeMap::new();
    for unit in report.items.iter().filter(|unit| unit.kind != Kind::Job) {
        services.entry((order(unit), &unit.service)).or_default().push(unit);
    }
    let age = kept.history.last().and_then(|last| u64::try_from(now - last.at).ok());
    Top {
        schema: TOP.to_owned(),
        instance: instance.to_owned(),
        at: Timestamp::from_millisecond(now).unwrap_or_default(),
        age_ms: age,
        windows: Windows {
            cell_seconds: 10,
            sparkline_seconds: 60,
            chart_seconds: 300,
            fewest_requests: FEWEST,
        },
        supervisor: supervisor(kept, report, now),
        items: services.iter().map(|((_, name), units)| row(kept, name, units, now)).collect(),
    }
}

/// The public door first, then the services, then what is behind them.
fn order(unit: &UnitReport) -> u8 {
    match unit.kind {
        Kind::Service if unit.service == "gateway" => 0,
        Kind::Service => 1,
        Kind::Database => 2,
        Kind::Cache | Kind::Job => 3,
    }
}

fn supervisor(kept: &Kept, report: &StateReport, now: i64) -> Supervisor {
    let own = Window::of(kept.history.seconds(now - SPARKLINE_MS, now), &[OWN]).figures(Some(now));
    Supervisor {
        report: report.supervisor.clone(),
        cpu_percent: own.cpu_percent,
        memory_bytes: own.memory_bytes,
        pass_ms: kept.pass_ms,
    }
}

fn row(kept: &Kept, name: &str, units: &[&UnitReport], now: i64) -> Row {
    let names: Vec<&str> = units.iter().map(|unit| unit.name.as_str()).collect();
    let cell = Window::of(kept.history.seconds(now - CELL_MS, now), &names);
    let rows: Vec<UnitRow> = units.iter().map(|unit| unit_row(kept, unit, now)).collect();
    let worst = units.iter().max_by_key(|unit| severity(unit.state));
    let stale = rows.iter().any(|unit| unit.stale);
    let lives = units.iter().any(|unit| is_running(unit.state));
    let told = |at: i64| now - at <= DUTY_MS;
    Row {
        name: name.to_owned(),
        kind: units[0].kind,
        state: worst.map_or(Word::Stopped, |unit| unit.state),
        uptime_ms: units.iter().filter_map(|unit| unit.uptime_ms).min(),
        restarts: units.iter().map(|unit| unit.restarts).sum(),
        last_failure: units.iter().find_map(|unit| unit.last_failure.clone()),
        age_ms: rows.iter().filter(|unit| is_running(unit.state)).map(|unit| unit.age_ms).max().flatten(),
        stale,
        units: rows,
        figures: if lives { cell.figures(Some(now)) } else { Figures::default() },
        sparkline: sparkline(kept, &names, now),
        database: cell.database(now),
        cache: cell.cache(now),
        events: events(kept, &names, now),
        jobs: kept.jobs.clone().filter(|(at, _)| name == "batch" && told(*at)).map(|(_, jobs)| jobs),
        sagas: kept.sagas.filter(|(at, _)| name == "store" && told(*at)).map(|(_, sagas)| sagas),
    }
}

fn unit_row(kept: &Kept, unit: &UnitReport, now: i64) -> UnitRow {
    let window = Window::of(kept.history.seconds(now - CELL_MS, now), &[&unit.name]);
    let heard = kept.heard.get(unit.name.as_str());
    let age = heard.map(|at| now - at);
    let figures = if is_running(unit.state) { window.figures(Some(now)) } else { Figures::default() };
    let is_young = unit.uptime_ms.is_some_and(|up| up <= FRESH_MS.unsigned_abs());
    let is_old = match age {
        // A unit that has just begun has not been asked yet.
        Some(age) => age > FRESH_MS && !is_young,
        // It has nothing to tell, as far as is known: what the kernel says of it is all there is.
        None => figures.memory_bytes.is_none() && !is_young,
    };
    UnitRow {
        name: unit.name.clone(),
        state: unit.state,
        pid: unit.pid,
        port: unit.port,
        uptime_ms: unit.uptime_ms,
        restarts: unit.restarts,
        age_ms: age.and_then(|age| u64::try_from(age).ok()),
        stale: is_running(unit.state) && is_old,
        figures,
    }
}

/// It should answer.
pub(super) fn is_running(state: Word) -> bool {
    match state {
        Word::Running | Word::Ready | Word::Unhealthy => true,
        Word::Pending
        | Word::Starting
        | Word::Stopping
        | Word::Stopped
        | Word::Backoff
        | Word::CrashLoop
        | Word::Completed
        | Word::Failed => false,
    }
}

/// Which of several replicas' states is told.
fn severity(state: Word) -> u8 {
    match state {
        Word::Ready | Word::Completed => 0,
        Word::Stopped => 1,
        Word::Pending | Word::Starting | Word::Running | Word::Stopping => 2,
        Word::Unhealthy => 3,
        Word::Backoff => 4,
        Word::CrashLoop | Word::Failed => 5,
    }
}

fn sparkline(kept: &Kept, names: &[&str], now: i64) -> Sparkline {
    let points = points(kept, names, now, SPARKLINE_MS, SPARKLINE_STEP_MS);
    Sparkline {
        step_ms: SPARKLINE_STEP_MS,
        p95_ms: points.iter().map(|point| point.p95_ms).collect(),
        per_second: points.iter().map(|point| point.per_second).collect(),
    }
}

fn points(kept: &Kept, names: &[&str], now: i64, span: i64, step: i64) -> Vec<Figures> {
    let point = |from| Window::of(kept.history.seconds(from, from + step), names).figures(None);
    (0..span / step).map(|index| point(now - span + index * step)).collect()
}

/// Of all replicas that were heard just now. A consumer works in one of them, and all know how far it is: who knows the
/// most recent state has the smallest lag.
fn events(kept: &Kept, names: &[&str], now: i64) -> Option<EventsRow> {
    let fresh = names.iter().filter(|name| kept.heard.get(**name).is_some_and(|at| now - at <= FRESH_MS));
    let levels: Vec<&Levels> = fresh.filter_map(|name| kept.levels.get(*name)).collect();
    let outbox = levels.iter().filter_map(|levels| levels.outbox).max_by_key(|outbox| outbox.age_ms);
    let mut consumers = levels.first().map(|levels| levels.consumers.clone()).unwrap_or_default();
    for other in levels.iter().skip(1).flat_map(|levels| &levels.consumers) {
        match consumers.iter_mut().find(|known| known.name == other.name && known.source == other.source) {
            Some(known) if known.lag.is_none() || other.lag.is_some_and(|lag| Some(lag) < known.lag) => {
                known.clone_from(other);
            }
            Some(_) => {}
            None => consumers.push(other.clone()),
        }
    }
    (outbox.is_some() || !consumers.is_empty()).then_some(EventsRow { outbox, consumers })
}

/// One service over a longer time: 60 points of 5 or 15 s, or 96 of a quarter of an hour.
pub(super) fn chart(kept: &Kept, report: &StateReport, name: &str, span: Span, now: i64) -> Option<Chart> {
    let units = report.items.iter().filter(|unit| unit.kind != Kind::Job);
    let names: Vec<&str> = units.filter(|unit| unit.is_named(name)).map(|unit| unit.name.as_str()).collect();
    if names.is_empty() {
        return None;
    }
    let (step_ms, points) = match span {
        Span::FiveMinutes => (5000, points(kept, &names, now, CHART_MS, 5000)),
        Span::QuarterHour => (15_000, points(kept, &names, now, 3 * CHART_MS, 15_000)),
        Span::Day => {
            let step = 3 * CHART_MS;
            let point =
                |back| Window::of(kept.history.minutes(now - (back + 1) * step, now - back * step), &names);
            (step, (0..96).rev().map(|back| point(back).figures(None)).collect())
        }
    };
    let at = Timestamp::from_millisecond(now).unwrap_or_default();
    Some(Chart { schema: CHART.to_owned(), name: name.to_owned(), at, step_ms, points })
}
