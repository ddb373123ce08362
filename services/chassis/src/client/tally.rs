//! How calls to one service ended, for the metrics.

use std::sync::atomic::{AtomicU64, Ordering};

/// Resilience4j's four kinds; `Again` is with a retry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    Successful,
    SuccessfulAgain,
    Failed,
    FailedAgain,
}

/// Counts since the start of the process.
#[derive(Debug, Default)]
pub(super) struct Tally {
    counts: [AtomicU64; 4],
}

impl Ended {
    const ALL: [Self; 4] = [Self::Successful, Self::SuccessfulAgain, Self::Failed, Self::FailedAgain];

    pub(super) const fn of(successful: bool, retries: u32) -> Self {
        match (successful, retries > 0) {
            (true, false) => Self::Successful,
            (true, true) => Self::SuccessfulAgain,
            (false, false) => Self::Failed,
            (false, true) => Self::FailedAgain,
        }
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Successful => "successful_without_retry",
            Self::SuccessfulAgain => "successful_with_retry",
            Self::Failed => "failed_without_retry",
            Self::FailedAgain => "failed_with_retry",
        }
    }
}

impl Tally {
    pub(super) fn count(&self, ended: Ended) {
        self.counts[ended as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// By the label that Resilience4j gives each.
    pub(super) fn by_kind(&self) -> [(&'static str, u64); 4] {
        Ended::ALL.map(|ended| (ended.as_str(), self.counts[ended as usize].load(Ordering::Relaxed)))
    }
}
