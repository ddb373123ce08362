//! `doran logs` on what real shims wrote, with no supervisor running.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::sync::mpsc;

use serde_json::Value;

use crate::fixture::{Fixture, LIMIT, eventually, finish};
use crate::shim::harness::Place;

const STACK: &str = r"
name: quiet
services:
  auth: { binary: /bin/true, port: 47001, probe: none }
  gateway: { binary: /bin/true, port: 47002, probe: none }
";

fn logs(fixture: &Fixture) -> PathBuf {
    fixture.state().join("logs")
}

/// Lets a unit run the script to its end.
fn run(fixture: &Fixture, unit: &str, run: u64, script: &str) {
    let place = Place::new();
    let mut spec = place.spec(script);
    spec["unit"] = unit.into();
    spec["run"] = run.into();
    spec["logs"] = logs(fixture).to_str().expect("a path").into();
    let mut shim = place.run_spec(&spec);
    for _ in ["hello", "spawned", "exited"] {
        shim.client.next();
    }
    shim.ends();
}

fn lines(fixture: &Fixture, args: &[&str]) -> Vec<String> {
    let said = fixture.doran(&[&["logs"], args].concat()).exits(0);
    said.stdout.lines().map(str::to_owned).collect()
}

/// Two units, the second with two runs.
fn spoken() -> Fixture {
    let fixture = Fixture::new(STACK);
    run(&fixture, "auth", 1, r#"echo '{"level":"WARN","message":"slow","fields":{"ms":7}}'; echo one"#);
    run(&fixture, "gateway", 1, "echo '2026 [1] ERROR:  no' >&2; echo two");
    run(&fixture, "gateway", 2, "printf 'three\\nunfinished'");
    fixture
}

#[test]
fn lines_of_all_units_and_runs_come_in_order_with_names() {
    let shown = lines(&spoken(), &[]);
    assert!(shown[0].starts_with("auth    | ") && shown[0].ends_with(" WARN  slow ms=7"), "{shown:?}");
    let mut rest = shown[1..].to_vec();
    // Two streams of one moment have no order.
    rest[1..3].sort();
    assert_eq!(
        rest,
        [
            "auth    | one",
            "gateway | 2026 [1] ERROR:  no",
            "gateway | two",
            "gateway | three",
            "gateway | unfinished",
        ]
    );
}

#[test]
fn flags_choose_lines() {
    let fixture = spoken();
    assert_eq!(lines(&fixture, &["-n", "1", "--no-prefix"]), ["one", "unfinished"]);
    assert_eq!(lines(&fixture, &["gateway", "--grep", "^t", "-n", "1", "--no-prefix"]), ["three"]);
    assert_eq!(lines(&fixture, &["--grep", "ms=7"]).len(), 1, "the shown form matches");
    let grave = lines(&fixture, &["--level", "warn"]);
    assert!(grave.len() == 2 && grave[1].ends_with("ERROR:  no"), "{grave:?}");
    assert_eq!(lines(&fixture, &["--since", "1h"]).len(), 6);
    assert_eq!(lines(&fixture, &["--since", "2100-01-01T00:00:00Z"]), [""; 0]);
}

#[test]
fn timestamps_are_in_front() {
    let fixture = spoken();
    let shown = lines(&fixture, &["auth", "-t", "--grep", "one"]);
    let (time, rest) = shown[0].split_once(' ').unwrap();
    assert!(time.starts_with("20") && time.ends_with('Z') && time.len() == "2026-11-22T12:00:01.123Z".len());
    assert_eq!(rest, "auth | one", "padded to the widest of those shown");
}

#[test]
fn json_has_one_object_a_line_with_the_raw_text() {
    let fixture = spoken();
    let objects: Vec<Value> =
        lines(&fixture, &["--json"]).iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(objects.len(), 6);
    let first = &objects[0];
    assert_eq!(
        (&first["schema"], &first["unit"], &first["run"]),
        (&"doran.log/1".into(), &"auth".into(), &1.into())
    );
    assert_eq!((&first["level"], &first["message"]), (&"warn".into(), &"slow".into()));
    assert_eq!(first["raw"], r#"{"level":"WARN","message":"slow","fields":{"ms":7}}"#);
    let error = objects.iter().find(|object| object["level"] == "error").expect("PostgreSQL's line");
    assert_eq!(error["stream"], "stderr");
}

#[test]
fn colours_are_for_terminals_or_on_demand() {
    let fixture = spoken();
    assert!(!lines(&fixture, &[]).concat().contains('\u{1b}'));
    assert!(lines(&fixture, &["--color", "always"]).concat().contains('\u{1b}'));
}

#[test]
fn a_wrong_name_or_flag_is_a_usage_error_that_helps() {
    let fixture = spoken();
    fixture.doran(&["logs", "gatway"]).exits(2).says("did you mean `gateway`?");
    fixture.doran(&["logs", "--grep", "("]).exits(2).says("--grep");
    fixture.doran(&["logs", "--level", "loud"]).exits(2).says("trace, debug, info, warn or error");
    fixture.doran(&["logs", "--since", "yesterday"]).exits(2).says("an age like 10m");
}

#[test]
fn a_stack_that_never_ran_has_no_logs_and_that_is_no_error() {
    let fixture = Fixture::new(STACK);
    assert_eq!(lines(&fixture, &[]), [""; 0]);
    assert_eq!(lines(&fixture, &["auth"]), [""; 0]);
}

#[test]
fn a_follower_hears_new_runs_and_new_units() {
    let fixture = Fixture::new(STACK);
    run(&fixture, "auth", 1, "echo before");
    let mut child = fixture.spawn(&["logs", "-f", "--no-prefix"]);
    let stdout = BufReader::new(child.stdout.take().expect("piped"));
    let (heard, hear) = mpsc::channel();
    let reading = std::thread::spawn(move || {
        for line in stdout.lines().map_while(Result::ok) {
            heard.send(line).unwrap();
        }
    });
    let next = || hear.recv_timeout(LIMIT).expect("another line in time");
    assert_eq!(next(), "before");
    run(&fixture, "auth", 2, "echo the next run");
    assert_eq!(next(), "the next run");
    run(&fixture, "gateway", 1, "echo another unit");
    assert_eq!(next(), "another unit");
    child.kill().unwrap();
    child.wait().unwrap();
    reading.join().unwrap();
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let fixture = Fixture::new(STACK);
    run(&fixture, "auth", 1, "yes | head -c 5000000");
    let mut child = fixture.spawn(&["logs"]);
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line).unwrap();
    assert_eq!(line, "auth | y\n");
    let status = eventually("doran ends", || child.try_wait().unwrap());
    assert_eq!(status.code(), Some(0));
}

#[test]
fn a_gap_is_shown_where_it_is() {
    let fixture = Fixture::new(STACK);
    fs::create_dir_all(logs(&fixture)).unwrap();
    symlink("/dev/full", logs(&fixture).join("auth.1.log")).unwrap();
    run(&fixture, "auth", 1, "echo lost");
    assert_eq!(lines(&fixture, &[]), ["auth | … 5 bytes lost: No space left on device …"]);
}

#[test]
fn a_hundred_thousand_lines_are_read_at_once() {
    let fixture = Fixture::new(STACK);
    let line = r#"{"timestamp":"2026-11-22T12:00:00Z","level":"INFO","target":"auth","message":"m","fields":{"n":1}}"#;
    run(&fixture, "auth", 1, &format!("yes '{line}' | head -n 100000"));
    let begun = std::time::Instant::now();
    let said = finish(fixture.spawn(&["logs", "--level", "info"])).exits(0);
    println!("100,000 lines shown in {:?}", begun.elapsed());
    assert_eq!(said.stdout.lines().count(), 100_000);
}
