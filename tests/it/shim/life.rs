//! How units begin and end, and who hears of it.

use std::fs;
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};

use rustix::fs::{CWD, Mode, mkfifoat};
use serde_json::json;

use super::harness::{Client, Place, kill};
use crate::fixture::eventually;

#[test]
fn an_exit_code_is_reported_and_recorded_and_everything_ends() {
    let place = Place::new();
    let mut shim = place.run("echo bye; exit 3");
    let pid = shim.spawned();
    assert!(pid > 1);
    assert_eq!(shim.client.next(), json!({ "exited": { "code": 3 } }));
    assert_eq!(
        fs::read_to_string(place.log(1)).unwrap(),
        "bye\n",
        "the last words are there before the report"
    );
    let record = place.exit_record();
    assert_eq!((&record["unit"], &record["run"]), (&json!("fake"), &json!(1)));
    assert_eq!(record["outcome"], json!({ "code": 3 }));
    assert!(shim.ends().success(), "the shim did its work, however the unit ended");
}

#[test]
fn a_unit_whose_supervisor_was_killed_during_its_start_is_kept() {
    let place = Place::new();
    let file = place.path().join("fake.spec.json");
    fs::write(&file, place.spec("exec sleep 1000").to_string()).unwrap();
    let (listener, nobody_listens) = std::io::pipe().unwrap();
    drop(listener);
    let mut shim = Command::new(env!("CARGO_BIN_EXE_doran"))
        .arg("shim")
        .arg(&file)
        .stdin(Stdio::null())
        .stdout(nobody_listens)
        .spawn()
        .unwrap();
    eventually("it listens", || place.socket().exists().then_some(()));
    let mut client = Client::connect(&place.socket());
    client.spawned();
    client.signal("kill", "descendants");
    assert_eq!(client.next(), json!({ "exited": { "signal": 9 } }));
    assert_eq!(client.next(), "empty");
    assert!(shim.wait().unwrap().success());
}

#[test]
fn a_killing_signal_is_told_from_an_exit_code() {
    let place = Place::new();
    let mut shim = place.run("kill -SEGV $$");
    shim.spawned();
    assert_eq!(shim.client.next(), json!({ "exited": { "signal": 11 } }));
    shim.ends();
    assert_eq!(place.exit_record()["outcome"], json!({ "signal": 11 }));
}

#[test]
fn a_missing_program_is_a_report_with_its_cause() {
    let place = Place::new();
    let mut spec = place.spec("");
    spec["launch"]["program"] = json!("/nowhere/at-all");
    let mut shim = place.run_spec(&spec);
    shim.client.next();
    let message = "cannot start /nowhere/at-all: No such file or directory (os error 2)";
    assert_eq!(shim.client.next(), json!({ "spawnFailed": { "message": message } }));
    shim.ends();
    let record = place.exit_record();
    assert_eq!(record["outcome"], json!({ "code": 127 }), "as a shell would say");
    assert_eq!(record["spawnError"], message);
}

#[test]
fn a_missing_working_directory_and_a_program_that_is_none_are_told_apart() {
    let place = Place::new();
    let mut spec = place.spec("");
    spec["launch"]["cwd"] = json!("/nowhere");
    let mut shim = place.run_spec(&spec);
    shim.client.next();
    let message = shim.client.next()["spawnFailed"]["message"].to_string();
    assert!(message.contains("its working directory /nowhere does not exist"), "{message}");
    shim.ends();

    spec["launch"]["cwd"] = json!(place.path());
    spec["launch"]["program"] = json!(place.path());
    let mut shim = place.run_spec(&spec);
    shim.client.next();
    let message = shim.client.next()["spawnFailed"]["message"].to_string();
    assert!(message.contains("Permission denied"), "{message}");
    shim.ends();
    assert_eq!(place.exit_record()["outcome"], json!({ "code": 126 }));
}

#[test]
fn whoever_connects_later_hears_the_present_state() {
    let place = Place::new();
    let mut shim = place.run("sleep 1000 & exit 0");
    let pid = shim.spawned();
    assert_eq!(shim.client.next(), json!({ "exited": { "code": 0 } }));
    let mut late = shim.connect();
    assert_eq!(late.spawned(), pid);
    assert_eq!(late.next(), json!({ "exited": { "code": 0 } }));
    late.signal("kill", "descendants");
    assert_eq!(late.next(), json!("empty"));
    shim.ends();
}

