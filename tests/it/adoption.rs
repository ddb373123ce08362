//! A supervisor that is killed takes nobody with it.

use rustix::process::Signal;
use testkit::free_port;

use crate::fixture::{Fixture, eventually, exists, finish, parent_of, signal};

fn single() -> Fixture {
    Fixture::new(&format!(
        r#"
name: single
services:
  lonely:
    binary: /bin/sh
    args: ["-c", "echo here; exec sleep 1000"]
    port: {}
    probe: none
"#,
        free_port()
    ))
}

/// Takes a while to stop.
fn stubborn() -> Fixture {
    Fixture::new(&format!(
        r#"
name: stubborn
services:
  lonely:
    binary: /bin/sh
    args: ["-c", "trap '' TERM; while :; do sleep 1; done"]
    port: {}
    probe: none
    stop_timeout: 1s
"#,
        free_port()
    ))
}

#[test]
fn units_outlive_a_killed_supervisor_and_are_taken_over() {
    let fixture = single();
    fixture.doran(&["up", "-d", "--wait"]).exits(0);
    let (unit, supervisor) = (fixture.pid("lonely"), fixture.supervisor());
    signal(supervisor, Signal::KILL);
    eventually("the supervisor is gone", || (!exists(supervisor)).then_some(()));
    assert!(exists(unit), "the unit runs on");
    assert_eq!(fixture.pid("lonely"), unit, "any verb takes it over: the same process");
    assert_ne!(fixture.supervisor(), supervisor);
    fixture.doran(&["up", "-d", "--wait"]).exits(0);
    assert_eq!(fixture.pid("lonely"), unit);
    signal(unit, Signal::KILL);
    eventually("it is supervised again", || (fixture.unit("lonely")["restarts"] == 1).then_some(()));
}

#[test]
fn down_ends_what_a_killed_supervisor_left() {
    let fixture = single();
    fixture.doran(&["up", "-d", "--wait"]).exits(0);
    let supervisor = fixture.supervisor();
    signal(supervisor, Signal::KILL);
    eventually("the supervisor is gone", || (!exists(supervisor)).then_some(()));
    fixture.doran(&["down"]).exits(0);
    fixture.assert_nothing_left();
}

#[test]
fn a_killed_shim_takes_its_unit_along_and_the_unit_starts_anew() {
    let fixture = single();
    fixture.doran(&["up", "-d", "--wait"]).exits(0);
    let unit = fixture.pid("lonely");
    let shim = parent_of(unit);
    signal(shim, Signal::KILL);
    eventually("another process runs", || {
        let now = fixture.unit("lonely");
        (now["state"] == "ready" && now["pid"] != unit).then_some(())
    });
    assert!(!exists(unit), "what the dead shim left was killed");
    assert_eq!(fixture.unit("lonely")["lastFailure"], serde_json::json!({ "exited": "unknown" }));
}

/// Ends the supervisor in a way that it cannot notice.
fn kill_supervisor(fixture: &Fixture) {
    let supervisor = fixture.supervisor();
    signal(supervisor, Signal::KILL);
    eventually("the supervisor is gone", || (!exists(supervisor)).then_some(()));
}

#[test]
fn down_ends_a_unit_whose_supervisor_and_shim_were_killed() {
    let fixture = single();
    fixture.doran(&["up", "-d", "--wait"]).exits(0);
    let unit = fixture.pid("lonely");
    kill_supervisor(&fixture);
    signal(parent_of(unit), Signal::KILL);
    fixture.doran(&["down"]).exits(0);
    assert!(!exists(unit), "success means that nothing lives");
    fixture.assert_nothing_left();
}

#[test]
fn down_ends_a_unit_whose_shim_hangs() {
    let fixture = single();
    fixture.doran(&["up", "-d", "--wait"]).exits(0);
    let unit = fixture.pid("lonely");
    kill_supervisor(&fixture);
    signal(parent_of(unit), Signal::STOP);
    fixture.doran(&["down"]).exits(0);
    fixture.assert_nothing_left();
}

#[test]
fn down_succeeds_only_when_nothing_lives_also_if_its_supervisor_is_killed() {
    let fixture = stubborn();
    fixture.doran(&["up", "-d", "--wait"]).exits(0);
    let supervisor = fixture.supervisor();
    let down = fixture.spawn(&["down"]);
    eventually("it stops", || (fixture.unit("lonely")["state"] == "stopping").then_some(()));
    signal(supervisor, Signal::KILL);
    finish(down).exits(0);
    fixture.assert_nothing_left();
}

#[test]
fn an_up_during_a_down_waits_for_its_end() {
    let fixture = stubborn();
    fixture.doran(&["up", "-d", "--wait"]).exits(0);
    let before = fixture.supervisor();
    let down = fixture.spawn(&["down"]);
    eventually("it stops", || (fixture.unit("lonely")["state"] == "stopping").then_some(()));
    fixture.doran(&["restart", "lonely"]).exits(1).says("is being stopped");
    fixture.doran(&["up", "-d", "--wait"]).exits(0).says("waits for the end");
    finish(down).exits(0);
    assert_eq!(fixture.unit("lonely")["state"], "ready");
    assert_ne!(fixture.supervisor(), before);
}

#[test]
fn an_end_that_nobody_supervised_is_told_by_the_next_supervisor() {
    let fixture = single();
    fixture.doran(&["up", "-d", "--wait"]).exits(0);
    let unit = fixture.pid("lonely");
    let keeper = parent_of(unit);
    kill_supervisor(&fixture);
    signal(unit, Signal::TERM);
    eventually("its shim has left, too", || (!exists(keeper)).then_some(()));
    fixture.doran(&["up", "-d", "--wait"]).exits(0);
    assert_eq!(fixture.unit("lonely")["lastFailure"], serde_json::json!({ "exited": { "signal": 15 } }));
    fixture.doran(&["down"]).exits(0);
    fixture.doran(&["up", "-d", "--wait"]).exits(0);
    assert!(fixture.unit("lonely")["lastFailure"].is_null(), "it is told once");
}

#[test]
fn units_of_a_deleted_state_directory_are_stopped() {
    let fixture = single();
    fixture.doran(&["up", "-d", "--wait"]).exits(0);
    std::fs::remove_dir_all(fixture.path().join(".doran")).unwrap();
    eventually("nobody is left whom no command can reach", || fixture.alive().is_empty().then_some(()));
}

#[test]
fn down_after_the_state_directory_was_deleted_leaves_nothing() {
    let fixture = single();
    fixture.doran(&["up", "-d", "--wait"]).exits(0);
    std::fs::remove_dir_all(fixture.path().join(".doran")).unwrap();
    fixture.doran(&["down"]).exits(0);
    fixture.assert_nothing_left();
}

#[test]
fn a_port_that_a_unit_of_ours_still_holds_is_not_taken() {
    let port = free_port();
    let fixture = Fixture::new(&format!(
        "name: single\nservices:\n  lonely:\n    binary: /bin/sh\n    args: [\"-c\", \"exec sleep 1000\"]\n    \
         port: {port}\n    probe: tcp\n    inherit_listener: true\n"
    ));
    fixture.doran(&["up", "-d", "--wait"]).exits(0);
    let unit = fixture.pid("lonely");
    kill_supervisor(&fixture);
    fixture.doran(&["up", "-d", "--wait"]).exits(0);
    assert_eq!(fixture.pid("lonely"), unit);
}
