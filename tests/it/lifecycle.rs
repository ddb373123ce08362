//! Small stacks of scripts through their whole life.

use std::fs;

use serde_json::Value;
use testkit::free_port;

use crate::fixture::{Fixture, eventually, exists, finish};

/// Two units, one after the other, that run until they are told to end.
fn pair() -> Fixture {
    let (first, second) = (free_port(), free_port());
    Fixture::new(&format!(
        r#"
name: pair
services:
  first:
    binary: /bin/sh
    args: ["-c", "echo first is here; exec sleep 1000"]
    port: {first}
    probe: none
  second:
    binary: /bin/sh
    args: ["-c", "echo second is here; exec sleep 1000"]
    port: {second}
    probe: none
    depends_on: {{ first: healthy }}
"#
    ))
}

#[test]
fn up_brings_everything_up_and_down_ends_it() {
    let fixture = pair();
    fixture.doran(&["up", "-d", "--wait"]).exits(0).says("first").says("ready");
    let ps = fixture.ps();
    assert_eq!(ps["schema"], "doran.ps/1");
    for item in ps["items"].as_array().unwrap() {
        assert_eq!(item["state"], "ready", "{item}");
        for key in ["name", "kind", "state", "pid", "port", "restarts", "uptimeMs"] {
            assert!(item.get(key).is_some(), "{key} is missing in {item}");
        }
    }
    let pid = fixture.pid("first");
    let command = fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap();
    assert!(command.contains("sleep"), "the pid is the unit's own, not its shim's: {command}");
    fixture.doran(&["down"]).exits(0);
    fixture.assert_nothing_left();
    fixture.doran(&["down"]).exits(0).says("nothing was running");
}

#[test]
fn a_second_up_attaches_and_succeeds() {
    let fixture = pair();
    fixture.doran(&["up", "-d", "--wait"]).exits(0);
    let before = (fixture.pid("first"), fixture.supervisor());
    fixture.doran(&["up", "-d", "--wait"]).exits(0);
    assert_eq!((fixture.pid("first"), fixture.supervisor()), before, "nothing was started again");
}

#[test]
fn a_subset_comes_up_with_what_it_needs() {
    let fixture = pair();
    fixture.doran(&["up", "-d", "--wait", "first"]).exits(0);
    assert_eq!(fixture.unit("second")["state"], "stopped");
    fixture.doran(&["start", "second"]).exits(0);
    assert_eq!(fixture.unit("second")["state"], "ready");
    fixture.doran(&["stop", "first"]).exits(0);
    assert_eq!(fixture.unit("second")["state"], "stopped", "what needs it stops with it");
    fixture.doran(&["wait", "--for", "stopped"]).exits(0);
}

#[test]
fn a_restart_gives_a_new_process_and_leaves_the_others_alone() {
    let fixture = pair();
    fixture.doran(&["up", "-d", "--wait"]).exits(0);
    let before = (fixture.pid("first"), fixture.pid("second"));
    fixture.doran(&["restart", "first"]).exits(0);
    let after = (fixture.pid("first"), fixture.pid("second"));
    assert_ne!(after.0, before.0);
    assert_eq!(after.1, before.1);
    assert!(!exists(before.0));
    assert_eq!(fixture.unit("first")["restarts"], 0, "a restart that was asked for is no crash");
}

#[test]
fn a_killed_unit_comes_back_and_is_counted() {
    let fixture = pair();
    fixture.doran(&["up", "-d", "--wait"]).exits(0);
    let before = fixture.pid("first");
    crate::fixture::signal(before, rustix::process::Signal::KILL);
    let after = eventually("first is ready again", || {
        let unit = fixture.unit("first");
        (unit["state"] == "ready" && unit["restarts"] == 1).then_some(unit)
    });
    assert_ne!(after["pid"], before);
    assert_eq!(after["lastFailure"], serde_json::json!({ "exited": { "signal": 9 } }));
}

#[test]
fn logs_show_what_units_said() {
    let fixture = pair();
    fixture.doran(&["up", "-d", "--wait"]).exits(0);
    fixture.doran(&["logs"]).exits(0).says("first is here").says("second is here");
    let said = fixture.doran(&["logs", "second", "--json"]).exits(0);
    let line: Value = serde_json::from_str(said.stdout.lines().next().expect("a line")).unwrap();
    assert_eq!((line["unit"].as_str(), line["message"].as_str()), (Some("second"), Some("second is here")));
    fixture.doran(&["down"]).exits(0);
    fixture.doran(&["logs", "first"]).exits(0).says("first is here");
}

#[test]
fn the_plan_is_shown_and_nothing_is_started() {
    let fixture = pair();
    let said = fixture.doran(&["up", "--plan"]).exits(0);
    let (first, second) = (said.stdout.find("first").unwrap(), said.stdout.find("second").unwrap());
    assert!(first < second, "{}", said.stdout);
    fixture.assert_nothing_left();
}

#[test]
fn two_instances_do_not_meet() {
    let fixture = pair();
    fixture.doran(&["up", "-d", "--wait"]).exits(0);
    fixture.doran(&["ps", "--instance", "other"]).exits(6).says("other");
    fixture.doran(&["up", "-d", "--wait", "--instance", "other"]).exits(0);
    fixture.doran(&["down", "--instance", "other"]).exits(0);
    assert_eq!(fixture.unit("first")["state"], "ready");
}

