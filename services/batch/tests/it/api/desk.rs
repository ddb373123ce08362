//! Instances of batch with a job of the test's own, and people who ask them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use batch::engine::runner::Settings;
use batch::engine::{Job, Parameter, Range, Registry, Runner, Schedule, Sizes, Step};
use batch::live::Streams;
use batch::objects::Objects;
use batch::{AppState, Config};
use chassis::Platform;
use contract::batch::{Concurrency, Execution, ExecutionStatus, Misfire, ParameterType, path};
use contract::env as name;
use contract::id::{ExecutionId, UserId};
use contract::user::Role;
use http::StatusCode;
use serde_json::{Value, json};
use sqlx::PgPool;
use tempfile::TempDir;
use testkit::{Issuer, ServiceKeys, TestApp, TestDb, TestRequest, eventually};

use super::scripted::Scripted;

pub(super) const LIMIT: Duration = Duration::from_secs(30);
pub(super) const JOB: &str = "count";
/// Takes a `day` that it must have, and a `limit`.
pub(super) const STRICT: &str = "strict";

const QUICK: Settings = Settings {
    lease: Duration::from_mins(10),
    heartbeat: Duration::from_mins(1),
    poll: Duration::from_millis(20),
    patience: Duration::from_mins(10),
};

const PARAMETERS: &[Parameter] = &[
    Parameter {
        name: "day",
        description: "Which day",
        kind: ParameterType::Date,
        range: Range::Any,
        default: None,
        required: false,
        identifying: true,
    },
    Parameter {
        name: "limit",
        description: "At most so many",
        kind: ParameterType::Long,
        range: Range::Any,
        default: Some("100"),
        required: false,
        identifying: false,
    },
];

const STRICT_PARAMETERS: &[Parameter] = &[Parameter { required: true, ..PARAMETERS[0] }, PARAMETERS[1]];

/// Whether the instance runs executions, or only answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hands {
    On,
    Off,
}

pub(super) struct Desk {
    pub(super) app: TestApp,
    pub(super) router: Router,
    pub(super) platform: Platform,
    pub(super) db: PgPool,
    pub(super) work: Arc<Scripted>,
    pub(super) objects: TempDir,
    pub(super) issuer: Issuer,
    pub(super) keys: ServiceKeys,
    pub(super) admin: UserId,
    database: TestDb,
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.platform.drain().end();
    }
}

impl Desk {
    /// Whose instance runs what it is asked for: thirty items in three chunks.
    pub(super) async fn open() -> Self {
        Self::with(Hands::On).await
    }

    /// Whose instance leaves to others what it is asked for.
    pub(super) async fn idle() -> Self {
        Self::with(Hands::Off).await
    }

    async fn with(hands: Hands) -> Self {
        let (database, keys, issuer) = (TestDb::new("batch_db").await, testkit::keys(), Issuer::new());
        let (objects, work) = (testkit::private_directory(), Scripted::new(30));
        let db = database.pool();
        for job in [JOB, STRICT] {
            sqlx::query("insert into batch_job (name, description) values ($1, '')")
                .bind(job)
                .execute(&db)
                .await
                .unwrap();
        }
        let (router, platform) = instance(&database, &keys, &issuer, &objects, jobs(&work), hands);
        let (app, admin) = (TestApp::new(router.clone()), chassis::fresh_id());
        Self { app, router, platform, db, work, objects, issuer, keys, admin, database }
    }

    /// Another instance over the same database, which runs nothing.
    pub(super) fn another(&self) -> (Router, Platform) {
        let jobs = jobs(&self.work);
        instance(&self.database, &self.keys, &self.issuer, &self.objects, jobs, Hands::Off)
    }

    pub(super) fn token(&self) -> String {
        self.issuer.token(self.admin, Role::Admin)
    }

    pub(super) fn get(&self, path: &str) -> TestRequest {
        self.app.get(path).bearer(&self.token())
    }

