//! The limit itself, after Gradient2 of Netflix' concurrency-limits: it follows the ratio of what requests take
//! without waiting (the baseline) to what they take now, and allows a small queue above that.
//!
//! Three things differ, because the original drifts. It averages every sample, so at 5,000 requests a second it
//! forgets in a tenth of a second: ours counts windows of 100 ms. It lets the baseline follow an overload until
//! the overload looks normal and the limit grows without end: ours rises only while requests do not wait for
//! each other, and after a minute of saturation the limit drops to a quarter for a moment to measure it again. It
//! ignores failures by overload: ours shrinks by their share.
//!
//! It cannot tell routes apart: where their times differ a hundredfold, give each kind a limit of its own.

use std::time::Duration;

use tokio::time::Instant;

/// Samples are taken together for this long, and until there are enough of them for a mean.
const WINDOW: Duration = Duration::from_millis(100);
const WINDOW_SAMPLES: u32 = 10;
/// The following five are Gradient2's own.
const SMOOTHING: f64 = 0.2;
const LONG_WINDOWS: f64 = 600.0;
const WARM_UP_WINDOWS: u32 = 10;
const TOLERANCE: f64 = 1.5;
const QUEUE: f64 = 4.0;
/// The baseline is measured again after a minute of saturated windows.
const PROBE_AFTER: u32 = 600;
/// Low enough that requests do not wait for each other, even if the limit was twice what it should be.
const PROBE_PART: f64 = 0.25;

/// Holds `1 <= min <= initial <= max`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Config {
    pub initial: u32,
    pub min: u32,
    pub max: u32,
}

/// Pure: time and samples are given.
#[derive(Debug)]
pub(super) struct Gradient2 {
    config: Config,
    limit: f64,
    /// What a request takes that does not wait, in seconds.
    baseline: f64,
    /// Windows that went into the baseline, up to the end of the warm-up.
    warm_up: u32,
    window: Window,
    phase: Phase,
}

#[derive(Debug, Clone, Copy)]
enum Phase {
    /// With the number of saturated windows in a row.
    Following(u32),
    /// The limit is lowered to see what requests take that do not wait.
    Probing,
}

#[derive(Debug, Default)]
struct Window {
    since: Option<Instant>,
    samples: u32,
    seconds: f64,
    dropped: u32,
    most_in_flight: u32,
}

impl Gradient2 {
    pub(super) fn new(config: Config) -> Self {
        let Config { initial, min, max } = config;
        assert!(1 <= min && min <= initial && initial <= max, "no limit fits {config:?}");
        Self {
            config,
            limit: f64::from(initial),
            baseline: 0.0,
            warm_up: 0,
            window: Window::default(),
            phase: Phase::Following(0),
        }
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between the two given limits"
    )]
    pub(super) fn limit(&self) -> u32 {
        let limit = match self.phase {
            Phase::Following(_) => self.limit,
            Phase::Probing => self.limit * PROBE_PART,
        };
        (limit as u32).clamp(self.config.min, self.config.max)
    }

    /// Learns that a request took `rtt`, and that `in_flight` were in flight, itself included, when it began.
    /// `dropped`: it failed as things fail that are overloaded.
    pub(super) fn update(&mut self, now: Instant, rtt: Duration, in_flight: u32, dropped: bool) {
        match self.phase {
            // This one began before the limit was lowered.
            Phase::Probing if in_flight > self.limit() => return,
            Phase::Following(_) | Phase::Probing => self.window.add(now, rtt, in_flight, dropped),
        }
        if self.window.is_complete(now) {
            let window = std::mem::take(&mut self.window);
            self.phase = self.close(&window);
        }
    }

    fn close(&mut self, window: &Window) -> Phase {
        let short = window.mean();
        let Phase::Following(saturated) = self.phase else {
            self.baseline = short;
            return Phase::Following(0);
        };
        let is_saturated = f64::from(window.most_in_flight) >= self.limit / 2.0;
        self.learn_baseline(short, is_saturated);
        if !is_saturated {
            // Few requests say nothing about how many would be too many.
            return Phase::Following(0);
        }
        let gradient = (TOLERANCE * self.baseline / short).min(1.0 - window.dropped_share()).clamp(0.5, 1.0);
        let target = self.limit * gradient + QUEUE;
        let next = self.limit * (1.0 - SMOOTHING) + target * SMOOTHING;
        self.limit = next.clamp(self.config.min.into(), self.config.max.into());
        if saturated + 1 >= PROBE_AFTER { Phase::Probing } else { Phase::Following(saturated + 1) }
    }

    fn learn_baseline(&mut self, short: f64, is_saturated: bool) {
        if self.warm_up < WARM_UP_WINDOWS {
            self.warm_up += 1;
            self.baseline += (short - self.baseline) / f64::from(self.warm_up);
        } else if !is_saturated || short < self.baseline {
            self.baseline += (short - self.baseline) * 2.0 / (LONG_WINDOWS + 1.0);
        }
        // Back to normal after a long time of slowness: the mean alone would take a minute to notice.
        if self.baseline > 2.0 * short {
            self.baseline *= 0.95;
        }
    }
}

impl Window {
    fn add(&mut self, now: Instant, rtt: Duration, in_flight: u32, dropped: bool) {
        self.since.get_or_insert(now);
        self.samples += 1;
        self.seconds += rtt.as_secs_f64();
        self.dropped += u32::from(dropped);
        self.most_in_flight = self.most_in_flight.max(in_flight);
    }

    fn is_complete(&self, now: Instant) -> bool {
        let age = self.since.map_or(Duration::ZERO, |since| now.saturating_duration_since(since));
        age >= WINDOW && self.samples >= WINDOW_SAMPLES
    }

    /// In seconds, never zero: it divides.
    fn mean(&self) -> f64 {
        (self.seconds / f64::from(self.samples.max(1))).max(1e-9)
    }

    fn dropped_share(&self) -> f64 {
        f64::from(self.dropped) / f64::from(self.samples.max(1))
    }
}
