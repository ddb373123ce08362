//! The table in all its states.

use jiff::Timestamp;
use serde_json::json;

use super::line::table;
use crate::telemetry::view::{Row, Top};

const NOW: &str = "2026-11-23T03:00:00Z";

fn row(name: &str, kind: &str, state: &str, more: &serde_json::Value) -> Row {
    let mut row = json!({
        "name": name, "kind": kind, "state": state, "uptimeMs": 872_000, "restarts": 0, "lastFailure": null,
        "units": [], "ageMs": 400, "stale": false, "sparkline": {"stepMs": 3000, "p95Ms": [], "perSecond": []},
    });
    let object = row.as_object_mut().unwrap();
    object.extend(more.as_object().unwrap().clone());
    serde_json::from_value(row).unwrap()
}

fn top(items: Vec<Row>) -> Top {
    let mut top: Top = serde_json::from_value(json!({
        "schema": "doran.top/1", "instance": "default", "at": NOW, "ageMs": 400,
        "windows": {"cellSeconds": 10, "sparklineSeconds": 60, "chartSeconds": 300, "fewestRequests": 20},
        "supervisor": {"pid": 4, "protocol": 1, "uptimeMs": 872_000, "shuttingDown": false,
            "cpuPercent": 0.4, "memoryBytes": 19_000_000, "passMs": 12},
        "items": [],
    }))
    .unwrap();
    top.items = items;
    top
}

fn busy(per_second: f64, errors: f64) -> serde_json::Value {
    json!({
        "cpuPercent": 12.4, "memoryBytes": 39_845_888, "perSecond": per_second, "p50Ms": 4.2, "p95Ms": 22.1,
        "p99Ms": 410.0, "percent4xx": 1.1, "percent5xx": errors, "receivedPerSecond": 120_400.0,
        "sentPerSecond": 4_194_304.0,
    })
}

#[test]
fn a_stack_under_load() {
    let mut chat = busy(49.0, 9.8);
    chat["events"] = json!({"outbox": {"unnumbered": 4, "ageMs": 5200}, "consumers": [
        {"name": "members", "source": "user", "lag": 12, "lagMs": 8000, "deadLetters": 2},
    ]});
    chat["units"] = json!([
        {"name": "chat-1", "state": "ready", "pid": 7, "port": 8083, "uptimeMs": 1, "restarts": 0, "ageMs": 9,
            "stale": false},
        {"name": "chat-2", "state": "ready", "pid": 8, "port": 18080, "uptimeMs": 1, "restarts": 0, "ageMs": 9,
            "stale": false},
    ]);
    let database = json!({"cpuPercent": 5.8, "memoryBytes": 74_448_896, "perSecond": 310.0,
        "database": {"connections": 14, "maxConnections": 100, "waiting": 1, "sizeBytes": 12_582_912,
            "replicationLagMs": null}});
    let cache = json!({"cpuPercent": 0.6, "memoryBytes": 9_437_184, "perSecond": 540.0,
        "cache": {"hitPercent": 97.04, "usedBytes": 2_097_152, "clients": 9}});
    let jobs = json!({"cpuPercent": 0.0, "memoryBytes": 19_922_944, "perSecond": 0.1, "jobs": {
        "running": [{"job": "message-archiving", "written": 250, "total": 1000}],
        "next": {"job": "token-cleanup", "at": "2026-11-23T03:10:00Z"},
        "last": {"job": "daily-report", "status": "COMPLETED", "at": "2026-11-23T02:00:00Z"},
    }});
    let rows = vec![
        row("gateway", "service", "ready", &busy(206.0, 0.0)),
        row("chat", "service", "ready", &chat),
        row("batch", "service", "ready", &jobs),
        row("chat_db", "database", "ready", &database),
        row("redis", "cache", "ready", &cache),
    ];
    insta::assert_snapshot!(table(&top(rows)).join("\n"));
}

#[test]
fn what_is_not_known_is_a_dash() {
    let mut store = busy(3.0, 0.0);
    store["sagas"] = json!({"running": 3, "stuck": 1, "atLeast": false});
    for name in ["p50Ms", "p95Ms", "p99Ms"] {
        store[name] = json!(null);
    }
    let failed =
        json!({"uptimeMs": null, "restarts": 6, "lastFailure": {"exited": {"signal": 9}}, "ageMs": null});
    let stale = json!({"stale": true, "ageMs": 12_400});
    let rows = vec![
        row("auth", "service", "crash-loop", &failed),
        row("store", "service", "ready", &store),
        row("user", "service", "unhealthy", &stale),
        row("user_db", "database", "starting", &json!({"uptimeMs": 200, "ageMs": null})),
    ];
    let mut top = top(rows);
    (top.supervisor.cpu_percent, top.age_ms) = (None, Some(12_400));
    assert_eq!(top.at, NOW.parse::<Timestamp>().unwrap());
    insta::assert_snapshot!(table(&top).join("\n"));
}
