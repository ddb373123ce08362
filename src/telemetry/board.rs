//! What the collector has found out, for whoever asks.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use tokio::sync::watch;

use super::duty::{Duty, Jobs, Sagas};
use super::history::{History, Moment};
use super::scrape::Levels;
use super::summary;
use super::view::{Chart, Top};
use crate::supervisor::report::StateReport;

/// The one place where figures are kept. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Board {
    kept: Arc<Mutex<Kept>>,
    /// Changes with every pass.
    passes: watch::Sender<u64>,
    instance: Arc<str>,
}

/// Everything that is known.
#[derive(Default)]
pub(super) struct Kept {
    pub(super) history: History,
    /// When a unit last answered, and what it said of this moment.
    pub(super) heard: BTreeMap<Arc<str>, i64>,
    pub(super) levels: BTreeMap<Arc<str>, Levels>,
    /// With the time at which they were told.
    pub(super) jobs: Option<(i64, Jobs)>,
    pub(super) sagas: Option<(i64, Sagas)>,
    pub(super) pass_ms: Option<u64>,
}

/// What one pass has found.
#[derive(Default)]
pub(super) struct Pass {
    pub(super) moment: Moment,
    pub(super) heard: Vec<Arc<str>>,
    pub(super) levels: Vec<(Arc<str>, Levels)>,
    pub(super) duties: Vec<Duty>,
    pub(super) took_ms: u64,
}

/// The stretch that a chart shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Span {
    FiveMinutes,
    QuarterHour,
    Day,
}

impl Board {
    pub(super) fn new(instance: &str) -> Self {
        Self { kept: Arc::default(), passes: watch::channel(0).0, instance: instance.into() }
    }

    /// What was known before this process began.
    pub(super) fn restore(&self, history: History) {
        self.kept().history = history;
    }

    /// Takes in what a pass has found; gives back the minute that it ended.
    pub(super) fn take(&self, pass: Pass) -> Option<Moment> {
        let ended = {
            let mut kept = self.kept();
            let at = pass.moment.at;
            kept.heard.extend(pass.heard.into_iter().map(|unit| (unit, at)));
            kept.levels.extend(pass.levels);
            for duty in pass.duties {
                match duty {
                    Duty::Jobs(jobs) => kept.jobs = Some((at, jobs)),
                    Duty::Sagas(sagas) => kept.sagas = Some((at, sagas)),
                }
            }
            kept.pass_ms = Some(pass.took_ms);
            kept.history.push(pass.moment)
        };
        self.passes.send_modify(|passes| *passes += 1);
        ended
    }

    /// Tells of every pass. Ends with the collector.
    pub(super) fn passes(&self) -> watch::Receiver<u64> {
        self.passes.subscribe()
    }

    /// What `doran top` shows. Ages of `report` are those of now.
    pub(crate) fn top(&self, report: &StateReport) -> Top {
        summary::top(&self.kept(), report, &self.instance, Timestamp::now().as_millisecond())
    }

    /// None when there is no such service, database or cache.
    pub(crate) fn chart(&self, report: &StateReport, name: &str, span: Span) -> Option<Chart> {
        summary::chart(&self.kept(), report, name, span, Timestamp::now().as_millisecond())
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
