//! One unit: what each event does to it.

use std::time::Duration;

use super::machine::{GRACE, Machine, START};
use crate::shim::protocol::{Outcome, StopSignal, Target};
use crate::stack::RestartPolicy;
use crate::supervisor::state::{Cause, Desired, Effect, Epoch, Event, Report, RunId, UnitId, Verdict, Word};

fn ready(policy: RestartPolicy) -> Machine {
    let mut machine = Machine::service(policy);
    machine.want_all(Desired::Up);
    machine.become_ready(0);
    machine
}

fn signals(effects: &[Effect]) -> Vec<(StopSignal, Target)> {
    let signal = |effect: &Effect| match effect {
        Effect::Signal(signal, target) => Some((*signal, *target)),
        _ => None,
    };
    effects.iter().filter_map(signal).collect()
}

#[test]
fn a_wanted_unit_starts_is_probed_and_gets_ready() {
    let mut machine = Machine::service(RestartPolicy::Always);
    let effects = machine.event(0, Event::Want(Desired::Up));
    assert!(effects.contains(&Effect::Spawn(RunId(1))), "{effects:?}");
    assert_eq!(machine.word(0), Word::Starting);
    let effects = machine.report(0, Report::Spawned(7));
    assert!(effects.contains(&Effect::StartProbe(RunId(1))), "{effects:?}");
    assert_eq!((machine.word(0), machine.stack.unit(UnitId(0)).pid), (Word::Running, Some(7)));
    machine.report(0, Report::Probed(Verdict::Silent));
    machine.report(0, Report::Probed(Verdict::Alive));
    assert_eq!(machine.word(0), Word::Running, "not ready yet");
    machine.report(0, Report::Probed(Verdict::Ready));
    assert_eq!(machine.word(0), Word::Ready);
}

#[test]
fn a_unit_that_never_gets_ready_is_stopped_and_retried() {
    let mut machine = Machine::service(RestartPolicy::Always);
    machine.want_all(Desired::Up);
    machine.report(0, Report::Spawned(7));
    assert_eq!(signals(&machine.fire(0)), [(StopSignal::Term, Target::Group)]);
    machine.end(0, Outcome::Signal(15));
    assert_eq!(machine.stack.unit(UnitId(0)).last_failure, Some(Cause::NotReady(START)));
    assert_eq!(machine.word(0), Word::Starting, "the first retry is immediate");
}

#[test]
fn a_stop_goes_from_term_to_kill_and_ends_only_when_nothing_lives() {
    let mut machine = ready(RestartPolicy::Always);
    let effects = machine.event(0, Event::Want(Desired::Down));
    assert_eq!(signals(&effects), [(StopSignal::Term, Target::Group)]);
    assert!(effects.contains(&Effect::StopProbe));
    assert_eq!(signals(&machine.fire(0)), [(StopSignal::Kill, Target::Descendants)]);
    assert_eq!(signals(&machine.fire(0)), [(StopSignal::Kill, Target::Descendants)], "again, every grace");
    machine.report(0, Report::Exited(Outcome::Signal(9)));
    assert_eq!(machine.word(0), Word::Stopping, "a grandchild may live on");
    machine.report(0, Report::Gone);
    assert_eq!(machine.word(0), Word::Stopped);
    assert!(machine.timers.iter().all(|(_, after, _)| *after == GRACE || *after == START));
}

#[test]
fn what_a_dead_leader_leaves_behind_is_ended_before_the_next_start() {
    let mut machine = ready(RestartPolicy::Always);
    let effects = machine.report(0, Report::Exited(Outcome::Code(1)));
    assert_eq!(signals(&effects), [(StopSignal::Term, Target::Descendants)]);
    assert_eq!(signals(&machine.fire(0)), [(StopSignal::Kill, Target::Descendants)]);
    assert_eq!(machine.word(0), Word::Stopping);
    machine.report(0, Report::Gone);
    assert_eq!(machine.word(0), Word::Starting);
}

