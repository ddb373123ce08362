//! Jobs that nobody runs, on a database of their own, and the looks that fire them.

use std::sync::Arc;
use std::time::Duration;

use batch::engine::{Chunk, Fault, Job, Parameter, Place, Range, Registry, Schedule, Sizes, Step, Work};
use batch::repository::job;
use batch::scheduler::{Round, round};
use batch::{AppState, Config};
use chassis::{HasBase as _, Platform};
use chrono::{DateTime, TimeDelta, Timelike as _, Utc};
use contract::batch::{Concurrency, FireOutcome, Misfire, ParameterType};
use futures_util::future::BoxFuture;
use sqlx::PgPool;
use tempfile::TempDir;
use testkit::{ServiceKeys, TestApp, TestDb};

pub(super) const LIMIT: Duration = Duration::from_secs(20);
const HORIZON: Duration = Duration::from_secs(1);
/// The job that the tests are about.
pub(super) const JOB: &str = "hourly";
/// It has parameters.
pub(super) const OTHER: &str = "other";

/// Done as soon as it is begun.
struct Nothing;

impl Work for Nothing {
    fn chunk<'a>(&'a self, place: &'a Place) -> BoxFuture<'a, Result<Chunk, Fault>> {
        let _ = place;
        Box::pin(async { Ok(Chunk::default()) })
    }
}

const PARAMETERS: &[Parameter] = &[Parameter {
    name: "limit",
    description: "At most so many.",
    kind: ParameterType::Long,
    range: Range::Any,
    default: Some("100"),
    required: false,
    identifying: true,
}];

fn job(name: &'static str, cron: &'static str, parameters: &'static [Parameter]) -> Job {
    Job {
        name,
        description: "Does nothing.",
        parameters,
        schedule: Schedule { cron, misfire: Misfire::RunOnce, concurrency: Concurrency::Forbid },
        steps: vec![Step {
            name: "nothing",
            parallel: 1,
            sizes: Sizes::fixed(1),
            skip_limit: 0,
            work: Arc::new(Nothing),
        }],
    }
}

pub(super) fn registry() -> Registry {
    Registry::new(vec![job(JOB, "0 * * * *", &[]), job(OTHER, "30 3 * * *", PARAMETERS)])
}

/// A database with the jobs in it.
pub(super) struct Stage {
    pub(super) db: TestDb,
    pub(super) pool: PgPool,
    pub(super) jobs: Registry,
    objects: TempDir,
}

impl Stage {
    pub(super) async fn set() -> Self {
        let db = TestDb::new("batch_db").await;
        let (pool, jobs) = (db.pool(), registry());
        job::sync(&pool, &jobs).await.unwrap();
        Self { db, pool, jobs, objects: testkit::private_directory() }
    }

    /// Slots of [`JOB`] have passed, the newest of them at least 25 minutes ago, and no other does while the test runs.
    pub(super) async fn miss(
        &self,
        slots: u32,
        misfire: Misfire,
        concurrency: Concurrency,
    ) -> Vec<DateTime<Utc>> {
        let now: DateTime<Utc> = sqlx::query_scalar("select now()").fetch_one(&self.pool).await.unwrap();
        let newest = (now - TimeDelta::minutes(30)).with_second(0).unwrap().with_nanosecond(0).unwrap();
        let slots: Vec<_> = (0..slots).rev().map(|back| newest - TimeDelta::hours(back.into())).collect();
        sqlx::query(
            "update batch_job set cron = $2, zone = 'UTC', misfire = $3, concurrency = $4, next_fire_at = $5
             where name = $1",
        )
        .bind(JOB)
        .bind(format!("{} * * * *", newest.minute()))
        .bind(misfire.as_str())
        .bind(concurrency.as_str())
        .bind(slots.first())
        .execute(&self.pool)
        .await
        .unwrap();
        slots
    }

    pub(super) async fn look(&self) -> Round {
        round(&self.pool, &self.jobs, HORIZON).await.unwrap()
    }

    /// Slots of [`JOB`], the oldest first.
    pub(super) async fn fires(&self) -> Vec<(DateTime<Utc>, FireOutcome)> {
        sqlx::query_as("select slot, outcome from schedule_fire where job_name = $1 order by slot")
            .bind(JOB)
            .fetch_all(&self.pool)
            .await
            .unwrap()
    }

    pub(super) async fn next(&self) -> Option<DateTime<Utc>> {
        sqlx::query_scalar("select next_fire_at from batch_job where name = $1")
            .bind(JOB)
            .fetch_one(&self.pool)
            .await
            .unwrap()
    }

    /// Of [`JOB`], by the `slot` that it was begun for.
    pub(super) async fn executions(&self) -> Vec<(String, String)> {
        sqlx::query_as(
            "select value, status from execution
             join execution_parameter on execution_id = execution.id and name = 'slot'
             where job_name = $1 order by value",
        )
        .bind(JOB)
        .fetch_all(&self.pool)
        .await
        .unwrap()
    }

    /// The service's router, whose jobs nobody fires.
    pub(super) fn api(&self) -> Api {
        let keys = testkit::keys();
        let (platform, state) = self.service(&keys.jwks_file().display().to_string());
        let app = batch::app(&platform, AppState { jobs: self.jobs.clone(), ..state });
        Api { app: TestApp::new(app), keys }
    }

    /// The jobs that the service really has.
    pub(super) fn own(&self) -> Registry {
        self.service(&testkit::keys().jwks_file().display().to_string()).1.jobs
    }

    fn service(&self, jwks: &str) -> (Platform, AppState) {
        let objects = format!("file://{}", self.objects.path().display());
        let config = Config::from_env(&[
            ("DATABASE_URL", &*self.db.url()),
            ("DORAN_OBJECT_STORE_URL", &*objects),
            ("DORAN_SERVICE_JWKS_FILE", jwks),
        ])
        .unwrap();
        let platform = Platform::quiet(config.base().clone()).unwrap();
        let state = batch::state(&config, &platform).unwrap();
        (platform, state)
    }
}

pub(super) struct Api {
    pub(super) app: TestApp,
    pub(super) keys: ServiceKeys,
}

impl Api {
    pub(super) fn operator(&self) -> String {
        self.keys.token("operator", "batch")
    }
}

pub(super) fn slot(slot: DateTime<Utc>) -> String {
    slot.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}
