//! A database, jobs of the test's own, and as many instances of the service as it wants.

use std::sync::Arc;
use std::time::Duration;

use batch::engine::{
    Chunk, Chunks, Fault, Job, Place, Registry, Runner, Schedule, Sizes, Step, Work, runner::Settings,
};
use batch::repository::execution::{self, Start, StartError, Wished};
use batch::{Config, domain::parameter};
use chassis::{HasBase as _, Platform};
use contract::batch::{Concurrency, ExecutionStatus, Misfire, ParameterType, ParameterValue};
use contract::id::ExecutionId;
use futures_util::future::BoxFuture;
use serde_json::Value;
use testkit::{TestDb, eventually};

use super::world::{Numbers, World};

pub(super) const LIMIT: Duration = Duration::from_secs(20);

/// Long leases, so that only what a test does ends one; short pauses.
pub(super) const QUICK: Settings = Settings {
    lease: Duration::from_mins(10),
    heartbeat: Duration::from_secs(1),
    poll: Duration::from_millis(20),
    patience: Duration::from_mins(10),
};

/// An owner is missed soon.
pub(super) const SHORT: Settings =
    Settings { lease: Duration::from_secs(1), heartbeat: Duration::from_millis(200), ..QUICK };

pub(super) const JOB: &str = "count";

pub(super) struct Stage {
    pub(super) db: TestDb,
    pub(super) world: Arc<World>,
}

/// An instance of the service.
pub(super) struct Instance {
    pub(super) platform: Platform,
    pub(super) runner: Runner,
}

impl Instance {
    /// As SIGKILL: nothing is given back.
    pub(super) async fn kill(&self) {
        self.platform.drain().end();
        eventually(LIMIT, || async { self.runner.running() == 0 }).await;
    }

    /// As SIGTERM.
    pub(super) fn stop(&self) {
        self.platform.drain().begin();
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        self.platform.drain().end();
    }
}

/// What the database says of an execution.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(super) struct Seen {
    pub(super) status: ExecutionStatus,
    pub(super) exit_code: String,
    pub(super) exit_message: Option<String>,
    pub(super) owner: Option<String>,
    pub(super) takeovers: i32,
    pub(super) fence: i64,
    pub(super) summary: Value,
    pub(super) restart_of: Option<ExecutionId>,
}

/// What it says of a step, or a part.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(super) struct SeenStep {
    pub(super) name: String,
    pub(super) status: ExecutionStatus,
    pub(super) commit_count: i64,
    pub(super) read_count: i64,
    pub(super) filter_count: i64,
    pub(super) write_count: i64,
    pub(super) process_skip_count: i64,
    pub(super) write_skip_count: i64,
    pub(super) rollback_count: i64,
    pub(super) total_estimate: Option<i64>,
    pub(super) context: Value,
    pub(super) exit_message: Option<String>,
}

/// A work that answers at once.
pub(super) struct Says<F>(pub(super) F);

impl<F: Fn(&Place) -> Result<Chunk, Fault> + Send + Sync> Work for Says<F> {
    fn chunk<'a>(&'a self, place: &'a Place) -> BoxFuture<'a, Result<Chunk, Fault>> {
        Box::pin(async { (self.0)(place) })
    }
}

pub(super) fn step(name: &'static str, work: impl Work + 'static, sizes: Sizes) -> Step {
    Step { name, parallel: 1, sizes, skip_limit: 0, work: Arc::new(work) }
}

pub(super) fn job(steps: Vec<Step>) -> Registry {
    let schedule = Schedule { cron: "0 3 * * *", misfire: Misfire::Skip, concurrency: Concurrency::Forbid };
    Registry::new(vec![Job { name: JOB, description: "", parameters: &[], schedule, steps }])
}

impl Stage {
    pub(super) async fn set() -> Self {
        let db = TestDb::new("batch_db").await;
        sqlx::query("insert into batch_job (name, description) values ($1, '')")
            .bind(JOB)
            .execute(&db.pool())
            .await
            .unwrap();
        Self { db, world: Arc::default() }
    }

    pub(super) fn numbers(&self, total: u64) -> Numbers {
        Numbers { world: self.world.clone(), total, parts: &[] }
    }

    /// One step, `write`, of so many numbers in chunks of `size`.
    pub(super) fn counting(&self, total: u64, size: u32) -> Step {
        step("write", Chunks(self.numbers(total)), Sizes::fixed(size))
    }

