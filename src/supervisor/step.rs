//! The rules of supervision: one event in, effects out.
//!
//! `step` never blocks, spawns, sleeps or reads a clock. Each unit moves by its own phase; after every event
//! `settle` starts what may start and stops what may stop, so that the order of a start or a stop is nowhere
//! written down: it follows from the graph.

use std::time::{Duration, Instant};

use super::state::{
    Cause, Desired, Effect, Epoch, Event, Lifetime, Phase, Report, RunId, StackState, Then, Times, Unit,
    UnitId, Verdict,
};
use crate::shim::protocol::{Outcome, StopSignal, Target};
use crate::stack::RestartPolicy;

/// A unit that was ready for this long has proved itself: earlier failures no longer count.
const STABLE: Duration = Duration::from_mins(1);
/// Probes in a row without any answer after which a unit that was ready is started anew.
const SILENT_LIMIT: u32 = 5;

type Effects = Vec<(UnitId, Effect)>;

/// Advances the stack by one event.
pub(super) fn step(stack: &mut StackState, id: UnitId, event: Event, now: Instant) -> Effects {
    let mut effects = Effects::new();
    let mut cx = Cx { id, now, effects: &mut effects };
    let unit = stack.unit_mut(id);
    match event {
        Event::Want(desired) => want(unit, desired, &mut cx),
        Event::Restart => restart(unit, &mut cx),
        Event::Adopted { run, pid, started } => adopt(unit, run, pid, started, &mut cx),
        Event::Report(run, report) if run == unit.run => hear(unit, report, &mut cx),
        Event::Timeout(epoch) if epoch == unit.epoch => time_out(unit, &mut cx),
        Event::Report(..) | Event::Timeout(_) => {}
    }
    settle(stack, now, &mut effects);
    effects
}

/// One unit's turn.
struct Cx<'a> {
    id: UnitId,
    now: Instant,
    effects: &'a mut Effects,
}

impl Cx<'_> {
    fn emit(&mut self, effect: Effect) {
        self.effects.push((self.id, effect));
    }

    fn enter(&mut self, unit: &mut Unit, phase: Phase) {
        unit.phase = phase;
        unit.epoch = Epoch(unit.epoch.0 + 1);
        if !unit.phase.is_live() {
            unit.pid = None;
        }
        self.emit(Effect::Publish);
    }

    fn timer(&mut self, unit: &Unit, after: Duration) {
        self.emit(Effect::Timer { after, spread: Duration::ZERO, epoch: unit.epoch });
    }
}

fn want(unit: &mut Unit, desired: Desired, cx: &mut Cx) {
    unit.desired = desired;
    match desired {
        Desired::Up => want_up(unit, cx),
        Desired::Down => want_down(unit, cx),
    }
}

fn want_up(unit: &mut Unit, cx: &mut Cx) {
    match unit.phase {
        Phase::Stopped | Phase::Backoff | Phase::CrashLoop | Phase::Failed => {
            unit.failures = 0;
            cx.enter(unit, Phase::Pending);
        }
        Phase::Stopping { step, then: Then::Rest } => {
            unit.phase = Phase::Stopping { step, then: Then::StartAgain };
        }
        Phase::Pending
        | Phase::Starting
        | Phase::Running
        | Phase::Ready
        | Phase::Unhealthy { .. }
        | Phase::Completed
        | Phase::Stopping { then: Then::StartAgain | Then::Judge(_), .. } => {}
    }
}

fn want_down(unit: &mut Unit, cx: &mut Cx) {
    match unit.phase {
        Phase::Pending | Phase::Backoff | Phase::CrashLoop | Phase::Failed => cx.enter(unit, Phase::Stopped),
        Phase::Stopping { step, then: Then::StartAgain | Then::Judge(_) } => {
            unit.phase = Phase::Stopping { step, then: Then::Rest };
        }
        // What lives is stopped by `settle`, once nothing that lives needs it.
        Phase::Starting
        | Phase::Running
        | Phase::Ready
        | Phase::Unhealthy { .. }
        | Phase::Stopped
        | Phase::Completed
        | Phase::Stopping { then: Then::Rest, .. } => {}
    }
}

