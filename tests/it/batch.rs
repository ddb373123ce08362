//! `doran batch` against the real system: jobs run, end as their exit code says, and survive the death of batch.

use std::process::Child;

use rustix::process::Signal;
use serde_json::Value;

use crate::fixture::{Fixture, Said, eventually, finish, signal};

const JOB: &str = "order-expiry";
/// Leaves a report even when there is nothing to tell.
const BOOKS: &str = "payment-reconciliation";

fn document(fixture: &Fixture, args: &[&str]) -> Value {
    let said = fixture.doran(&[&["batch"], args, &["--json"]].concat()).exits(0);
    serde_json::from_str(&said.stdout).expect("one document")
}

/// The only item of a document.
fn item(fixture: &Fixture, args: &[&str]) -> Value {
    document(fixture, args)["items"][0].clone()
}

fn parse(said: &Said) -> Value {
    let document: Value = serde_json::from_str(&said.stdout).expect("one document");
    assert_eq!(document["schema"], "doran.batch-executions/1");
    document["items"][0].clone()
}

/// An execution that cannot get on, because store is not up, and who waits for it.
fn stuck_run(fixture: &Fixture, more: &[&str]) -> (Child, String) {
    let before = item(fixture, &["history", JOB, "-n", "1"])["id"].clone();
    let waiting = fixture.spawn(&[&["batch", "run", JOB], more].concat());
    let id = eventually("somebody runs it", || {
        let newest = item(fixture, &["history", JOB, "-n", "1"]);
        let runs = newest["id"] != before && newest["status"] == "STARTED" && newest["owner"].is_string();
        runs.then(|| newest["id"].as_str().expect("an id").to_owned())
    });
    (waiting, id)
}

fn interrupt(child: Child) -> Said {
    signal(i32::try_from(child.id()).expect("a pid"), Signal::INT);
    finish(child)
}

#[test]
fn jobs_run_to_their_end_whoever_dies_on_the_way() {
    let fixture = Fixture::system();
    fixture.doran(&["batch", "list"]).exits(6).says("not running");
    fixture.doran(&["up", "-d", "--wait", "store", "batch", "payment-sandbox"]).exits(0);
    jobs_are_listed_and_scheduled(&fixture);
    a_run_ends_with_the_exit_code_of_its_job(&fixture);
    what_makes_no_sense_is_refused(&fixture);
    a_detached_run_is_found_again(&fixture);
    fixture.doran(&["stop", "store"]).exits(0);
    ctrl_c_leaves_an_execution_alone_unless_it_shall_stop(&fixture);
    a_killed_instance_is_survived(&fixture);
    fixture.doran(&["down"]).exits(0);
}

fn jobs_are_listed_and_scheduled(fixture: &Fixture) {
    let jobs = document(fixture, &["list"]);
    assert_eq!(jobs["schema"], "doran.batch-jobs/1");
    let mut names: Vec<&str> =
        jobs["items"].as_array().expect("items").iter().filter_map(|job| job["name"].as_str()).collect();
    names.sort_unstable();
    let expected = [
        "chatroom-cleanup",
        "daily-report",
        "inactive-user",
        "message-archiving",
        JOB,
        "payment-reconciliation",
        "token-cleanup",
    ];
    assert_eq!(names, expected);
    fixture.doran(&["batch", "list"]).exits(0).says("Asia/Seoul").says(JOB);

    // From here on only what a test asks for runs.
    let disabled = item(fixture, &["schedule", JOB, "--disable"]);
    assert_eq!((&disabled["enabled"], &disabled["nextFireTime"]), (&Value::Bool(false), &Value::Null));
    fixture.doran(&["batch", "schedule", JOB, "--cron", "every minute"]).exits(2);
    let changed =
        item(fixture, &["schedule", "daily-report", "--cron", "0 10 * * *", "--misfire", "run-all"]);
    assert_eq!(
        (changed["cron"].as_str(), changed["misfire"].as_str()),
        (Some("0 10 * * *"), Some("RUN_ALL"))
    );
    assert_eq!(changed["zone"], "Asia/Seoul", "what is not said stays");
    fixture.doran(&["batch", "show", "daily-report"]).exits(0).says("0 10 * * *").says("day");
    eventually("what the schedule began is over", || {
        let running = document(fixture, &["status"]);
        running["items"].as_array().is_some_and(Vec::is_empty).then_some(())
    });
}

fn a_run_ends_with_the_exit_code_of_its_job(fixture: &Fixture) {
    let said = fixture.doran(&["batch", "run", JOB, "--wait"]).exits(0).says("COMPLETED");
    assert!(said.stderr.contains("begins as"), "progress is on standard error: {}", said.stderr);
    assert!(said.stdout.starts_with("id "), "the result is on standard output: {}", said.stdout);
    let execution = parse(&fixture.doran(&["batch", "run", JOB, "--dry-run", "--json"]).exits(0));
    assert_eq!((&execution["status"], &execution["dryRun"]), (&"COMPLETED".into(), &Value::Bool(true)));
    assert_eq!(execution["triggeredBy"], "operator");

    let execution =
        parse(&fixture.doran(&["batch", "run", BOOKS, "-p", "day=2026-01-02", "--json"]).exits(0));
    let report = item(fixture, &["reports", BOOKS, "-n", "1"]);
    assert_eq!(report["executionId"], execution["id"]);
    let body = item(fixture, &["report", BOOKS]);
    assert_eq!((&body["job"], &body["parameters"]["day"]), (&BOOKS.into(), &"2026-01-02".into()));
    let csv =
        fixture.doran(&["batch", "report", report["id"].as_str().expect("an id"), "--csv"]).exits(0).stdout;
    let columns: Vec<&str> =
        body["columns"].as_array().expect("names").iter().filter_map(Value::as_str).collect();
    assert_eq!(csv.lines().next().unwrap_or_default(), columns.join(","), "{csv}");
}

