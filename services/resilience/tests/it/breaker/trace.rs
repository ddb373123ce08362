//! The breaker against recordings of the reference: 200 random settings of Resilience4j 2.3.0's own state
//! machine, 250 operations each under a virtual clock, with all it shows of itself after each of them.

use resilience::breaker::{Breaker, Config, Outcome, Permit, State};

use super::clock::TestClock;
use super::recording::{Op, Recording, Settings, Step};

/// A breaker under replay, with the calls that are in flight.
struct Replay {
    breaker: Breaker,
    clock: TestClock,
    in_flight: Vec<Permit>,
    state: State,
    /// Permits given before a transition: the recording never reports on those, so they stay in flight.
    forgotten: Vec<Permit>,
}

impl Replay {
    fn new(settings: &Settings, base: &Config) -> Self {
        let clock = TestClock::default();
        let breaker = Breaker::with_clock("replayed", settings.config(base), None, clock.reader())
            .expect("the reference accepted these settings");
        Self { breaker, clock, in_flight: Vec::new(), state: State::Closed, forgotten: Vec::new() }
    }

    /// Does one step; what is different from the recording then.
    fn step(&mut self, step: &Step) -> Option<String> {
        let mut ok = None;
        let mut admitted = None;
        match step.op {
            Op::Acquire => {
                admitted = self.breaker.try_acquire().ok();
                ok = Some(admitted.is_some());
            }
            Op::Success => self.finish(step, Outcome::Success),
            Op::Error => self.finish(step, Outcome::Failure { cause: "recorded".into(), retry_after: None }),
            Op::Ignored => self.finish(step, Outcome::Ignored { cause: "recorded".into() }),
            Op::Release => drop(self.oldest_call()),
            Op::Advance => self.clock.advance(step.time()),
            Op::ForceOpen => self.breaker.force_open(),
            Op::Disable => self.breaker.disable(),
            Op::MetricsOnly => self.breaker.metrics_only(),
            Op::Reset => self.breaker.reset(),
        }
        let snapshot = self.breaker.snapshot();
        if snapshot.state != self.state {
            self.state = snapshot.state;
            self.forgotten.append(&mut self.in_flight);
        }
        self.in_flight.extend(admitted);
        step.difference(ok, &snapshot)
    }

    fn finish(&mut self, step: &Step, outcome: Outcome) {
        self.oldest_call().finish_after(outcome, step.time());
    }

    fn oldest_call(&mut self) -> Permit {
        assert!(!self.in_flight.is_empty(), "the recording reports on a call that was not let through");
        self.in_flight.remove(0)
    }
}

/// Replays everything: how many steps there were, and which of them differ.
fn replay(recording: &Recording, base: &Config) -> (usize, Vec<String>) {
    let mut steps = 0;
    let mut differences = Vec::new();
    for trace in recording.traces() {
        let mut replay = Replay::new(&trace.config, base);
        for (index, step) in trace.ops.iter().enumerate() {
            let difference = replay.step(step);
            differences
                .extend(difference.map(|text| format!("trace {} step {index}: {text}", trace.config.seed)));
            steps += 1;
        }
    }
    (steps, differences)
}

fn assert_replays(base: &Config) {
    let recording = Recording::asked_for();
    let (steps, differences) = replay(&recording, base);
    assert!(steps >= recording.at_least, "only {steps} of {} steps were replayed", recording.at_least);
    let first = differences.iter().take(5).cloned().collect::<Vec<_>>().join("\n");
    assert!(
        differences.is_empty(),
        "{} of {steps} steps differ, the first being\n{first}",
        differences.len()
    );
}

#[test]
fn every_step_of_the_recorded_traces_replays_without_a_difference() {
    assert_replays(&Config::resilience4j());
}

/// The recorded calls never outlive the state they were let through in, so generations must not show.
#[test]
fn the_recorded_traces_replay_with_generation_tokens_too() {
    assert_replays(&Config { generations: true, ..Config::resilience4j() });
}

#[test]
#[should_panic(expected = "unknown variant `half_open`")]
fn a_trace_with_an_unknown_operation_fails() {
    let whole = Recording::committed().text;
    replay(&altered(&whole, r#""op":"acquire""#, r#""op":"half_open""#), &Config::resilience4j());
}

#[test]
fn a_trace_with_one_wrong_figure_differs_in_one_step() {
    let whole = Recording::committed().text;
    for (right, wrong) in [
        (r#""ok":true"#, r#""ok":false"#),
        (r#""state":"CLOSED""#, r#""state":"OPEN""#),
        (r#""buf":1,"#, r#""buf":2,"#),
        (r#""fail":1,"#, r#""fail":2,"#),
        (r#""slow":1,"#, r#""slow":2,"#),
        (r#""slow_fail":1,"#, r#""slow_fail":2,"#),
        (r#""np":1,"#, r#""np":2,"#),
        (r#""fr":85.7143"#, r#""fr":85.7144"#),
        (r#""sr":28.5714"#, r#""sr":28.5713"#),
    ] {
        let (_, differences) = replay(&altered(&whole, right, wrong), &Config::resilience4j());
        assert_eq!(differences.len(), 1, "{wrong} instead of {right}: {differences:?}");
    }
}

/// The first trace in which `right` is recorded, with its first place replaced.
fn altered(whole: &str, right: &str, wrong: &str) -> Recording {
    let line = whole.lines().find(|line| line.contains(right)).expect("the recording has such a step");
    Recording { text: line.replacen(right, wrong, 1), at_least: 1 }
}
