//! What `doran top` says of real processes.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use rustix::process::Signal;
use serde_json::Value;

use crate::fixture::{Fixture, eventually, finish, signal};

fn top(fixture: &Fixture) -> Value {
    let said = fixture.doran(&["top", "--json"]).exits(0);
    serde_json::from_str(&said.stdout).expect("top --json is JSON")
}

fn row<'a>(top: &'a Value, name: &str) -> &'a Value {
    let rows = top["items"].as_array().expect("items");
    rows.iter().find(|row| row["name"] == name).unwrap_or_else(|| panic!("no {name} in {top}"))
}

/// One request through the gateway, as somebody else each time: limits are not what is tested.
fn ask(fixture: &Fixture, caller: u32) {
    let mut stream = TcpStream::connect(("127.0.0.1", 8080 + fixture.offset())).expect("reach the gateway");
    let request = format!(
        "GET /api/users/health HTTP/1.1\r\nhost: localhost\r\nx-forwarded-for: 10.1.{}.{}\r\nconnection: close\r\n\r\n",
        caller / 250,
        caller % 250
    );
    stream.write_all(request.as_bytes()).expect("ask");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[test]
fn load_is_seen_and_outlives_the_supervisor_and_a_restart() {
    let fixture = Fixture::system();
    fixture.doran(&["top"]).exits(6);
    fixture.doran(&["up", "-d", "--wait", "gateway", "user", "redis"]).exits(0);
    (0..60).for_each(|caller| ask(&fixture, caller));
    let figures = ["p50Ms", "p95Ms", "p99Ms", "perSecond", "memoryBytes", "receivedPerSecond"];
    let seen = eventually("the requests are in the figures of both", || {
        let top = top(&fixture);
        let told = |service: &str| {
            let row = row(&top, service);
            figures.iter().all(|figure| row[*figure].as_f64().is_some_and(|value| value > 0.0))
        };
        let all =
            told("gateway") && told("user") && row(&top, "gateway")["timedRequests"].as_u64() >= Some(60);
        all.then_some(top)
    });
    assert_eq!(seen["schema"], "doran.top/1");
    for service in ["gateway", "user"] {
        let row = row(&seen, service);
        assert_eq!(row["percent5xx"], 0.0, "{row}");
    }
    assert!(row(&seen, "auth")["perSecond"].is_null(), "what does not run has no figures");
    eventually("the database and Redis tell their figures", || {
        let top = top(&fixture);
        let (database, redis) = (&row(&top, "user_db")["database"], &row(&top, "redis")["cache"]);
        let known = database["connections"].as_u64() > Some(0) && redis["usedBytes"].as_u64() > Some(0);
        (known && row(&top, "user_db")["receivedPerSecond"].as_f64() > Some(0.0)).then_some(())
    });
    let table = fixture.doran(&["top", "gateway", "user_db"]).exits(0).stdout;
    assert!(table.contains("P99") && table.contains("conn ") && !table.contains("redis"), "{table}");
    fixture.doran(&["top", "usr"]).exits(2).says("gateway");

    // A process that counts from 0 again is no rate.
    let process = fixture.pid("user");
    signal(process, Signal::KILL);
    eventually("its successor tells figures", || {
        let top = top(&fixture);
        let row = row(&top, "user");
        for figure in ["perSecond", "receivedPerSecond", "sentPerSecond", "cpuPercent"] {
            let value = row[figure].as_f64();
            assert!(value.is_none_or(|value| (0.0..1e6).contains(&value)), "{figure} of {row}");
        }
        (row["units"][0]["pid"] != process && row["restarts"] == 1 && row["perSecond"].is_f64()).then_some(())
    });

    // Killed with its figures: the next one has them from the disk.
    let former = fixture.supervisor();
    signal(former, Signal::KILL);
    let after = eventually("another supervisor tells figures", || {
        let top = top(&fixture);
        (top["supervisor"]["pid"] != former && top["ageMs"].is_u64()).then_some(top)
    });
    let points = row(&after, "gateway")["sparkline"]["perSecond"].as_array().unwrap();
    assert!(points.iter().any(|point| point.as_f64() > Some(1.0)), "{points:?}");
}

#[test]
fn a_stream_goes_on_until_the_stack_ends() {
    let fixture = Fixture::new(
        "name: one\nservices:\n  sleeper:\n    binary: /bin/sleep\n    args: [\"1000\"]\n    port: 1\n    probe: none\n",
    );
    fixture.doran(&["up", "-d", "--wait"]).exits(0);
    let watching = fixture.spawn(&["top", "--json", "--watch"]);
    eventually("the kernel's figures are there", || {
        let top = top(&fixture);
        let row = row(&top, "sleeper");
        assert!(row["perSecond"].is_null() && row["p50Ms"].is_null(), "{row}");
        row["memoryBytes"].is_u64().then_some(())
    });
    fixture.doran(&["down"]).exits(0);
    let said = finish(watching).exits(6);
    let lines: Vec<Value> = said.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(lines.len() > 1 && lines.iter().all(|line| line["schema"] == "doran.top/1"), "{}", said.stdout);
}