#[test]
fn a_client_that_talks_nonsense_is_dropped_and_harms_nobody() {
    let place = Place::new();
    let mut shim = place.run("exec sleep 1000");
    shim.spawned();
    let mut stranger = shim.connect();
    stranger.spawned();
    stranger.say("GET / HTTP/1.1\r\n\r\n");
    assert!(stranger.is_closed());
    let mut endless = shim.connect();
    endless.spawned();
    endless.say(&"x".repeat(5_000));
    assert!(endless.is_closed());
    shim.client.signal("term", "leader");
    assert_eq!(shim.client.next(), json!({ "exited": { "signal": 15 } }));
    shim.ends();
}

#[test]
fn the_unit_gets_its_environment_and_nothing_else() {
    let place = Place::new();
    let mut spec = place.spec("");
    spec["launch"]["program"] = json!("/usr/bin/env");
    spec["launch"]["args"] = json!([]);
    spec["launch"]["env"] = json!({ "GREETING": "안녕", "EMPTY": "" });
    let mut shim = place.run_spec(&spec);
    shim.spawned();
    shim.client.next();
    shim.ends();
    assert_eq!(fs::read_to_string(place.log(1)).unwrap(), "EMPTY=\nGREETING=안녕\n");
}

#[test]
fn standard_input_is_inherited_only_when_the_spec_says_so() {
    for (inherit, expected) in [(true, "a line from outside\n"), (false, "")] {
        let place = Place::new();
        let file = place.path().join("input");
        fs::write(&file, "a line from outside\n").unwrap();
        let mut spec = place.spec("cat");
        spec["inherit_stdin"] = json!(inherit);
        let stdin: OwnedFd = fs::File::open(&file).unwrap().into();
        let (mut child, said) = place.start_with(&spec, stdin.into());
        assert_eq!(said, "ready\n");
        let mut client = Client::connect(&place.socket());
        client.spawned();
        assert_eq!(client.next(), json!({ "exited": { "code": 0 } }));
        assert_eq!(fs::read_to_string(place.log(1)).unwrap_or_default(), expected);
        child.wait().unwrap();
    }
}

#[test]
fn the_unit_loses_its_rights_with_every_supplementary_group() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: only root can become somebody else");
        return;
    }
    let place = Place::new();
    fs::set_permissions(place.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let mut spec = place.spec("id -u; id -G");
    spec["launch"]["user"] = json!({ "uid": 65534, "gid": 65533 });
    let mut shim = place.run_spec(&spec);
    shim.spawned();
    shim.client.next();
    shim.ends();
    assert_eq!(fs::read_to_string(place.log(1)).unwrap(), "65534\n65533\n");
}

#[test]
fn two_shims_of_a_unit_never_live_at_once_but_a_stale_socket_is_replaced() {
    let place = Place::new();
    let spec = place.spec("exec sleep 1000");
    let mut first = place.run_spec(&spec);
    let pid = first.spawned();
    let (mut second, said) = place.start(&spec);
    assert!(said.contains("a shim of this unit still runs"), "{said}");
    assert!(!second.wait().unwrap().success());
    // Killed, the shim leaves its socket and its unit.
    first.child.kill().unwrap();
    first.child.wait().unwrap();
    kill(pid);
    assert!(place.socket().exists());
    let mut third = place.run_spec(&spec);
    assert_ne!(third.spawned(), pid);
}

#[test]
fn a_spec_of_another_protocol_is_refused_in_words() {
    let place = Place::new();
    let mut spec = place.spec("");
    spec["protocol"] = json!(99);
    let (mut child, said) = place.start(&spec);
    assert_eq!(said, "the spec speaks protocol 99, this doran speaks 1\n");
    assert!(!child.wait().unwrap().success());
}

#[test]
fn sockets_and_logs_are_private() {
    let place = Place::new();
    let mut shim = place.run("echo here; exec sleep 1000");
    shim.spawned();
    shim.wait_for_output("here");
    for path in [place.socket(), place.log(1), place.log(1).with_extension("idx")] {
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{}: {mode:o}", path.display());
    }
    assert_eq!(fs::metadata(place.logs()).unwrap().permissions().mode() & 0o077, 0);
}

#[test]
fn a_run_that_its_supervisor_left_ends_by_itself_and_leaves_the_record() {
    let place = Place::new();
    let go = place.path().join("go");
    mkfifoat(CWD, &go, Mode::RUSR | Mode::WUSR).unwrap();
    let (mut child, said) = place.start(&place.spec("read line < go; exit 7"));
    assert_eq!(said, "ready\n");
    Client::connect(&place.socket()).spawned();
    fs::write(go, "go\n").unwrap();
    assert!(eventually("the shim ends", || child.try_wait().unwrap()).success());
    assert!(!place.socket().exists());
    assert_eq!(place.exit_record()["outcome"], json!({ "code": 7 }));
}
