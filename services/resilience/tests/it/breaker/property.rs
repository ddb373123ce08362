//! Rules that hold whatever happens: random settings, calls, outcomes, waits and operators.

use std::time::Duration;

use proptest::prelude::*;
use rand::SeedableRng as _;
use rand::rngs::SmallRng;
use resilience::breaker::{
    Config, Machine, Outcome, Overdue, Rejected, Report, Snapshot, State, Token, Wait, Window,
};

#[derive(Clone, Debug)]
enum Act {
    Acquire,
    /// Finishes one of the calls in flight, if there is any.
    Finish {
        which: usize,
        outcome: Outcome,
        millis: u64,
    },
    Advance {
        millis: u64,
    },
    Operate(fn(&mut Machine, Duration)),
}

fn act() -> impl Strategy<Value = Act> {
    let outcome = prop_oneof![
        4 => Just(Outcome::Success),
        4 => prop::option::of(0..9_u64).prop_map(|hint| Outcome::Failure {
            cause: "status 503".into(),
            retry_after: hint.map(Duration::from_secs),
        }),
        1 => Just(Outcome::Ignored { cause: "status 404".into() }),
        1 => Just(Outcome::Cancelled),
    ];
    let operation = prop_oneof![
        Just(Machine::close as fn(&mut Machine, Duration)),
        Just(Machine::force_open as fn(&mut Machine, Duration)),
        Just(Machine::disable as fn(&mut Machine, Duration)),
        Just(Machine::metrics_only as fn(&mut Machine, Duration)),
        Just(Machine::reset as fn(&mut Machine, Duration)),
        Just(Machine::tick as fn(&mut Machine, Duration)),
    ];
    prop_oneof![
        40 => Just(Act::Acquire),
        40 => (any::<usize>(), outcome, 0..150_u64)
            .prop_map(|(which, outcome, millis)| Act::Finish { which, outcome, millis }),
        15 => (0..2500_u64).prop_map(|millis| Act::Advance { millis }),
        2 => operation.prop_map(Act::Operate),
    ]
}

fn config() -> impl Strategy<Value = Config> {
    let window = prop_oneof![(1..9_u32).prop_map(Window::Count), (1..6_u32).prop_map(Window::Time)];
    let overdue = prop_oneof![Just(Overdue::Open), Just(Overdue::Close), Just(Overdue::Judge)];
    let rates = (1.0..=100.0_f32, 1.0..=100.0_f32);
    let bounds = (0..4_u64, overdue, any::<bool>(), prop::option::of(1..6_u32));
    (window, 1..9_u32, rates, 1..5_u32, bounds, 0.0..0.9_f64).prop_map(
        |(window, minimum_calls, (failure_rate, slow_rate), half_open_permits, bounds, jitter)| {
            let (half_open_secs, overdue, automatic_half_open, consecutive_failures) = bounds;
            Config {
                window,
                minimum_calls,
                failure_rate,
                slow_rate,
                slow_call: Duration::from_millis(100),
                half_open_permits,
                wait: Wait {
                    initial: Duration::from_secs(1),
                    factor: 2.0,
                    max: Duration::from_secs(5),
                    jitter,
                },
                max_half_open_wait: Duration::from_secs(half_open_secs),
                overdue,
                automatic_half_open,
                consecutive_failures,
                retry_after_cap: Some(Duration::from_secs(6)),
                generations: true,
            }
        },
    )
}

/// A machine under test with all its calls in flight.
struct Run {
    machine: Machine,
    config: Config,
    now: Duration,
    /// With the generation each was given in.
    in_flight: Vec<(u64, Token)>,
    acquired: u64,
}

impl Run {
    fn new(config: Config) -> Self {
        let machine = Machine::new(config.clone(), Duration::ZERO, SmallRng::seed_from_u64(1))
            .expect("the strategy makes good settings");
        Self { machine, config, now: Duration::ZERO, in_flight: Vec::new(), acquired: 0 }
    }

    fn seen(&mut self) -> Snapshot {
        self.machine.snapshot(self.now)
    }

    fn act(&mut self, act: Act) -> Result<(), TestCaseError> {
        match act {
            Act::Acquire => self.acquire(),
            Act::Finish { which, outcome, millis } => self.finish(which, outcome, millis),
            Act::Advance { millis } => {
                self.now += Duration::from_millis(millis);
                Ok(())
            }
            Act::Operate(operation) => {
                operation(&mut self.machine, self.now);
                Ok(())
            }
        }
    }

