//! Several units: the order of starts and stops follows from the graph.

use super::machine::Machine;
use crate::shim::protocol::Outcome;
use crate::supervisor::state::{Desired, Event, Report, UnitId, Verdict, Word};

fn up() -> Machine {
    let mut machine = Machine::chain();
    machine.want_all(Desired::Up);
    machine.complete(0);
    machine.become_ready(1);
    machine.complete(2);
    machine.become_ready(3);
    machine
}

#[test]
fn each_unit_starts_as_soon_as_its_conditions_hold() {
    let mut machine = Machine::chain();
    machine.want_all(Desired::Up);
    assert_eq!(machine.words(), [Word::Starting, Word::Pending, Word::Pending, Word::Pending]);
    machine.complete(0);
    assert_eq!(machine.words(), [Word::Completed, Word::Starting, Word::Pending, Word::Pending]);
    machine.report(1, Report::Spawned(5));
    assert_eq!(machine.word(2), Word::Pending, "running is not healthy");
    machine.report(1, Report::Probed(Verdict::Ready));
    assert_eq!(machine.words(), [Word::Completed, Word::Ready, Word::Starting, Word::Pending]);
    machine.complete(2);
    assert_eq!(machine.words(), [Word::Completed, Word::Ready, Word::Completed, Word::Starting]);
}

#[test]
fn a_failed_job_holds_back_what_needs_it() {
    let mut machine = Machine::chain();
    machine.want_all(Desired::Up);
    machine.complete(0);
    machine.become_ready(1);
    machine.report(2, Report::Spawned(5));
    machine.end(2, Outcome::Code(1));
    assert_eq!(machine.words(), [Word::Completed, Word::Ready, Word::Failed, Word::Pending]);
    machine.event(2, Event::Restart);
    machine.complete(2);
    assert_eq!(machine.word(3), Word::Starting, "mended");
}

#[test]
fn dependents_stop_first() {
    let mut machine = up();
    machine.want_all(Desired::Down);
    assert_eq!(machine.words(), [Word::Completed, Word::Ready, Word::Completed, Word::Stopping]);
    machine.end(3, Outcome::Code(0));
    assert_eq!(machine.words(), [Word::Completed, Word::Stopping, Word::Completed, Word::Stopped]);
    machine.end(1, Outcome::Code(0));
    assert_eq!(machine.words(), [Word::Completed, Word::Stopped, Word::Completed, Word::Stopped]);
}

#[test]
fn a_dependency_that_crashes_does_not_take_its_dependents_down() {
    let mut machine = up();
    machine.end(1, Outcome::Signal(9));
    assert_eq!(machine.words(), [Word::Completed, Word::Starting, Word::Completed, Word::Ready]);
}

#[test]
fn a_restart_of_a_dependency_leaves_its_dependents_alone() {
    let mut machine = up();
    machine.event(1, Event::Restart);
    assert_eq!(machine.word(3), Word::Ready);
    machine.end(1, Outcome::Code(0));
    machine.become_ready(1);
    assert_eq!(machine.words(), [Word::Completed, Word::Ready, Word::Completed, Word::Ready]);
    assert_eq!(machine.stack.unit(UnitId(3)).run.0, 1);
}

#[test]
fn down_in_the_middle_of_a_start_ends_with_nothing_alive() {
    let mut machine = Machine::chain();
    machine.want_all(Desired::Up);
    machine.complete(0);
    machine.report(1, Report::Spawned(5));
    machine.want_all(Desired::Down);
    assert_eq!(machine.words(), [Word::Completed, Word::Stopping, Word::Stopped, Word::Stopped]);
    machine.end(1, Outcome::Code(0));
    assert!(machine.live.is_empty());
}