fn restart(unit: &mut Unit, cx: &mut Cx) {
    unit.desired = Desired::Up;
    unit.failures = 0;
    match &unit.phase {
        Phase::Starting | Phase::Running | Phase::Ready | Phase::Unhealthy { .. } => {
            stop(unit, Then::StartAgain, cx);
        }
        Phase::Stopping { step, .. } => {
            unit.phase = Phase::Stopping { step: *step, then: Then::StartAgain };
        }
        Phase::Stopped | Phase::Backoff | Phase::CrashLoop | Phase::Completed | Phase::Failed => {
            cx.enter(unit, Phase::Pending);
        }
        Phase::Pending => {}
    }
}

fn adopt(unit: &mut Unit, run: RunId, pid: i32, started: Instant, cx: &mut Cx) {
    match unit.phase {
        Phase::Stopped | Phase::Pending => {
            unit.desired = Desired::Up;
            unit.run = run;
            unit.times = Times { started: Some(started), ready: None };
            run_with(unit, pid, cx);
        }
        Phase::Starting
        | Phase::Running
        | Phase::Ready
        | Phase::Unhealthy { .. }
        | Phase::Stopping { .. }
        | Phase::Backoff
        | Phase::CrashLoop
        | Phase::Completed
        | Phase::Failed => {}
    }
}

fn hear(unit: &mut Unit, report: Report, cx: &mut Cx) {
    match report {
        Report::Spawned(pid) => spawned(unit, pid, cx),
        Report::SpawnFailed(message) => end(unit, Cause::SpawnFailed(message), cx),
        Report::Probed(verdict) => probed(unit, verdict, cx),
        Report::Exited(outcome) => end(unit, Cause::Exited(outcome), cx),
        Report::Gone => gone(unit, cx),
    }
}

fn spawned(unit: &mut Unit, pid: i32, cx: &mut Cx) {
    match unit.phase {
        Phase::Starting => run_with(unit, pid, cx),
        Phase::Stopping { .. } => unit.pid = Some(pid),
        Phase::Pending
        | Phase::Running
        | Phase::Ready
        | Phase::Unhealthy { .. }
        | Phase::Stopped
        | Phase::Backoff
        | Phase::CrashLoop
        | Phase::Completed
        | Phase::Failed => {}
    }
}

fn run_with(unit: &mut Unit, pid: i32, cx: &mut Cx) {
    cx.enter(unit, Phase::Running);
    unit.pid = Some(pid);
    match unit.rules.lifetime {
        Lifetime::Service => cx.emit(Effect::StartProbe(unit.run)),
        Lifetime::Job => {}
    }
    cx.timer(unit, unit.rules.start_timeout);
}

fn probed(unit: &mut Unit, verdict: Verdict, cx: &mut Cx) {
    match (&unit.phase, verdict) {
        (Phase::Running, Verdict::Ready) => {
            unit.times.ready = Some(cx.now);
            cx.enter(unit, Phase::Ready);
        }
        (Phase::Unhealthy { .. }, Verdict::Ready) => cx.enter(unit, Phase::Ready),
        (Phase::Ready, Verdict::Alive) => cx.enter(unit, Phase::Unhealthy { silent: 0 }),
        (Phase::Ready, Verdict::Silent) => cx.enter(unit, Phase::Unhealthy { silent: 1 }),
        (Phase::Unhealthy { silent }, Verdict::Silent) if silent + 1 >= SILENT_LIMIT => {
            stop(unit, Then::Judge(Cause::Unresponsive), cx);
        }
        (Phase::Unhealthy { silent }, Verdict::Silent) => {
            unit.phase = Phase::Unhealthy { silent: silent + 1 }
        }
        (Phase::Unhealthy { .. }, Verdict::Alive) => unit.phase = Phase::Unhealthy { silent: 0 },
        (Phase::Running, Verdict::Alive | Verdict::Silent)
        | (Phase::Ready, Verdict::Ready)
        | (
            Phase::Pending
            | Phase::Starting
            | Phase::Stopping { .. }
            | Phase::Stopped
            | Phase::Backoff
            | Phase::CrashLoop
            | Phase::Completed
            | Phase::Failed,
            _,
        ) => {}
    }
}

