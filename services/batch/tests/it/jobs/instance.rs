//! Instances of jobs: chunk by chunk in a test's own hands, or by the engine.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use batch::engine::runner::Settings;
use batch::engine::work::Run;
use batch::engine::{Chunk, Effect, Fault, Job, Part, Place, Registry, Runner, Step, Work};
use batch::objects::Objects;
use batch::repository::effect;
use batch::repository::execution::{self, Start};
use chassis::Platform;
use chrono::{DateTime, Utc};
use contract::batch::{ExecutionStatus, ParameterType, ParameterValue};
use contract::id::{ExecutionId, InstanceId};
use serde_json::Value;
use sqlx::PgPool;
use tempfile::TempDir;
use testkit::{TestDb, eventually};

const LIMIT: Duration = Duration::from_secs(30);

/// An owner that is killed is missed soon.
pub(crate) const SHORT: Settings = Settings {
    lease: Duration::from_secs(1),
    heartbeat: Duration::from_millis(200),
    poll: Duration::from_millis(20),
    patience: Duration::from_secs(5),
};

/// `batch_db` and a directory of objects.
pub(crate) struct Ground {
    pub(crate) pool: PgPool,
    pub(crate) directory: TempDir,
    pub(crate) objects: Objects,
    _db: TestDb,
}

/// How an execution ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExecutionStatus,
    pub(crate) message: String,
    pub(crate) summary: BTreeMap<String, i64>,
}

impl Ground {
    pub(crate) async fn new() -> Self {
        let db = TestDb::new("batch_db").await;
        let directory = testkit::private_directory();
        let objects = Objects::open(&format!("file://{}", directory.path().display()), &[]).unwrap();
        Self { pool: db.pool(), directory, objects, _db: db }
    }

    async fn know(&self, job: &str) {
        let insert = "insert into batch_job (name, description) values ($1, '') on conflict do nothing";
        sqlx::query(insert).bind(job).execute(&self.pool).await.unwrap();
    }

    /// Of a job with these parameters. It runs, and nobody owns it.
    pub(crate) async fn instance(&self, job: &'static str, parameters: &[(&str, &str)]) -> Run {
        self.know(job).await;
        let (instance, execution): (InstanceId, ExecutionId) = (chassis::fresh_id(), chassis::fresh_id());
        let create = "
            with instance as (
              insert into job_instance (id, job_name, job_key) values ($2, $1, sha256($2::text::bytea))
            )
            insert into execution (id, instance_id, job_name) values ($3, $2, $1)";
        sqlx::query(create)
            .bind(job)
            .bind(instance.as_uuid())
            .bind(execution.as_uuid())
            .execute(&self.pool)
            .await
            .unwrap();
        let parameters = values(parameters).into_iter().map(|one| (one.name.clone(), one)).collect();
        Run {
            execution,
            instance,
            job,
            step: "",
            parameters: Arc::new(parameters),
            as_of: Utc::now(),
            dry_run: false,
            summary: Arc::default(),
        }
    }

    /// Another execution of the same instance. It runs, and nobody owns it.
    pub(crate) async fn again(&self, run: &Run) -> Run {
        let execution: ExecutionId = chassis::fresh_id();
        sqlx::query("insert into execution (id, instance_id, job_name) values ($1, $2, $3)")
            .bind(execution.as_uuid())
            .bind(run.instance.as_uuid())
            .bind(run.job)
            .execute(&self.pool)
            .await
            .unwrap();
        Run { execution, ..run.clone() }
    }

    /// It is over, however it was.
    pub(crate) async fn end(&self, run: &Run) {
        sqlx::query("update execution set status = 'FAILED', end_time = now() where id = $1")
            .bind(run.execution.as_uuid())
            .execute(&self.pool)
            .await
            .unwrap();
    }

    /// Writes what a chunk found, as its commit does.
    pub(crate) async fn add_rows(&self, run: &Run, rows: &[Value]) {
        for row in rows {
            sqlx::query("insert into report_row (instance_id, content) values ($1, $2)")
                .bind(run.instance.as_uuid())
                .bind(row)
                .execute(&self.pool)
                .await
                .unwrap();
        }
    }

    /// As the engine does, without its fence.
    pub(crate) async fn commit(&self, run: &Run, chunk: &Chunk) {
        self.add_rows(run, &chunk.rows).await;
        let mut db = self.pool.acquire().await.unwrap();
        for one in &chunk.effects {
            match one {
                Effect::Archive(archive) => {
                    assert!(effect::archive(&mut db, run.execution, archive).await.unwrap());
                }
                Effect::ArchiveDropped { path } => {
                    assert!(effect::archive_dropped(&mut db, path).await.unwrap());
                }
                Effect::Report(_) | Effect::ExitCode(_) => panic!("{one:?}"),
            }
        }
    }

