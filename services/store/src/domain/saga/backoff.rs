//! How long to wait before the next attempt.

use std::time::Duration;

/// The longest pause.
const CAP: Duration = Duration::from_secs(30);

/// The pause after attempt number `attempt` (1, 2, 3 …) came to nothing: `first`, doubled after each, and of that a
/// random part between half and all. `jitter` is in 0..=1.
pub fn pause(first: Duration, attempt: u32, jitter: f64) -> Duration {
    let doublings = attempt.saturating_sub(1).min(16);
    let whole = first.saturating_mul(1 << doublings).min(CAP);
    whole.mul_f64(0.5 + jitter.clamp(0.0, 1.0) / 2.0)
}