#[test]
fn verbs_find_the_ports_that_an_instance_runs_on() {
    let fixture = pair();
    let offset = |said: crate::fixture::Said| {
        serde_json::from_str::<Value>(&said.stdout).expect("JSON")["portOffset"].clone()
    };
    fixture.doran(&["up", "-d", "--wait", "--port-offset", "7"]).exits(0);
    assert_eq!(offset(fixture.doran(&["config", "--json"]).exits(0)), 7);
    fixture.doran(&["down"]).exits(0);
    assert_eq!(offset(fixture.doran(&["config", "--json"]).exits(0)), 0);
}

#[test]
fn down_of_a_stack_whose_units_are_all_stopped_succeeds() {
    let fixture = pair();
    fixture.doran(&["up", "-d", "--wait"]).exits(0);
    fixture.doran(&["stop", "first", "second"]).exits(0);
    fixture.doran(&["down"]).exits(0).says("everything is down");
    fixture.assert_nothing_left();
}

#[test]
fn two_ups_at_the_same_time_start_one_stack() {
    let fixture = pair();
    let ups = [fixture.spawn(&["up", "-d", "--wait"]), fixture.spawn(&["up", "-d", "--wait"])];
    for up in ups {
        finish(up).exits(0);
    }
    assert_eq!(fixture.unit("first")["run"], 1, "it was started once");
    fixture.doran(&["down"]).exits(0);
    fixture.assert_nothing_left();
}

#[test]
fn an_unknown_name_is_a_usage_error_of_every_verb() {
    let fixture = pair();
    fixture.doran(&["up", "-d", "--wait"]).exits(0);
    let verbs: [&[&str]; 7] =
        [&["up", "-d"], &["start"], &["stop"], &["restart"], &["wait"], &["ps"], &["health"]];
    for verb in verbs {
        let args: Vec<&str> = verb.iter().copied().chain(["frist"]).collect();
        fixture.doran(&args).exits(2).says("no unit `frist`").says("`first`");
    }
}

#[test]
fn health_asks_as_the_stack_file_says() {
    let fixture = pair();
    fixture.doran(&["up", "-d", "--wait"]).exits(0);
    fixture.doran(&["health"]).exits(0).says("up");
    fixture.doran(&["stop", "second"]).exits(0);
    fixture.doran(&["health", "second"]).exits(1).says("stopped");
}

#[test]
fn a_restart_brings_up_what_the_unit_needs() {
    let fixture = pair();
    fixture.doran(&["up", "-d", "--wait"]).exits(0);
    fixture.doran(&["stop", "first"]).exits(0);
    fixture.doran(&["restart", "second"]).exits(0);
    assert_eq!(fixture.unit("first")["state"], "ready");
}

#[test]
fn a_start_that_somebody_takes_back_does_not_wait_for_its_deadline() {
    let fixture = Fixture::new(&format!(
        "name: slow\nservices:\n  slow:\n    binary: /bin/sleep\n    args: [\"1000\"]\n    port: {}\n    probe: tcp\n",
        free_port()
    ));
    fixture.doran(&["up", "-d"]).exits(0);
    let restart = fixture.spawn(&["restart", "slow", "--timeout", "1h"]);
    eventually("it runs again", || (fixture.unit("slow")["run"] == 2).then_some(()));
    fixture.doran(&["stop", "slow"]).exits(0);
    finish(restart).exits(4).says("stopped by somebody else");
}

#[test]
fn other_ports_for_a_stack_that_runs_are_refused() {
    let fixture = pair();
    fixture.doran(&["up", "-d", "--wait"]).exits(0);
    let port = fixture.unit("first")["port"].clone();
    fixture
        .doran(&["up", "-d", "--wait", "--port-offset", "7"])
        .exits(1)
        .says("--port-offset")
        .says("doran down");
    assert_eq!(fixture.unit("first")["port"], port);
}

#[test]
fn progress_as_json_is_one_object_a_line() {
    let fixture = pair();
    let said = fixture.doran(&["up", "-d", "--wait", "--progress", "json"]).exits(0);
    let lines: Vec<Value> =
        said.stderr.lines().map(|line| serde_json::from_str(line).expect("every line is JSON")).collect();
    let ready = |line: &Value| line["unit"] == "second" && line["state"] == "ready";
    assert!(lines.iter().any(ready), "{}", said.stderr);
    let said = fixture.doran(&["ps", "nope", "--progress", "json"]).exits(2);
    let first: Value = serde_json::from_str(said.stderr.lines().next().expect("a line")).expect("JSON");
    assert_eq!(first["schema"], "doran.progress/1");
    assert!(first["error"].as_str().expect("an error").contains("nope"), "{first}");
}

#[test]
fn a_path_that_is_not_utf_8_is_refused_with_what_to_do() {
    use std::os::unix::ffi::OsStrExt as _;
    let fixture = pair();
    let odd = fixture.path().join(std::ffi::OsStr::from_bytes(b"odd\xff"));
    fs::create_dir(&odd).unwrap();
    fs::copy(fixture.path().join("dorandoran.yaml"), odd.join("dorandoran.yaml")).unwrap();
    let mut command = fixture.command(&["up", "-d"]);
    command.current_dir(&odd);
    finish(command.spawn().unwrap()).exits(3).says("not UTF-8").says("rename");
}