#[test]
fn restarts_are_immediate_then_back_off_then_loop() {
    let mut machine = ready(RestartPolicy::Always);
    let mut pauses = Vec::new();
    for _ in 0..6 {
        machine.end(0, Outcome::Code(1));
        match machine.word(0) {
            Word::Starting => pauses.push((Word::Starting, Duration::ZERO)),
            word => {
                let (_, after, _) = *machine.timers.last().expect("a pause has a timer");
                pauses.push((word, after));
                machine.fire(0);
            }
        }
        machine.report(0, Report::Spawned(7));
    }
    let ms = Duration::from_millis;
    assert_eq!(
        pauses,
        [
            (Word::Starting, ms(0)),
            (Word::Backoff, ms(100)),
            (Word::Backoff, ms(200)),
            (Word::Backoff, ms(400)),
            (Word::CrashLoop, ms(30_000)),
            (Word::CrashLoop, ms(30_000)),
        ]
    );
    assert_eq!(machine.stack.unit(UnitId(0)).restarts, 6);
}

#[test]
fn a_stable_minute_forgives_earlier_failures() {
    let mut machine = ready(RestartPolicy::Always);
    for _ in 0..3 {
        machine.end(0, Outcome::Code(1));
        if machine.word(0) == Word::Backoff {
            machine.fire(0);
        }
        machine.become_ready(0);
    }
    machine.now += Duration::from_secs(61);
    machine.end(0, Outcome::Code(1));
    assert_eq!(machine.word(0), Word::Starting, "immediate again");
}

#[test]
fn the_policy_decides_what_an_end_means() {
    let cases = [
        (RestartPolicy::Always, Outcome::Code(0), Word::Starting),
        (RestartPolicy::Always, Outcome::Code(1), Word::Starting),
        (RestartPolicy::OnFailure, Outcome::Code(0), Word::Completed),
        (RestartPolicy::OnFailure, Outcome::Signal(9), Word::Starting),
        (RestartPolicy::OnFailure, Outcome::Unknown, Word::Starting),
        (RestartPolicy::Never, Outcome::Code(0), Word::Completed),
        (RestartPolicy::Never, Outcome::Code(3), Word::Failed),
    ];
    for (policy, outcome, expected) in cases {
        let mut machine = ready(policy);
        machine.end(0, outcome);
        assert_eq!(machine.word(0), expected, "{policy:?} after {outcome:?}");
    }
}

#[test]
fn a_program_that_cannot_be_started_is_not_tried_again() {
    let mut machine = Machine::service(RestartPolicy::Always);
    machine.want_all(Desired::Up);
    machine.report(0, Report::SpawnFailed("no such file".into()));
    machine.report(0, Report::Gone);
    assert_eq!(machine.word(0), Word::Failed);
    machine.event(0, Event::Want(Desired::Up));
    assert_eq!(machine.word(0), Word::Starting, "unless somebody asks");
}

#[test]
fn a_program_that_ran_and_is_missing_for_a_moment_is_tried_again() {
    let mut machine = ready(RestartPolicy::Always);
    machine.end(0, Outcome::Signal(9));
    assert_eq!(machine.word(0), Word::Starting);
    machine.report(0, Report::SpawnFailed("being rebuilt".into()));
    machine.report(0, Report::Gone);
    assert_eq!(machine.word(0), Word::Backoff);
}

#[test]
fn a_unit_that_answers_without_being_ready_is_left_alone() {
    let mut machine = ready(RestartPolicy::Always);
    for _ in 0..50 {
        machine.report(0, Report::Probed(Verdict::Alive));
    }
    assert_eq!(machine.word(0), Word::Unhealthy);
    machine.report(0, Report::Probed(Verdict::Ready));
    assert_eq!(machine.word(0), Word::Ready);
}

