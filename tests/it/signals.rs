//! Ctrl-C, TERM and a closed terminal in every phase of a foreground `up`.

use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::process::Child;

use rustix::process::Signal;
use testkit::free_port;

use crate::fixture::{Fixture, eventually, finish, signal};

fn stack(script: &str, more: &str) -> Fixture {
    Fixture::new(&format!(
        "name: signals\nservices:\n  unit:\n    binary: /bin/sh\n    args: [\"-c\", {script:?}]\n    port: {}\n{more}",
        free_port()
    ))
}

fn pid(child: &Child) -> i32 {
    i32::try_from(child.id()).expect("a pid")
}

/// Waits until the foreground `up` follows the logs.
fn following(fixture: &Fixture) -> Child {
    let mut child = fixture.spawn(&["up"]);
    let mut stdout = BufReader::new(child.stdout.take().expect("standard output"));
    let mut line = String::new();
    while !line.contains("hello from the unit") {
        line.clear();
        assert_ne!(stdout.read_line(&mut line).expect("read"), 0, "up ended early");
    }
    // From here on nobody reads it: a full pipe must not stop the end.
    child.stdout = Some(stdout.into_inner());
    child
}

#[test]
fn ctrl_c_while_following_stops_everything() {
    for (sent, code) in [(Signal::INT, 130), (Signal::TERM, 143), (Signal::HUP, 143)] {
        let fixture = stack("while :; do echo hello from the unit; sleep 0.1; done", "    probe: none\n");
        let child = following(&fixture);
        signal(pid(&child), sent);
        finish(child).exits(code);
        fixture.assert_nothing_left();
    }
}

#[test]
fn ctrl_c_while_waiting_stops_everything() {
    let fixture = stack("exec sleep 1000", "");
    let child = fixture.spawn(&["up"]);
    eventually("the unit runs", || (!fixture.alive().is_empty()).then_some(()));
    signal(pid(&child), Signal::INT);
    finish(child).exits(130);
    fixture.assert_nothing_left();
}

#[test]
fn a_second_ctrl_c_kills_at_once() {
    let fixture = stack(
        "trap '' TERM; while :; do echo hello from the unit; sleep 0.1; done",
        "    probe: none\n    stop_timeout: 1h\n",
    );
    let child = following(&fixture);
    let pid = pid(&child);
    signal(pid, Signal::INT);
    eventually("it is stopping", || (fixture.unit("unit")["state"] == "stopping").then_some(()));
    signal(pid, Signal::INT);
    finish(child).exits(130);
    fixture.assert_nothing_left();
}

#[test]
fn ctrl_c_of_an_attached_up_leaves_everything_running() {
    let fixture = stack("while :; do echo hello from the unit; sleep 0.1; done", "    probe: none\n");
    fixture.doran(&["up", "-d", "--wait"]).exits(0);
    let child = following(&fixture);
    signal(pid(&child), Signal::INT);
    finish(child).exits(130);
    assert_eq!(fixture.unit("unit")["state"], "ready");
}

#[test]
fn a_client_that_is_killed_changes_nothing() {
    let fixture = stack("while :; do echo hello from the unit; sleep 0.1; done", "    probe: none\n");
    let mut child = following(&fixture);
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(fixture.unit("unit")["state"], "ready");
}

#[test]
fn an_up_whose_output_nobody_takes_stops_what_it_started() {
    let fixture = stack("while :; do echo hello from the unit; sleep 0.1; done", "    probe: none\n");
    let mut child = following(&fixture);
    // As a terminal that is closed: its lines are refused before its signal comes.
    drop(child.stdout.take());
    eventually("up ends", || child.try_wait().unwrap());
    fixture.assert_nothing_left();
}

#[test]
fn an_up_ends_when_somebody_else_stops_everything() {
    let fixture = stack("while :; do echo hello from the unit; sleep 0.1; done", "    probe: none\n");
    let child = following(&fixture);
    fixture.doran(&["down"]).exits(0);
    finish(child).exits(0).says("stopped by somebody else");
    fixture.assert_nothing_left();
}

#[test]
fn an_up_whose_supervisor_is_killed_finds_another_and_still_stops_everything() {
    let fixture = stack("while :; do echo hello from the unit; sleep 0.1; done", "    probe: none\n");
    let child = following(&fixture);
    let (supervisor, unit) = (fixture.supervisor(), fixture.pid("unit"));
    signal(supervisor, Signal::KILL);
    eventually("another one took over", || (fixture.supervisor() != supervisor).then_some(()));
    assert_eq!(fixture.pid("unit"), unit);
    signal(pid(&child), Signal::INT);
    finish(child).exits(130);
    fixture.assert_nothing_left();
}

#[test]
fn ctrl_c_during_the_build_starts_nothing() {
    let fixture = stack("exec sleep 1000", "    probe: none\n");
    // What makes a directory a checkout of the project, and a cargo that takes its time.
    let services = fixture.path().join("services/chassis");
    std::fs::create_dir_all(&services).unwrap();
    std::fs::write(services.join("Cargo.toml"), "").unwrap();
    let cargo = fixture.path().join("cargo");
    std::fs::write(&cargo, "#!/bin/sh\necho building >&2\nexec sleep 1000\n").unwrap();
    std::fs::set_permissions(&cargo, std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = fixture.command(&["up", "--build"]);
    command
        .env("CARGO", &cargo)
        .env("DORAN_UNIT_MARK", format!("{}/#cargo#0", fixture.path().canonicalize().unwrap().display()));
    let child = command.spawn().unwrap();
    eventually("cargo runs", || (fixture.alive().len() == 2).then_some(()));
    signal(pid(&child), Signal::INT);
    finish(child).exits(130);
    assert!(fixture.alive().is_empty(), "cargo was stopped, too");
    fixture.assert_nothing_left();
}
