//! Signals: whom they reach, and that nothing survives.

use serde_json::json;

use super::harness::{Place, Shim};
use crate::fixture::{eventually, exists};

/// The number that the unit printed after the word.
fn printed(output: &str, word: &str) -> i32 {
    let line = output.lines().find_map(|line| line.strip_prefix(word)).expect("the unit said so");
    line.trim().parse().expect("a pid")
}

/// A command has been carried out when the shim answers what came after it.
fn wait_for_commands(shim: &Shim<'_>) {
    // Clients are served in order of connection, so this one's greeting comes after the command.
    shim.connect().spawned();
}

#[test]
fn term_to_the_group_ends_a_unit_that_listens() {
    let place = Place::new();
    let mut shim = place.run("trap 'echo stopping; exit 0' TERM; echo up; while :; do sleep 0.01; done");
    shim.spawned();
    shim.wait_for_output("up");
    shim.client.signal("term", "group");
    assert_eq!(shim.client.next(), json!({ "exited": { "code": 0 } }));
    shim.ends();
}

#[test]
fn a_unit_that_somebody_has_stopped_hears_term_all_the_same() {
    let place = Place::new();
    let mut shim = place.run("trap 'exit 0' TERM; echo up; while :; do sleep 0.01; done");
    let pid = shim.spawned();
    shim.wait_for_output("up");
    crate::fixture::signal(pid, rustix::process::Signal::STOP);
    shim.client.signal("term", "group");
    assert_eq!(shim.client.next(), json!({ "exited": { "code": 0 } }));
    shim.ends();
}

#[test]
fn a_unit_that_ignores_term_lives_until_it_is_killed() {
    let place = Place::new();
    let mut shim = place.run("trap '' TERM; echo up; while :; do sleep 1000; done");
    let pid = shim.spawned();
    shim.wait_for_output("up");
    shim.client.signal("term", "group");
    wait_for_commands(&shim);
    assert!(exists(pid));
    shim.client.signal("kill", "descendants");
    assert_eq!(shim.client.next(), json!({ "exited": { "signal": 9 } }));
    shim.ends();
}

#[test]
fn a_grandchild_with_a_session_of_its_own_is_found_and_killed() {
    let place = Place::new();
    let mut shim =
        place.run("setsid sh -c 'trap \"\" TERM; echo grandchild $$; while :; do sleep 1000; done' & wait");
    let leader = shim.spawned();
    let output = shim.wait_for_output("grandchild");
    let grandchild = printed(&output, "grandchild");
    shim.client.signal("kill", "group");
    assert_eq!(shim.client.next(), json!({ "exited": { "signal": 9 } }));
    assert!(exists(grandchild) && !exists(leader), "it has left the group");
    shim.client.signal("term", "descendants");
    wait_for_commands(&shim);
    assert!(exists(grandchild), "it ignores that");
    shim.client.signal("kill", "descendants");
    shim.ends();
    assert!(!exists(grandchild));
}

#[test]
fn the_group_is_reached_after_its_leader_has_gone() {
    let place = Place::new();
    let mut shim = place.run("sleep 1000 & echo child $!; exit 4");
    shim.spawned();
    assert_eq!(shim.client.next(), json!({ "exited": { "code": 4 } }));
    let child = printed(&shim.wait_for_output("child"), "child");
    assert!(exists(child));
    shim.client.signal("int", "leader");
    shim.client.signal("kill", "group");
    shim.ends();
    assert!(!exists(child));
}

#[test]
fn the_leader_alone_is_signalled_when_asked() {
    let place = Place::new();
    let script = "trap 'echo child got it' INT; echo child; while :; do sleep 0.01; done";
    let mut shim = place
        .run(&format!("trap 'echo leader got it' INT; ({script}) & echo up; while :; do sleep 0.01; done"));
    shim.spawned();
    shim.wait_for_output("up");
    shim.wait_for_output("child");
    shim.client.signal("int", "leader");
    let output = shim.wait_for_output("leader got it");
    assert!(!output.contains("child got it"), "{output}");
}

#[test]
fn a_unit_that_keeps_forking_is_killed_to_the_last() {
    let place = Place::new();
    let fork = "fork() { setsid sh -c 'sleep 0.05' & }; while :; do fork; done";
    let mut shim = place.run(&format!("echo up; {fork}"));
    shim.spawned();
    shim.wait_for_output("up");
    shim.client.signal("kill", "descendants");
    assert_eq!(shim.client.next(), json!({ "exited": { "signal": 9 } }));
    shim.ends();
}

#[test]
fn orphans_are_adopted_and_reaped() {
    let place = Place::new();
    // The middle process ends at once, so its child becomes the shim's.
    let mut shim = place.run("sh -c 'sleep 0.01 & echo orphan $!'; exec sleep 1000");
    shim.spawned();
    let orphan = printed(&shim.wait_for_output("orphan"), "orphan");
    eventually("the orphan is reaped", || {
        (!std::path::Path::new(&format!("/proc/{orphan}")).exists()).then_some(())
    });
    shim.client.signal("term", "leader");
    assert_eq!(
        shim.client.next(),
        json!({ "exited": { "signal": 15 } }),
        "only the leader's end is reported"
    );
    shim.ends();
}