#[test]
fn a_unit_that_answers_nothing_any_more_is_started_anew() {
    let mut machine = ready(RestartPolicy::Always);
    for _ in 0..4 {
        machine.report(0, Report::Probed(Verdict::Silent));
        assert_eq!(machine.word(0), Word::Unhealthy);
    }
    machine.report(0, Report::Probed(Verdict::Silent));
    assert_eq!(machine.word(0), Word::Stopping);
    machine.end(0, Outcome::Signal(15));
    assert_eq!(machine.word(0), Word::Starting);
    assert_eq!(machine.stack.unit(UnitId(0)).last_failure, Some(Cause::Unresponsive));
}

#[test]
fn one_answer_between_silences_starts_the_count_again() {
    let mut machine = ready(RestartPolicy::Always);
    for _ in 0..3 {
        for _ in 0..4 {
            machine.report(0, Report::Probed(Verdict::Silent));
        }
        machine.report(0, Report::Probed(Verdict::Alive));
    }
    assert_eq!(machine.word(0), Word::Unhealthy);
}

#[test]
fn a_late_word_of_a_former_run_changes_nothing() {
    let mut machine = ready(RestartPolicy::Always);
    machine.end(0, Outcome::Code(1));
    machine.become_ready(0);
    let before = machine.words();
    for report in [Report::Exited(Outcome::Code(1)), Report::Gone, Report::SpawnFailed(String::new())] {
        assert_eq!(machine.event(0, Event::Report(RunId(1), report)), []);
    }
    assert_eq!(machine.words(), before);
}

#[test]
fn a_timer_of_an_earlier_epoch_changes_nothing() {
    let mut machine = ready(RestartPolicy::Always);
    assert_eq!(machine.event(0, Event::Timeout(Epoch(1))), []);
    assert_eq!(machine.word(0), Word::Ready);
}

#[test]
fn a_restart_starts_again_and_forgives() {
    let mut machine = ready(RestartPolicy::Always);
    machine.end(0, Outcome::Code(1));
    machine.become_ready(0);
    assert_eq!(signals(&machine.event(0, Event::Restart)), [(StopSignal::Term, Target::Group)]);
    machine.end(0, Outcome::Code(0));
    let unit = machine.stack.unit(UnitId(0));
    assert_eq!((machine.word(0), unit.failures, unit.restarts), (Word::Starting, 0, 1));
}

#[test]
fn whoever_speaks_last_wins_while_a_unit_stops() {
    let mut machine = ready(RestartPolicy::Always);
    machine.event(0, Event::Want(Desired::Down));
    machine.event(0, Event::Want(Desired::Up));
    machine.end(0, Outcome::Code(0));
    assert_eq!(machine.word(0), Word::Starting);
    machine.become_ready(0);
    machine.event(0, Event::Restart);
    machine.event(0, Event::Want(Desired::Down));
    machine.end(0, Outcome::Code(0));
    assert_eq!(machine.word(0), Word::Stopped);
}

#[test]
fn a_crash_loop_ends_when_somebody_stops_it() {
    let mut machine = ready(RestartPolicy::Always);
    while machine.word(0) != Word::CrashLoop {
        machine.end(0, Outcome::Code(1));
        if machine.word(0) == Word::Backoff {
            machine.fire(0);
        }
    }
    machine.event(0, Event::Want(Desired::Down));
    assert_eq!(machine.word(0), Word::Stopped);
    assert_eq!(machine.fire(0), [], "its timer is of an earlier epoch");
}

#[test]
fn an_adopted_unit_is_probed_and_not_started() {
    let mut machine = Machine::service(RestartPolicy::Always);
    let effects = machine.event(0, Event::Adopted { run: RunId(9), pid: 77, started: machine.now });
    assert!(effects.contains(&Effect::StartProbe(RunId(9))) && !effects.contains(&Effect::Spawn(RunId(9))));
    machine.report(0, Report::Probed(Verdict::Ready));
    machine.end(0, Outcome::Code(1));
    assert!(machine.log.contains(&(UnitId(0), Effect::Spawn(RunId(10)))), "the count goes on");
}