/// The unit's own process ended, or never came to be: what descends from it must go, too.
fn end(unit: &mut Unit, cause: Cause, cx: &mut Cx) {
    match &unit.phase {
        Phase::Starting | Phase::Running | Phase::Ready | Phase::Unhealthy { .. } => {
            let last = unit.rules.stop.len() - 1;
            cx.enter(unit, Phase::Stopping { step: last, then: Then::Judge(cause) });
            cx.emit(Effect::StopProbe);
            cx.emit(Effect::Signal(StopSignal::Term, Target::Descendants));
            cx.timer(unit, unit.rules.grace);
        }
        Phase::Stopping { .. } => cx.emit(Effect::Signal(StopSignal::Term, Target::Descendants)),
        Phase::Pending
        | Phase::Stopped
        | Phase::Backoff
        | Phase::CrashLoop
        | Phase::Completed
        | Phase::Failed => {}
    }
}

/// Begins to end a live unit.
fn stop(unit: &mut Unit, then: Then, cx: &mut Cx) {
    cx.enter(unit, Phase::Stopping { step: 0, then });
    cx.emit(Effect::StopProbe);
    escalate(unit, cx);
}

/// Sends the next signal of the stop plan and arms the timer for the one after it.
fn escalate(unit: &mut Unit, cx: &mut Cx) {
    let Phase::Stopping { step, .. } = &mut unit.phase else {
        return;
    };
    let (signal, target) = unit.rules.stop[*step];
    *step = (*step + 1).min(unit.rules.stop.len() - 1);
    cx.emit(Effect::Signal(signal, target));
    cx.timer(unit, unit.rules.grace);
}

fn gone(unit: &mut Unit, cx: &mut Cx) {
    let then = match &unit.phase {
        Phase::Stopping { then, .. } => then.clone(),
        // The shim vanished without a word: whoever reports this has already killed what was left.
        Phase::Starting | Phase::Running | Phase::Ready | Phase::Unhealthy { .. } => {
            cx.emit(Effect::StopProbe);
            Then::Judge(Cause::Exited(Outcome::Unknown))
        }
        Phase::Pending
        | Phase::Stopped
        | Phase::Backoff
        | Phase::CrashLoop
        | Phase::Completed
        | Phase::Failed => return,
    };
    match (then, unit.desired) {
        (Then::Rest, _) => cx.enter(unit, Phase::Stopped),
        (Then::StartAgain, _) => cx.enter(unit, Phase::Pending),
        (Then::Judge(cause), Desired::Up) => judge(unit, cause, cx),
        (Then::Judge(cause), Desired::Down) => {
            unit.last_failure = failure(cause);
            cx.enter(unit, Phase::Stopped);
        }
    }
}

/// `None` when the process ended as it should.
fn failure(cause: Cause) -> Option<Cause> {
    (cause != Cause::Exited(Outcome::Code(0))).then_some(cause)
}

/// Decides what becomes of a unit that ended by itself.
fn judge(unit: &mut Unit, cause: Cause, cx: &mut Cx) {
    // A program that never ran will not run now; one that did is being rebuilt, or the disk is full.
    let permanent = matches!(cause, Cause::SpawnFailed(_)) && unit.failures == 0;
    if unit.rules.lifetime == Lifetime::Service
        && unit.rules.restart.policy == RestartPolicy::Always
        && !permanent
    {
        // Meant to run for ever: any end is one too many, a clean one included.
        unit.last_failure = Some(cause);
        return retry(unit, cx);
    }
    unit.last_failure = failure(cause);
    let failed = unit.last_failure.is_some();
    match (unit.rules.lifetime, unit.rules.restart.policy) {
        (Lifetime::Service, RestartPolicy::OnFailure) if failed && !permanent => retry(unit, cx),
        (Lifetime::Service | Lifetime::Job, _) if failed => cx.enter(unit, Phase::Failed),
        (Lifetime::Service | Lifetime::Job, _) => {
            unit.times.ready = Some(cx.now);
            cx.enter(unit, Phase::Completed);
        }
    }
}

