//! What is shown of what is kept, for every state of a stack.

use std::sync::Arc;

use serde_json::json;

use super::board::Kept;
use super::cells::Cells;
use super::history::Moment;
use super::sample::{Process, Sample, Service};
use super::scrape::{Consumer, Levels};
use super::summary::{self, OWN};
use super::view::{Row, Top};
use crate::supervisor::report::StateReport;

const NOW: i64 = 1_800_000_000_000;

/// `(unit, service, state, uptime)` of services.
fn report(units: &[(&str, &str, &str, u64)]) -> StateReport {
    let items: Vec<_> = units
        .iter()
        .map(|(name, service, state, uptime)| {
            json!({
                "name": name, "service": service, "kind": "service", "state": state, "pid": 7, "port": 80,
                "restarts": 1, "uptimeMs": uptime, "startedMs": 0, "readyMs": 1, "run": 1, "wanted": true,
                "dependsOn": [], "waitsFor": [], "lastFailure": null,
            })
        })
        .collect();
    let supervisor = json!({ "pid": 1, "protocol": 1, "uptimeMs": 5, "shuttingDown": false });
    serde_json::from_value(json!({ "schema": "doran.ps/1", "items": items, "supervisor": supervisor }))
        .unwrap()
}

fn sample(requests: u64, millis: u64) -> Sample {
    let mut histogram = hdrhistogram::Histogram::<u64>::new_with_bounds(1, 60_000_000, 2).unwrap();
    histogram.record_n(millis * 1000, requests).unwrap();
    let mut bytes = Vec::new();
    let mut serializer = hdrhistogram::serialization::V2Serializer::new();
    hdrhistogram::serialization::Serializer::serialize(&mut serializer, &histogram, &mut bytes).unwrap();
    let latency = Cells::decode(&bytes).unwrap().pack();
    let service = Service { over_ms: 1000, requests: [requests, 0, 0, 0], latency, ..Service::default() };
    let process = Process { over_ms: 1000, cpu_ms: 20, memory: 1000, ..Process::default() };
    Sample { process: Some(process), service: Some(Box::new(service)), ..Sample::default() }
}

/// These units' samples for every one of the last `seconds` until `ago` seconds before now.
fn kept(seconds: i64, ago: i64, units: &[(&str, Sample)]) -> Kept {
    let mut kept = Kept::default();
    for second in (ago..ago + seconds).rev() {
        let at = NOW - second * 1000;
        let units = units.iter().map(|(name, sample)| (Arc::from(*name), sample.clone())).collect::<Vec<_>>();
        kept.heard.extend(units.iter().map(|(name, _)| (Arc::clone(name), at)));
        kept.history.push(Moment { at, units });
    }
    kept
}

fn only(top: &Top) -> &Row {
    assert_eq!(top.items.len(), 1);
    &top.items[0]
}

#[test]
fn replicas_are_one_row_whose_percentiles_come_from_one_histogram() {
    let kept = kept(20, 0, &[("chat-1", sample(30, 10)), ("chat-2", sample(10, 100))]);
    let report = report(&[("chat-1", "chat", "ready", 60_000), ("chat-2", "chat", "unhealthy", 90_000)]);
    let top = summary::top(&kept, &report, "default", NOW);
    let row = only(&top);
    assert_eq!((row.state.as_str(), row.uptime_ms, row.restarts), ("unhealthy", Some(60_000), 2));
    assert_eq!((row.figures.per_second, row.figures.timed_requests), (Some(40.0), Some(400)));
    let about = |value: Option<f64>, exact: f64| (value.unwrap() - exact).abs() / exact < 0.01;
    // Neither 10 nor the mean of 10 and 100: a quarter of all requests took 100 ms.
    assert!(about(row.figures.p50_ms, 10.0) && about(row.figures.p95_ms, 100.0), "{row:?}");
    assert!(about(row.units[0].figures.p95_ms, 10.0), "{:?}", row.units[0]);
    assert_eq!(row.figures.memory_bytes, Some(2000));
    assert_eq!(row.sparkline.per_second.last(), Some(&Some(40.0)));
    assert_eq!(row.sparkline.per_second.first(), Some(&None), "nothing is known of a minute ago");
}