    pub(super) fn post(&self, path: &str) -> TestRequest {
        self.app.post(path).bearer(&self.token())
    }

    pub(super) async fn ask(&self, path: &str) -> Value {
        self.get(path).send().await.expect(StatusCode::OK).json()
    }

    /// A new run.
    pub(super) async fn run(&self) -> ExecutionId {
        let request = self.post(&path::trigger(JOB)).json(&json!({}));
        request.send().await.expect(StatusCode::ACCEPTED).parsed::<Execution>().id
    }

    pub(super) async fn read(&self, id: ExecutionId) -> Execution {
        self.get(&path::execution(id)).send().await.expect(StatusCode::OK).parsed()
    }

    /// Waits for it.
    pub(super) async fn until(&self, id: ExecutionId, status: ExecutionStatus) -> Execution {
        eventually(LIMIT, || async {
            let execution = self.read(id).await;
            if execution.status == status { Ok(execution) } else { Err(execution) }
        })
        .await
    }

    /// A run that is complete: 30 items, of which 21 are written, 6 need nothing and 3 are skipped.
    pub(super) async fn complete(&self) -> Execution {
        let id = self.run().await;
        self.work.allow(3);
        self.until(id, ExecutionStatus::Completed).await
    }

    /// As if it had ended otherwise.
    pub(super) async fn set_status(&self, id: ExecutionId, status: ExecutionStatus) {
        sqlx::query(
            "update execution
             set status = $2, owner = null, lease_until = null, fence = fence + 1,
               end_time = case when $3 then null else now() end
             where id = $1",
        )
        .bind(id.as_uuid())
        .bind(status.as_str())
        .bind(status.is_running())
        .execute(&self.db)
        .await
        .unwrap();
    }
}

/// What is refused says so in its body, too.
#[track_caller]
pub(super) fn problem(answer: testkit::TestResponse, status: StatusCode, code: &str) -> Value {
    assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{}", answer.text());
    let problem = answer.expect(status).json();
    assert_eq!(problem["errorCode"], code, "{problem}");
    problem
}

fn jobs(work: &Arc<Scripted>) -> Registry {
    let schedule = Schedule { cron: "0 3 * * *", misfire: Misfire::Skip, concurrency: Concurrency::Forbid };
    let job = |name, parameters| Job {
        name,
        description: "Counts",
        parameters,
        schedule,
        steps: vec![Step {
            name: "write",
            parallel: 1,
            sizes: Sizes::fixed(10),
            skip_limit: 100,
            work: work.clone(),
        }],
    };
    Registry::new(vec![job(JOB, PARAMETERS), job(STRICT, STRICT_PARAMETERS)])
}

fn instance(
    database: &TestDb,
    keys: &ServiceKeys,
    issuer: &Issuer,
    objects: &TempDir,
    jobs: Registry,
    hands: Hands,
) -> (Router, Platform) {
    let url = format!("file://{}", objects.path().display());
    let config = Config::from_env(&BTreeMap::from([
        (name::DATABASE_URL.to_owned(), database.url()),
        (name::OBJECT_STORE_URL.to_owned(), url.clone()),
        (name::SERVICE_JWKS_FILE.to_owned(), keys.jwks_file().display().to_string()),
        (name::SERVICE_KEY_FILE.to_owned(), keys.key_file("batch").display().to_string()),
    ]))
    .unwrap();
    let platform = Platform::quiet(config.base.clone()).unwrap();
    platform.identity().access.set_keys(&issuer.jwks());
    platform.identity().access.revocations().set_loaded();
    let db = database.pool();
    let hired = if hands == Hands::On { jobs.clone() } else { Registry::new(vec![]) };
    let state = AppState {
        identity: platform.identity().clone(),
        runner: Runner::start(&platform, &db, hired, QUICK),
        objects: Objects::open(&url, &[]).unwrap(),
        streams: Streams::new(&platform, db.clone()),
        db,
        jobs,
    };
    (batch::app(&platform, state), platform)
}