/// The first time at once, then with growing pauses.
fn retry(unit: &mut Unit, cx: &mut Cx) {
    let proved = unit.times.ready.is_some_and(|ready| cx.now.duration_since(ready) >= STABLE);
    unit.failures = if proved { 1 } else { unit.failures + 1 };
    unit.restarts += 1;
    let restart = &unit.rules.restart;
    let looping = unit.failures >= restart.crash_loop_after;
    let pause = match unit.failures {
        0 | 1 => Duration::ZERO,
        n => restart.backoff.saturating_mul(1 << (n - 2).min(16)).min(restart.max_backoff),
    };
    if looping {
        let pause = restart.max_backoff;
        cx.enter(unit, Phase::CrashLoop);
        cx.emit(Effect::Timer { after: pause, spread: pause / 5, epoch: unit.epoch });
    } else if pause.is_zero() {
        cx.enter(unit, Phase::Pending);
    } else {
        cx.enter(unit, Phase::Backoff);
        cx.emit(Effect::Timer { after: pause, spread: pause / 5, epoch: unit.epoch });
    }
}

fn time_out(unit: &mut Unit, cx: &mut Cx) {
    match &unit.phase {
        Phase::Running => {
            let limit = unit.rules.start_timeout;
            stop(unit, Then::Judge(Cause::NotReady(limit)), cx);
        }
        Phase::Stopping { .. } => escalate(unit, cx),
        Phase::Backoff | Phase::CrashLoop => cx.enter(unit, Phase::Pending),
        Phase::Pending
        | Phase::Starting
        | Phase::Ready
        | Phase::Unhealthy { .. }
        | Phase::Stopped
        | Phase::Completed
        | Phase::Failed => {}
    }
}

/// Starts every unit whose dependencies are there and stops every unwanted one that nothing alive needs.
fn settle(stack: &mut StackState, now: Instant, effects: &mut Effects) {
    for id in stack.ids() {
        let may_start =
            matches!(stack.unit(id).phase, Phase::Pending) && stack.waits_for(id).next().is_none();
        let may_stop = stack.unit(id).desired == Desired::Down && !is_needed(stack, id);
        let unit = stack.unit_mut(id);
        let mut cx = Cx { id, now, effects };
        match unit.phase {
            Phase::Pending if may_start => start(unit, &mut cx),
            Phase::Starting | Phase::Running | Phase::Ready | Phase::Unhealthy { .. } if may_stop => {
                stop(unit, Then::Rest, &mut cx);
            }
            Phase::Pending
            | Phase::Starting
            | Phase::Running
            | Phase::Ready
            | Phase::Unhealthy { .. }
            | Phase::Stopping { .. }
            | Phase::Stopped
            | Phase::Backoff
            | Phase::CrashLoop
            | Phase::Completed
            | Phase::Failed => {}
        }
    }
}

/// Something that depends on the unit, directly or not, is alive.
fn is_needed(stack: &StackState, id: UnitId) -> bool {
    stack
        .graph
        .with_dependents([id])
        .into_iter()
        .any(|other| other != id && stack.unit(other).phase.is_live())
}

fn start(unit: &mut Unit, cx: &mut Cx) {
    unit.run = RunId(unit.run.0 + 1);
    unit.times = Times { started: Some(cx.now), ready: None };
    cx.enter(unit, Phase::Starting);
    cx.emit(Effect::Spawn(unit.run));
}
