//! A stack in memory that plays the runtime: it obeys effects and delivers what a real process would report.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::shim::protocol::{Outcome, StopSignal, Target};
use crate::stack::{Condition, Restart, RestartPolicy};
use crate::supervisor::graph::Graph;
use crate::supervisor::state::{
    Desired, Effect, Epoch, Event, Lifetime, Report, Rules, RunId, StackState, UnitId, Verdict, Word,
};
use crate::supervisor::step::step;

pub(super) const GRACE: Duration = Duration::from_secs(10);
pub(super) const START: Duration = Duration::from_secs(30);

pub(super) fn rules(lifetime: Lifetime, policy: RestartPolicy) -> Rules {
    Rules {
        lifetime,
        restart: Restart {
            policy,
            backoff: Duration::from_millis(100),
            max_backoff: Duration::from_secs(30),
            crash_loop_after: 5,
        },
        start_timeout: START,
        stop: vec![(StopSignal::Term, Target::Group), (StopSignal::Kill, Target::Descendants)],
        grace: GRACE,
    }
}

pub(super) struct Machine {
    pub(super) stack: StackState,
    pub(super) now: Instant,
    /// Runs that were started and are not gone.
    pub(super) live: BTreeMap<UnitId, RunId>,
    pub(super) timers: Vec<(UnitId, Duration, Epoch)>,
    pub(super) log: Vec<(UnitId, Effect)>,
}

impl Machine {
    pub(super) fn new(units: Vec<(&str, Rules)>, dependencies: Vec<Vec<(UnitId, Condition)>>) -> Self {
        let units = units.into_iter().map(|(name, rules)| (name.to_owned(), rules)).collect();
        Self {
            stack: StackState::new(units, Graph::new(dependencies), &BTreeMap::new()),
            now: Instant::now(),
            live: BTreeMap::new(),
            timers: Vec::new(),
            log: Vec::new(),
        }
    }

    /// A lonely service.
    pub(super) fn service(policy: RestartPolicy) -> Self {
        Self::new(vec![("chat", rules(Lifetime::Service, policy))], vec![vec![]])
    }

    /// init (job) ← database ← migrate (job) ← service.
    pub(super) fn chain() -> Self {
        let service = rules(Lifetime::Service, RestartPolicy::Always);
        let job = rules(Lifetime::Job, RestartPolicy::Never);
        Self::new(
            vec![("init", job.clone()), ("database", service.clone()), ("migrate", job), ("chat", service)],
            vec![
                vec![],
                vec![(UnitId(0), Condition::Completed)],
                vec![(UnitId(1), Condition::Healthy)],
                vec![(UnitId(2), Condition::Completed), (UnitId(1), Condition::Healthy)],
            ],
        )
    }

    pub(super) fn event(&mut self, unit: usize, event: Event) -> Vec<Effect> {
        let effects = step(&mut self.stack, UnitId(unit), event, self.now);
        for (id, effect) in &effects {
            match effect {
                Effect::Spawn(run) => {
                    let former = self.live.insert(*id, *run);
                    assert_eq!(former, None, "{id:?} was started while its former run lives");
                }
                Effect::Timer { after, epoch, .. } => self.timers.push((*id, *after, *epoch)),
                Effect::Signal(..) | Effect::StartProbe(_) | Effect::StopProbe | Effect::Publish => {}
            }
        }
        self.log.extend(effects.iter().copied());
        effects.into_iter().filter(|(id, _)| id.0 == unit).map(|(_, effect)| effect).collect()
    }

    pub(super) fn want_all(&mut self, desired: Desired) {
        for id in self.stack.ids() {
            self.event(id.0, Event::Want(desired));
        }
    }

    pub(super) fn report(&mut self, unit: usize, report: Report) -> Vec<Effect> {
        let run = self.stack.unit(UnitId(unit)).run;
        if report == Report::Gone {
            self.live.remove(&UnitId(unit));
        }
        self.event(unit, Event::Report(run, report))
    }

    pub(super) fn become_ready(&mut self, unit: usize) {
        self.report(unit, Report::Spawned(100));
        self.report(unit, Report::Probed(Verdict::Ready));
    }

    pub(super) fn end(&mut self, unit: usize, outcome: Outcome) {
        self.report(unit, Report::Exited(outcome));
        self.report(unit, Report::Gone);
    }

    pub(super) fn complete(&mut self, unit: usize) {
        self.report(unit, Report::Spawned(100));
        self.end(unit, Outcome::Code(0));
    }

    /// Lets the newest timer of the unit fire.
    pub(super) fn fire(&mut self, unit: usize) -> Vec<Effect> {
        let newest = self.timers.iter().rev().find(|(id, ..)| id.0 == unit);
        let (_, after, epoch) = *newest.expect("the unit has a timer");
        self.now += after;
        self.event(unit, Event::Timeout(epoch))
    }

    pub(super) fn word(&self, unit: usize) -> Word {
        self.stack.unit(UnitId(unit)).phase.word()
    }

    pub(super) fn words(&self) -> Vec<Word> {
        self.stack.units.iter().map(|unit| unit.phase.word()).collect()
    }
}
