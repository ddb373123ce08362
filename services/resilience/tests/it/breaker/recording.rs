//! The recorded traces: where they are and what a line of them holds. What is not known fails to be read.

use std::io::Read as _;
use std::path::Path;
use std::time::Duration;

use flate2::read::GzDecoder;
use resilience::breaker::{Config, Snapshot, Wait, Window};
use serde::Deserialize;

/// `gzip -n -9` of the recording, one JSON object a line.
const RECORDED: &[u8] = include_bytes!("../../fixtures/r4j-breaker-traces.jsonl.gz");
const RECORDED_STEPS: usize = 200 * 250;

/// Names a plain JSONL file to replay instead of the recording in this crate; a relative path begins at the
/// root of the workspace.
const OTHER_RECORDING: &str = "BREAKER_TRACES";

/// Lines of JSON, and how many steps they hold at least.
pub(crate) struct Recording {
    pub(crate) text: String,
    pub(crate) at_least: usize,
}

impl Recording {
    /// The one that is committed with this crate.
    pub(crate) fn committed() -> Self {
        let mut text = String::new();
        GzDecoder::new(RECORDED).read_to_string(&mut text).expect("the fixture is whole");
        Self { text, at_least: RECORDED_STEPS }
    }

    /// The one that the environment asks for, else the committed one.
    pub(crate) fn asked_for() -> Self {
        let Some(path) = std::env::var_os(OTHER_RECORDING) else { return Self::committed() };
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path);
        let text = std::fs::read_to_string(&path)
            .unwrap_or_else(|error| panic!("failed to read {OTHER_RECORDING} {}: {error}", path.display()));
        Self { text, at_least: 1 }
    }

    pub(crate) fn traces(&self) -> impl Iterator<Item = Trace> {
        let lines = self.text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        lines.map(|(index, line)| {
            serde_json::from_str(line)
                .unwrap_or_else(|error| panic!("failed to read line {} of the traces: {error}", index + 1))
        })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Trace {
    pub(crate) config: Settings,
    pub(crate) ops: Vec<Step>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    pub(crate) seed: u64,
    window: Kind,
    size: u32,
    min_calls: u32,
    half_open_permits: u32,
    failure_rate: f32,
    slow_rate: f32,
    slow_ms: u64,
    wait_ms: u64,
    open_backoff: Option<Backoff>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Count,
    Time,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Backoff {
    Exp2,
}

impl Settings {
    /// These settings, and `base` for what the recording does not set.
    pub(crate) fn config(&self, base: &Config) -> Config {
        let wait = Duration::from_millis(self.wait_ms);
        Config {
            window: match self.window {
                Kind::Count => Window::Count(self.size),
                Kind::Time => Window::Time(self.size),
            },
            minimum_calls: self.min_calls,
            half_open_permits: self.half_open_permits,
            failure_rate: self.failure_rate,
            slow_rate: self.slow_rate,
            slow_call: Duration::from_millis(self.slow_ms),
            wait: match self.open_backoff {
                None => Wait::fixed(wait),
                Some(Backoff::Exp2) => Wait::doubling(wait),
            },
            ..base.clone()
        }
    }
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Op {
    Acquire,
    Success,
    Error,
    Ignored,
    Release,
    Advance,
    ForceOpen,
    Disable,
    MetricsOnly,
    Reset,
}

/// An operation and everything that was to be seen after it; `ok` only after an `acquire`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Step {
    pub(crate) op: Op,
    ms: Option<u64>,
    ok: Option<bool>,
    state: String,
    buf: u32,
    fail: u32,
    slow: u32,
    slow_fail: u32,
    np: u64,
    fr: f32,
    sr: f32,
}

impl Step {
    /// How long a call took, or how far the clock moved.
    pub(crate) fn time(&self) -> Duration {
        let ms = self.ms.unwrap_or_else(|| panic!("{:?} is recorded without milliseconds", self.op));
        Duration::from_millis(ms)
    }

    /// Nothing if the breaker shows what was recorded, else both.
    pub(crate) fn difference(&self, ok: Option<bool>, snapshot: &Snapshot) -> Option<String> {
        let recorded =
            (ok_text(self.ok), self.state.as_str(), self.buf, self.fail, self.slow, self.slow_fail, self.np);
        let got = (
            ok_text(ok),
            snapshot.state.as_str(),
            snapshot.buffered,
            snapshot.failed,
            snapshot.slow,
            snapshot.slow_failed,
            snapshot.not_permitted,
        );
        let rates = (self.fr, self.sr);
        let got_rates = (snapshot.failure_rate, snapshot.slow_rate);
        let same = recorded == got && same_rate(rates.0, got_rates.0) && same_rate(rates.1, got_rates.1);
        (!same).then(|| {
            format!("{:?}\n  recorded {recorded:?} {rates:?}\n  got      {got:?} {got_rates:?}", self.op)
        })
    }
}

fn ok_text(ok: Option<bool>) -> &'static str {
    match ok {
        None => "-",
        Some(true) => "permitted",
        Some(false) => "rejected",
    }
}

/// Rates are recorded with four decimals: half of the last one, and a little for the rounding of `f32`.
fn same_rate(recorded: f32, got: f32) -> bool {
    (recorded - got).abs() < 0.000_06
}
