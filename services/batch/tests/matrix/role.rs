//! What this binary does as a process of its own: it is batch, with a shorter lease, and tells of the points it passes.

use std::io::BufRead as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use batch::engine::{Registry, Runner, runner};
use batch::jobs::{self, Means};
use batch::live::Streams;
use batch::objects::Objects;
use batch::{AppState, Config, SCHEMA};
use chassis::{Platform, Service, db};
use rustix::process::{Signal, getpid, kill_process};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use super::fate::Fates;
use super::own::{self, Memory};
use super::point::Points;

/// The variable that names the role.
pub(crate) const ROLE: &str = "MATRIX_ROLE";
/// The directory of fates, if there are any.
pub(crate) const FATES: &str = "MATRIX_FATES";
/// How long owners are believed in.
pub(crate) const LEASE: &str = "MATRIX_LEASE";
/// Set where the matrix's own job is the only one, to `keeps` or `forgets`.
pub(crate) const OWN: &str = "MATRIX_OWN";
/// The test below.
pub(crate) const TEST: &str = "role::a_process_of_the_matrix_plays_its_role";

/// A killed owner costs each cell of the matrix so much. Long enough for a busy machine's heartbeats.
const SHORT: runner::Settings = runner::Settings {
    lease: Duration::from_millis(1500),
    heartbeat: Duration::from_millis(300),
    poll: Duration::from_millis(100),
    patience: Duration::from_mins(2),
};
/// Nobody stands still for so long.
const LONG: Duration = Duration::from_mins(10);

/// How long the owners of a scene are believed in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Lease {
    #[default]
    Short,
    /// As the service runs.
    Real,
    Long,
}

impl Lease {
    const ALL: [Self; 3] = [Self::Short, Self::Real, Self::Long];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Short => "short",
            Self::Real => "real",
            Self::Long => "long",
        }
    }

    fn settings(self) -> runner::Settings {
        match self {
            Self::Short => SHORT,
            Self::Real => runner::Settings::default(),
            Self::Long => runner::Settings { lease: LONG, ..SHORT },
        }
    }

    /// What the environment of this process says.
    fn of_this_process() -> Self {
        let named = std::env::var_os(LEASE).unwrap();
        Self::ALL.into_iter().find(|lease| lease.as_str() == named).unwrap()
    }
}

/// Of no meaning where nobody gave the process a role.
#[test]
fn a_process_of_the_matrix_plays_its_role() {
    if std::env::var_os(ROLE).is_none() {
        return;
    }
    watch();
    follow();
    let ended =
        chassis::run(
            "batch",
            Config::from_env,
            |config, platform| async move { build(&config, &platform).await },
        );
    assert_eq!(ended, ExitCode::SUCCESS);
}

/// As the service builds itself, without its schedules.
async fn build(config: &Config, platform: &Platform) -> anyhow::Result<Service> {
    let db = db::attach(platform, &config.database, SCHEMA)?;
    let objects = Objects::open(&config.objects, &config.aws)?;
    let jobs = match std::env::var_os(OWN) {
        Some(memory) => {
            let memory = if memory == "forgets" { Memory::Forgets } else { Memory::Keeps };
            Registry::new(vec![own::job(&db, &objects, memory)])
        }
        None => jobs::all(&Means::new(platform, db.clone(), objects.clone())),
    };
    batch::repository::job::sync(&db, &jobs).await?;
    let runner = Runner::start(platform, &db, jobs.clone(), Lease::of_this_process().settings());
    let (identity, streams) = (platform.identity().clone(), Streams::new(platform, db.clone()));
    let state = AppState { db, identity, jobs, runner, objects, streams };
    Ok(batch::app(platform, state).into())
}

/// In the place of the log. The chassis finds it there and leaves it.
fn watch() {
    let log = std::env::var_os("MATRIX_LOGS")
        .map(|_| tracing_subscriber::fmt::layer().with_ansi(false).with_writer(std::io::stderr));
    let level = if log.is_some() { LevelFilter::INFO } else { LevelFilter::OFF };
    // One filter for all: those of single layers miss events behind sqlx's questions whether one would be wanted.
    let filter = Targets::new().with_default(level).with_target("batch", LevelFilter::DEBUG);
    let fates = std::env::var_os(FATES).map(|directory| Fates::read(PathBuf::from(directory)));
    tracing_subscriber::registry().with(filter).with(log).with(Points::new(fates)).init();
}

/// Ends with the parent.
fn follow() {
    let listening = || {
        for line in std::io::stdin().lock().lines() {
            if line.is_err() {
                break;
            }
        }
        kill_process(getpid(), Signal::KILL).unwrap();
    };
    std::thread::Builder::new().name("parent".to_owned()).spawn(listening).unwrap();
}
