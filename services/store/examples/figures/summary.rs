//! Many times in one line.

use std::fmt;
use std::time::Duration;

pub(crate) struct Summary(Vec<Duration>);

impl Summary {
    pub(crate) fn of(times: impl IntoIterator<Item = Duration>) -> Self {
        let mut times: Vec<_> = times.into_iter().collect();
        times.sort_unstable();
        Self(times)
    }

    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    /// The time that `share` of a thousand do not exceed.
    fn permille(&self, share: usize) -> Duration {
        let nth = (self.0.len() * share).div_ceil(1000).saturating_sub(1);
        self.0.get(nth).copied().unwrap_or_default()
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [half, most, nearly, all] = [500, 950, 990, 1000].map(|share| self.permille(share));
        write!(f, "p50 {half:.1?}, p95 {most:.1?}, p99 {nearly:.1?}, max {all:.1?} (n = {})", self.0.len())
    }
}
