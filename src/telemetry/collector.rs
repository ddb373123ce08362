//! The loop: once a second everything is asked at once, and what was found out is kept and written down.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::sync::watch;
use tokio::task::{JoinError, spawn_blocking};
use tokio::time::{MissedTickBehavior, interval};
use tracing::error;

use super::board::{Board, Pass};
use super::history::Moment;
use super::journal::Journal;
use super::process::Scan;
use super::sample::{Process, Sample, Traffic};
use super::socket::Sockets;
use super::summary::{OWN, is_running};
use super::target::{Answer, Targets};
use crate::layout::Layout;
use crate::supervisor::report::StateReport;
use crate::supervisor::unit::Kind;

const EVERY: Duration = Duration::from_secs(1);

pub(super) struct Collector {
    dir: PathBuf,
    secrets: PathBuf,
    board: Board,
    reports: watch::Receiver<Arc<StateReport>>,
}

/// Looks into the kernel, on a thread that may wait.
struct Eyes {
    scan: Scan,
    sockets: Sockets,
}

/// What they have seen.
#[derive(Default)]
struct Sight {
    processes: BTreeMap<Arc<str>, Process>,
    traffic: HashMap<u16, Traffic>,
    own: Option<Process>,
}

impl Collector {
    pub(super) fn new(layout: &Layout, board: Board, reports: watch::Receiver<Arc<StateReport>>) -> Self {
        Self { dir: layout.telemetry(), secrets: layout.secrets(), board, reports }
    }

    /// Until nobody publishes states any more. A failure ends the collection and nothing else.
    pub(super) async fn run(self) {
        if let Err(error) = self.collect().await {
            error!("metrics are collected no more: {error:#}");
        }
    }

    async fn collect(self) -> anyhow::Result<()> {
        let dir = self.dir.clone();
        let (mut journal, history) = spawn_blocking(move || Journal::open(&dir, now())).await?;
        self.board.restore(history);
        let mut targets = Targets::new(self.secrets.clone())?;
        let mut eyes = Eyes { scan: Scan::new(), sockets: Sockets::default() };
        let mut ticks = interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        while self.reports.has_changed().is_ok() {
            ticks.tick().await;
            let begun = Instant::now();
            let report = Arc::clone(&self.reports.borrow());
            targets.follow(&report);
            let (answers, sight) = tokio::join!(targets.read(), eyes.look(&report));
            let (seeing, sight) = sight?;
            eyes = seeing;
            let pass = assemble(&report, answers, sight, begun);
            let second = pass.moment.clone();
            let minute = self.board.take(pass);
            journal = spawn_blocking(move || {
                journal.write(&second, minute.as_ref());
                journal
            })
            .await?;
        }
        Ok(())
    }
}

impl Eyes {
    async fn look(mut self, report: &StateReport) -> Result<(Self, Sight), JoinError> {
        let units = report.items.iter().filter(|unit| unit.kind != Kind::Job && is_running(unit.state));
        let leaders: Vec<(Arc<str>, i32)> =
            units.clone().filter_map(|unit| Some((unit.name.as_str().into(), unit.pid?))).collect();
        let databases = units.filter(|unit| unit.kind == Kind::Database);
        let ports: Vec<u16> = databases.filter_map(|unit| unit.port).collect();
        spawn_blocking(move || {
            let processes = self.scan.look(&leaders);
            let own = self.scan.own();
            let traffic = self.sockets.look(&ports);
            (self, Sight { processes, traffic, own })
        })
        .await
    }
}

fn assemble(report: &StateReport, answers: Vec<Answer>, mut sight: Sight, begun: Instant) -> Pass {
    let mut pass = Pass::default();
    let mut samples: BTreeMap<Arc<str>, Sample> = BTreeMap::new();
    for answer in answers {
        pass.duties.extend(answer.duty);
        if let Some(levels) = answer.levels {
            pass.levels.push((Arc::clone(&answer.unit), levels));
        }
        if let Some(sample) = answer.sample {
            pass.heard.push(Arc::clone(&answer.unit));
            samples.insert(answer.unit, sample);
        }
    }
    for (unit, process) in sight.processes {
        samples.entry(unit).or_default().process = Some(process);
    }
    for unit in report.items.iter().filter(|unit| unit.kind == Kind::Database) {
        if let (Some(port), Some(sample)) = (unit.port, samples.get_mut(unit.name.as_str())) {
            sample.traffic = sight.traffic.remove(&port);
        }
    }
    if let Some(own) = sight.own {
        samples.insert(OWN.into(), Sample { process: Some(own), ..Sample::default() });
    }
    pass.moment = Moment { at: now(), units: samples.into_iter().collect() };
    pass.took_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    pass
}

fn now() -> i64 {
    Timestamp::now().as_millisecond()
}
