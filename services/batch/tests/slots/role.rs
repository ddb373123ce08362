//! What this binary does as a process of its own: it is the service, with one job that does nothing.

use std::io::Read as _;
use std::process::ExitCode;
use std::sync::Arc;

use batch::engine::{Chunk, Fault, Job, Place, Registry, Runner, Schedule, Sizes, Step, Work, runner};
use batch::{Config, SCHEMA, scheduler};
use chassis::{Platform, Service, db};
use contract::batch::{Concurrency, Misfire};
use futures_util::future::BoxFuture;
use rustix::process::{Signal, getpid, kill_process};

/// The variable that gives the process its role.
pub(crate) const ROLE: &str = "SLOTS_ROLE";
/// The test below.
pub(crate) const TEST: &str = "role::a_process_of_the_proof_plays_its_role";
/// The job, whose slots come by the minute.
pub(crate) const JOB: &str = "minutely";

/// Of no meaning where nobody gave the process a role.
#[test]
fn a_process_of_the_proof_plays_its_role() {
    if std::env::var_os(ROLE).is_none() {
        return;
    }
    follow();
    assert_eq!(chassis::run("batch", Config::from_env, build), ExitCode::SUCCESS);
}

/// The service but for its routes.
async fn build(config: Config, platform: Platform) -> anyhow::Result<Service> {
    let db = db::attach(&platform, &config.database, SCHEMA)?;
    let jobs = registry();
    let runner = Runner::start(&platform, &db, jobs.clone(), runner::Settings::default());
    scheduler::start(&platform, &db, jobs, runner);
    Ok(chassis::app(&platform, utoipa_axum::router::OpenApiRouter::new()).into())
}

fn registry() -> Registry {
    Registry::new(vec![Job {
        name: JOB,
        description: "Does nothing, every minute.",
        parameters: &[],
        schedule: Schedule { cron: "* * * * *", misfire: Misfire::RunAll, concurrency: Concurrency::Allow },
        steps: vec![Step {
            name: "nothing",
            parallel: 1,
            sizes: Sizes::fixed(1),
            skip_limit: 0,
            work: Arc::new(Nothing),
        }],
    }])
}

struct Nothing;

impl Work for Nothing {
    fn chunk<'a>(&'a self, place: &'a Place) -> BoxFuture<'a, Result<Chunk, Fault>> {
        let _ = place;
        Box::pin(async { Ok(Chunk::default()) })
    }
}

/// Ends with the parent.
fn follow() {
    let listening = move || {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        kill_process(getpid(), Signal::KILL).unwrap();
    };
    std::thread::Builder::new().name("parent".to_owned()).spawn(listening).unwrap();
}