    fn acquire(&mut self) -> Result<(), TestCaseError> {
        let before = self.seen();
        match self.machine.acquire(self.now, None) {
            Ok(token) => {
                self.acquired += 1;
                let after = self.seen();
                prop_assert_ne!(before.state, State::ForcedOpen);
                if before.state == State::Open {
                    prop_assert_eq!(before.retry_after, Some(Duration::ZERO), "not before its time");
                    prop_assert_eq!(after.state, State::HalfOpen);
                }
                if before.state == State::HalfOpen {
                    prop_assert!(before.probes_left > Some(0));
                }
                self.in_flight.push((after.generation, token));
            }
            Err(Rejected { state, .. }) => {
                prop_assert_eq!(state, before.state, "a rejection changes nothing");
                prop_assert!(matches!(state, State::Open | State::HalfOpen | State::ForcedOpen));
                if state == State::HalfOpen {
                    prop_assert_eq!(before.probes_left, Some(0));
                }
            }
        }
        Ok(())
    }

    fn finish(&mut self, which: usize, outcome: Outcome, millis: u64) -> Result<(), TestCaseError> {
        if self.in_flight.is_empty() {
            return Ok(());
        }
        let (generation, token) = self.in_flight.swap_remove(which % self.in_flight.len());
        let before = self.seen();
        let decides = matches!(outcome, Outcome::Success | Outcome::Failure { .. });
        let report = Report { outcome, duration: Duration::from_millis(millis), trace: None };
        self.machine.finish(self.now, token, report);
        let after = self.seen();
        if generation != before.generation || !decides {
            prop_assert_eq!(after.state, before.state, "this outcome may not decide");
            prop_assert_eq!(after.generation, before.generation);
            prop_assert_eq!(after.buffered, before.buffered);
            prop_assert_eq!(after.retry_after, before.retry_after);
        }
        Ok(())
    }

    /// What holds between any two steps.
    fn assert_sane(&mut self) -> Result<(), TestCaseError> {
        let seen = self.seen();
        if let Window::Count(size) = self.config.window {
            prop_assert!(seen.buffered <= size.max(self.config.half_open_permits));
        }
        if seen.state == State::HalfOpen {
            self.assert_probes(&seen)?;
        }
        prop_assert!(seen.failed <= seen.buffered && seen.slow <= seen.buffered);
        prop_assert!(seen.slow_failed <= seen.failed.min(seen.slow));
        prop_assert_eq!(seen.in_flight as usize, self.in_flight.len());
        prop_assert_eq!(seen.retry_after.is_some(), seen.state == State::Open);
        prop_assert_eq!(seen.generation, seen.totals.transitions);
        let totals = seen.totals;
        let finished = totals.successful + totals.failed + totals.ignored + totals.cancelled;
        prop_assert_eq!(finished + self.in_flight.len() as u64, self.acquired);
        let longest = self.config.wait.max.max(self.config.retry_after_cap.unwrap_or_default());
        prop_assert!(seen.retry_after <= Some(longest), "no wait is longer than its bounds");
        let sequences: Vec<_> = self.machine.events_after(0).map(|event| event.sequence).collect();
        prop_assert!(sequences.len() <= 100 && sequences.is_sorted_by(|one, next| one + 1 == *next));
        Ok(())
    }

    /// The permits of a half-open state are in flight, answered, or left: never more, never fewer.
    fn assert_probes(&self, seen: &Snapshot) -> Result<(), TestCaseError> {
        let probing = self.in_flight.iter().filter(|(generation, _)| *generation == seen.generation).count();
        let left = seen.probes_left.expect("a half-open breaker says how many probes are left") as usize;
        prop_assert_eq!(probing + seen.buffered as usize + left, self.config.half_open_permits as usize);
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_breaker_keeps_its_rules_whatever_happens(
        config in config(),
        acts in prop::collection::vec(act(), 1..150),
    ) {
        let mut run = Run::new(config);
        for act in acts {
            run.act(act)?;
            run.assert_sane()?;
        }
    }

    /// Whatever came before, a target that works again is let through again, without an operator.
    #[test]
    fn a_breaker_always_recovers(config in config(), acts in prop::collection::vec(act(), 1..80)) {
        let config = Config { slow_call: Duration::from_secs(9), ..config };
        let mut run = Run::new(config);
        for act in acts {
            if !matches!(act, Act::Operate(_)) {
                run.act(act)?;
            }
        }
        while !run.in_flight.is_empty() {
            run.finish(0, Outcome::Cancelled, 0)?;
        }
        for _ in 0..20 {
            if run.seen().state == State::Closed {
                return Ok(());
            }
            run.now += Duration::from_secs(7);
            for _ in 0..4 {
                run.acquire()?;
                run.finish(0, Outcome::Success, 1)?;
            }
        }
        prop_assert_eq!(run.seen().state, State::Closed);
    }
}