    pub(super) fn instance(&self, jobs: Registry, settings: Settings) -> Instance {
        self.instance_with_drain(jobs, settings, "10")
    }

    pub(super) fn instance_with_drain(&self, jobs: Registry, settings: Settings, secs: &str) -> Instance {
        let url = self.db.url();
        let environment = [
            ("DATABASE_URL", &*url),
            ("DORAN_OBJECT_STORE_URL", "file:///nonexistent"),
            ("DORAN_DRAIN_SECS", secs),
        ];
        let config = Config::from_env(&environment).expect("the test's environment is complete");
        let platform = Platform::quiet(config.base().clone()).expect("nothing can be missing");
        let runner = Runner::start(&platform, &self.db.pool(), jobs, settings);
        Instance { platform, runner }
    }

    pub(super) async fn try_start(&self, run: &str, dry_run: bool) -> Result<ExecutionId, StartError> {
        let parameters = [
            ParameterValue {
                name: "pages".to_owned(),
                kind: ParameterType::Long,
                value: "7".to_owned(),
                identifying: false,
            },
            parameter::own(parameter::RUN, run.to_owned()),
        ];
        let start = Start {
            job: JOB,
            parameters: &parameters,
            dry_run,
            triggered_by: "operator",
            as_of: "2026-03-01T00:00:00Z".parse().unwrap(),
        };
        let mut tx = self.db.pool().begin().await.unwrap();
        let started = execution::start(&mut tx, &start).await?;
        tx.commit().await.unwrap();
        Ok(started)
    }

    pub(super) async fn start(&self) -> ExecutionId {
        self.try_start("1", false).await.unwrap()
    }

    pub(super) async fn start_as(&self, run: &str) -> ExecutionId {
        self.try_start(run, false).await.unwrap()
    }

    pub(super) async fn stop(&self, id: ExecutionId) -> Wished {
        execution::stop(&mut self.db.pool().acquire().await.unwrap(), id).await.unwrap()
    }

    pub(super) async fn abandon(&self, id: ExecutionId) -> Wished {
        execution::abandon(&mut self.db.pool().acquire().await.unwrap(), id).await.unwrap()
    }

    pub(super) async fn restart(&self, id: ExecutionId) -> Wished {
        let mut tx = self.db.pool().begin().await.unwrap();
        let wished = execution::restart(&mut tx, id, "user:1").await.unwrap();
        tx.commit().await.unwrap();
        wished
    }

    pub(super) async fn seen(&self, id: ExecutionId) -> Seen {
        sqlx::query_as(
            "select status, exit_code, exit_message, owner, takeovers, fence, summary, restart_of
             from execution where id = $1",
        )
        .bind(id)
        .fetch_one(&self.db.pool())
        .await
        .unwrap()
    }

    pub(super) async fn becomes(&self, id: ExecutionId, status: ExecutionStatus) -> Seen {
        eventually(LIMIT, || async {
            let seen = self.seen(id).await;
            if seen.status == status { Ok(seen) } else { Err(seen) }
        })
        .await
    }

    pub(super) async fn steps(&self, id: ExecutionId) -> Vec<SeenStep> {
        sqlx::query_as("select * from step where execution_id = $1 order by position, id")
            .bind(id)
            .fetch_all(&self.db.pool())
            .await
            .unwrap()
    }

    pub(super) async fn step(&self, id: ExecutionId) -> SeenStep {
        let [step] = <[_; 1]>::try_from(self.steps(id).await).unwrap();
        step
    }

    /// `LEVEL step: message` of every line.
    pub(super) async fn log(&self, id: ExecutionId) -> Vec<String> {
        sqlx::query_scalar(
            "select level || ' ' || coalesce(step_name || ': ', '') || message
             from log where execution_id = $1 order by id",
        )
        .bind(id)
        .fetch_all(&self.db.pool())
        .await
        .unwrap()
    }

    /// `PHASE key: error` of every skipped item.
    pub(super) async fn skipped(&self, id: ExecutionId) -> Vec<String> {
        sqlx::query_scalar(
            "select phase || ' ' || item_key || ': ' || error
             from skipped_item join step on step.id = step_id where execution_id = $1 order by skipped_item.id",
        )
        .bind(id)
        .fetch_all(&self.db.pool())
        .await
        .unwrap()
    }

    pub(super) async fn rows(&self) -> Vec<Value> {
        sqlx::query_scalar("select content from report_row order by id")
            .fetch_all(&self.db.pool())
            .await
            .unwrap()
    }
}