    /// Does every chunk of a step `times` times before it is committed.
    pub(crate) async fn work(&self, run: &Run, step: &Step, times: usize) -> Result<(), Fault> {
        let run = Run { step: step.name, ..run.clone() };
        for Part { name, .. } in step.work.parts(&run).await? {
            let mut place = Place {
                run: run.clone(),
                part: name,
                chunk: 0,
                cursor: None,
                size: step.sizes.first,
                prepared: None,
            };
            loop {
                place.prepared = step.work.prepare(&place).await?;
                let mut done = step.work.chunk(&place).await?;
                for _ in 1..times {
                    done = step.work.chunk(&place).await?;
                }
                self.commit(&run, &done).await;
                match done.next {
                    None => break,
                    next => place = Place { cursor: next, chunk: place.chunk + 1, ..place },
                }
            }
        }
        Ok(())
    }

    /// Has the engine run a job.
    pub(crate) async fn begin(&self, job: &str, parameters: &[(&str, &str)], dry_run: bool) -> ExecutionId {
        self.know(job).await;
        let parameters = values(parameters);
        let as_of = Utc::now();
        let start = Start { job, parameters: &parameters, dry_run, triggered_by: "operator", as_of };
        let mut tx = self.pool.begin().await.unwrap();
        let id = execution::start(&mut tx, &start).await.unwrap();
        tx.commit().await.unwrap();
        id
    }

    pub(crate) fn runner(&self, platform: &Platform, job: Job) -> Runner {
        Runner::start(platform, &self.pool, Registry::new(vec![job]), SHORT)
    }

    pub(crate) async fn ended(&self, id: ExecutionId) -> Ended {
        eventually(LIMIT, || async {
            let (status, message, summary): (ExecutionStatus, Option<String>, Value) =
                sqlx::query_as("select status, exit_message, summary from execution where id = $1")
                    .bind(id)
                    .fetch_one(&self.pool)
                    .await
                    .unwrap();
            let summary = serde_json::from_value(summary).unwrap();
            let ended = Ended { status, message: message.unwrap_or_default(), summary };
            if status.is_running() { Err(ended) } else { Ok(ended) }
        })
        .await
    }

    /// Every object below a directory with its content.
    pub(crate) async fn objects_below(&self, directory: &str) -> BTreeMap<String, Vec<u8>> {
        below(&self.objects, directory).await
    }

    /// The only report below a directory, as a table.
    pub(crate) async fn table(&self, directory: &str) -> String {
        let found = self.objects_below(directory).await;
        let tables: Vec<_> = found.into_iter().filter(|(path, _)| path.contains(".csv")).collect();
        let [(_, bytes)] = <[_; 1]>::try_from(tables).unwrap();
        String::from_utf8(bytes).unwrap()
    }
}

pub(crate) async fn below(objects: &Objects, directory: &str) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for object in objects.list(directory).await.unwrap() {
        found.insert(object.path.clone(), objects.get(&object.path, 1 << 25).await.unwrap().to_vec());
    }
    found
}

fn values(parameters: &[(&str, &str)]) -> Vec<ParameterValue> {
    let value = |(name, value): &(&str, &str)| {
        let (name, value) = ((*name).to_owned(), (*value).to_owned());
        ParameterValue { name, kind: ParameterType::String, value, identifying: true }
    };
    parameters.iter().map(value).collect()
}

/// The first chunk of the only part.
pub(crate) fn first(run: &Run) -> Place {
    Place { run: run.clone(), part: None, chunk: 0, cursor: None, size: 1, prepared: None }
}

/// A chunk that must succeed.
pub(crate) async fn done(work: &dyn Work, place: &Place) -> Chunk {
    work.chunk(place).await.unwrap_or_else(|fault| panic!("{place:?}: {fault}"))
}

pub(crate) fn period(_: &Run) -> (DateTime<Utc>, DateTime<Utc>) {
    let time = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
    (time("2026-01-01T00:00:00Z"), time("2026-02-01T00:00:00Z"))
}

pub(crate) fn summary(numbers: &[(&str, i64)]) -> BTreeMap<String, i64> {
    numbers.iter().map(|(name, number)| ((*name).to_owned(), *number)).collect()
}