fn what_makes_no_sense_is_refused(fixture: &Fixture) {
    fixture.doran(&["batch", "run", "order-expiri"]).exits(2).says("did you mean `order-expiry`?");
    fixture.doran(&["batch", "run", BOOKS, "-p", "dya=2026-01-01"]).exits(2).says("did you mean `day`?");
    let bad = fixture.doran(&["batch", "run", BOOKS, "-p", "day=yesterday"]).exits(2);
    bad.says("E003").says("parameters.day");
    let run = ["batch", "run", BOOKS, "-p", "day=2026-01-01"];
    fixture.doran(&run).exits(0);
    fixture.doran(&run).exits(7).says("B002");
    fixture.doran(&["batch", "status", "ffffffff-ffff"]).exits(2).says("history");
    let newest = item(fixture, &["history", JOB, "-n", "1"])["id"].as_str().expect("an id").to_owned();
    fixture.doran(&["batch", "stop", &newest]).exits(7).says("COMPLETED");
    fixture.doran(&["batch", "restart", &newest]).exits(7).says("COMPLETED");
    fixture.doran(&["batch", "abandon", &newest]).exits(2).says("--yes");
}

fn a_detached_run_is_found_again(fixture: &Fixture) {
    let id = fixture.doran(&["batch", "run", JOB, "-d"]).exits(0).stdout;
    let id = id.trim();
    assert_eq!(id.len(), 36, "{id} is an id and nothing else");
    let execution = eventually("it completes", || {
        let execution = item(fixture, &["status", id]);
        (execution["status"] == "COMPLETED").then_some(execution)
    });
    assert_eq!(item(fixture, &["status", JOB])["id"], execution["id"], "a job means its newest");
    assert_eq!(item(fixture, &["status", &id[..30]])["id"], execution["id"]);
    let logs = fixture.doran(&["batch", "logs", id, "-f", "--json"]).exits(0).stdout;
    let lines: Vec<Value> = logs.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert!(!lines.is_empty() && lines.iter().all(|line| line["schema"] == "doran.batch-log/1"), "{logs}");
    let last = fixture.doran(&["batch", "logs", JOB, "-n", "1"]).exits(0).stdout;
    assert_eq!(last.lines().count(), 1, "{last}");
    let history = document(fixture, &["history", JOB, "--status", "completed", "-n", "2"]);
    assert_eq!(history["items"].as_array().map(Vec::len), Some(2));
    assert_eq!(history["items"][0]["id"], id);
    assert_eq!(document(fixture, &["skipped", id])["items"].as_array().map(Vec::len), Some(0));
    fixture.doran(&["batch", "archives"]).exits(0);
}

fn ctrl_c_leaves_an_execution_alone_unless_it_shall_stop(fixture: &Fixture) {
    let (waiting, id) = stuck_run(fixture, &[]);
    interrupt(waiting).exits(130).says(&format!("doran batch stop {id}"));
    assert_eq!(item(fixture, &["status", &id])["status"], "STARTED");
    let late = fixture.doran(&["batch", "stop", &id, "--wait"]).exits(0).says("is stopped");
    assert!(late.stdout.contains(&id), "{}", late.stdout);

    let (waiting, id) = stuck_run(fixture, &["--stop-on-interrupt"]);
    interrupt(waiting).exits(130).says("STOPPED");
    assert_eq!(item(fixture, &["status", &id])["status"], "STOPPED");
    fixture.doran(&["batch", "restart", &id, "--timeout", "1s"]).exits(5).says("goes on");
    let restarted = item(fixture, &["status", JOB]);
    assert_eq!(restarted["restartOf"], id.as_str());
    fixture.doran(&["batch", "stop", JOB, "--wait"]).exits(0);
    fixture.doran(&["batch", "abandon", JOB, "--yes"]).exits(0).says("given up");
}

/// Killed while it waits for store: the same execution goes on when batch is back, and who waits for it hears of it.
fn a_killed_instance_is_survived(fixture: &Fixture) {
    let (waiting, id) = stuck_run(fixture, &["--json"]);
    let killed = fixture.pid("batch");
    signal(killed, Signal::KILL);
    eventually("somebody has taken it over", || {
        let said = fixture.doran(&["batch", "status", &id, "--json"]);
        // Until batch is back nobody answers.
        (said.code == Some(0) && parse(&said)["takeovers"].as_i64() >= Some(1)).then_some(())
    });
    assert_ne!(fixture.pid("batch"), killed);
    fixture.doran(&["start", "store"]).exits(0);
    let said = finish(waiting).exits(0);
    let execution = parse(&said);
    assert_eq!((&execution["id"], &execution["status"]), (&id.into(), &"COMPLETED".into()));
    assert_eq!(said.stderr.matches("begins as").count(), 1, "{}", said.stderr);
    fixture.doran(&["batch", "logs", JOB]).exits(0).says("taken over");
}
