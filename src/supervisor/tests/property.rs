//! Random histories: whatever happens in whatever order, the promises hold.

use proptest::prelude::*;

use super::machine::Machine;
use crate::shim::protocol::Outcome;
use crate::supervisor::state::{Desired, Effect, Event, Phase, Report, UnitId, Verdict};

#[derive(Debug, Clone)]
enum Act {
    Want(Desired),
    Restart,
    Report(Report),
    LateReport(Report),
    Fire,
}

fn report() -> impl Strategy<Value = Report> {
    prop_oneof![
        Just(Report::Spawned(5)),
        Just(Report::SpawnFailed("no".into())),
        Just(Report::Probed(Verdict::Ready)),
        Just(Report::Probed(Verdict::Alive)),
        Just(Report::Probed(Verdict::Silent)),
        Just(Report::Exited(Outcome::Code(0))),
        Just(Report::Exited(Outcome::Code(1))),
        Just(Report::Gone),
    ]
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        1 => Just(Act::Want(Desired::Up)),
        1 => Just(Act::Want(Desired::Down)),
        1 => Just(Act::Restart),
        6 => report().prop_map(Act::Report),
        1 => report().prop_map(Act::LateReport),
        2 => Just(Act::Fire),
    ]
}

fn play(machine: &mut Machine, unit: usize, act: Act) {
    match act {
        Act::Want(desired) => drop(machine.event(unit, Event::Want(desired))),
        Act::Restart => drop(machine.event(unit, Event::Restart)),
        // Only what lives can report.
        Act::Report(report) if machine.live.contains_key(&UnitId(unit)) => drop(machine.report(unit, report)),
        Act::LateReport(report) => {
            let run = machine.stack.unit(UnitId(unit)).run;
            if run.0 > 1 {
                let late = crate::supervisor::state::RunId(run.0 - 1);
                assert_eq!(machine.event(unit, Event::Report(late, report)), [], "a former run has no say");
            }
        }
        Act::Fire if machine.timers.iter().any(|(id, ..)| id.0 == unit) => drop(machine.fire(unit)),
        Act::Report(_) | Act::Fire => {}
    }
}

/// What must hold after every event. That no unit is started while its former run lives is checked by the
/// machine itself, at every spawn.
fn check(machine: &Machine, already_logged: usize) {
    for (id, effect) in &machine.log[already_logged..] {
        if let Effect::Spawn(_) = effect {
            for (on, condition) in machine.stack.graph.dependencies(*id) {
                let phase = &machine.stack.unit(*on).phase;
                assert!(phase.satisfies(*condition), "{id:?} started while {on:?} was {phase:?}");
            }
        }
    }
    for id in machine.stack.ids() {
        let unit = machine.stack.unit(id);
        assert_eq!(unit.phase.is_live(), machine.live.contains_key(&id), "{} is {:?}", unit.name, unit.phase);
        assert!(unit.pid.is_none() || unit.phase.is_live(), "a unit at rest has no pid");
    }
}

proptest! {
    #[test]
    fn promises_hold_over_any_history(acts in prop::collection::vec((0..4_usize, act()), 1..120)) {
        let mut machine = Machine::chain();
        for (unit, act) in acts {
            let logged = machine.log.len();
            play(&mut machine, unit, act);
            check(&machine, logged);
        }
    }

    #[test]
    fn down_ends_everything_once_exits_arrive(acts in prop::collection::vec((0..4_usize, act()), 1..80)) {
        let mut machine = Machine::chain();
        for (unit, act) in acts {
            play(&mut machine, unit, act);
        }
        machine.want_all(Desired::Down);
        // Each round ends at least one wave of the graph.
        for _ in 0..4 {
            for unit in 0..4 {
                if matches!(machine.stack.unit(UnitId(unit)).phase, Phase::Stopping { .. }) {
                    machine.end(unit, Outcome::Signal(15));
                }
            }
        }
        prop_assert!(machine.live.is_empty(), "alive: {:?}", machine.words());
    }
}