#[test]
fn a_unit_that_stopped_answering_is_stale_and_shows_its_age() {
    let report = report(&[("chat", "chat", "ready", 60_000)]);
    for (ago, stale) in [(1, false), (3, false), (4, true), (12, true)] {
        let top = summary::top(&kept(20, ago, &[("chat", sample(30, 10))]), &report, "default", NOW);
        let row = only(&top);
        assert_eq!((row.stale, row.age_ms), (stale, Some(ago.unsigned_abs() * 1000)), "{ago} s");
        assert_eq!(row.figures.memory_bytes.is_none(), stale, "{ago} s: levels are of now or unknown");
        assert_eq!(row.figures.per_second.is_none(), ago > 9, "{ago} s: rates are of the window");
        assert_eq!(top.age_ms, row.age_ms);
    }
}

#[test]
fn a_unit_that_does_not_run_has_no_figures_although_it_had_a_second_ago() {
    let kept = kept(20, 1, &[("chat", sample(30, 10))]);
    for state in ["stopped", "backoff", "crash-loop", "starting", "stopping"] {
        let top = summary::top(&kept, &report(&[("chat", "chat", state, 100)]), "default", NOW);
        let row = only(&top);
        assert_eq!((row.figures, row.stale), (super::view::Figures::default(), false), "{state}");
    }
}

#[test]
fn who_has_just_begun_is_not_stale() {
    let mut kept = kept(20, 12, &[("chat", sample(30, 10))]);
    let young = report(&[("chat", "chat", "ready", 900)]);
    assert!(!only(&summary::top(&kept, &young, "default", NOW)).stale);
    kept.heard.clear();
    assert!(!only(&summary::top(&kept, &young, "default", NOW)).stale);
    let old = report(&[("chat", "chat", "ready", 9000)]);
    assert!(only(&summary::top(&kept, &old, "default", NOW)).stale, "nothing is known of it at all");
}

#[test]
fn the_supervisor_is_no_row_and_tells_what_it_takes() {
    let own = Process { over_ms: 1000, cpu_ms: 4, memory: 5000, ..Process::default() };
    let kept = kept(60, 0, &[(OWN, Sample { process: Some(own), ..Sample::default() })]);
    let top = summary::top(&kept, &report(&[]), "default", NOW);
    assert!(top.items.is_empty());
    assert_eq!((top.supervisor.cpu_percent, top.supervisor.memory_bytes), (Some(0.4), Some(5000)));
}

#[test]
fn of_two_replicas_views_of_a_consumer_the_newer_one_counts() {
    let mut kept = kept(2, 0, &[("chat-1", sample(1, 1)), ("chat-2", sample(1, 1))]);
    let levels = |lag| {
        let consumer = Consumer { name: "members".into(), source: "user".into(), lag, ..Consumer::default() };
        Levels { consumers: vec![consumer], ..Levels::default() }
    };
    kept.levels.extend([("chat-1".into(), levels(Some(9))), ("chat-2".into(), levels(Some(2)))]);
    let report = report(&[("chat-1", "chat", "ready", 60_000), ("chat-2", "chat", "ready", 60_000)]);
    let top = summary::top(&kept, &report, "default", NOW);
    let consumers = &only(&top).events.as_ref().unwrap().consumers;
    assert_eq!((consumers.len(), consumers[0].lag), (1, Some(2)));
}

#[test]
fn charts_have_a_point_for_every_step_also_where_nothing_is_known() {
    let kept = kept(100, 0, &[("chat", sample(30, 10))]);
    let report = report(&[("chat", "chat", "ready", 60_000)]);
    let chart = |name, span| summary::chart(&kept, &report, name, span, NOW);
    let five = chart("chat", super::board::Span::FiveMinutes).unwrap();
    assert_eq!((five.step_ms, five.points.len()), (5000, 60));
    assert_eq!((five.points[59].per_second, five.points[0].per_second), (Some(30.0), None));
    let day = chart("chat", super::board::Span::Day).unwrap();
    assert_eq!((day.points.len(), day.points[95].per_second), (96, Some(30.0)));
    assert!(chart("nobody", super::board::Span::Day).is_none());
}
