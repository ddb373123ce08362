//! One run of one job in copies of the databases: its processes, the execution, and what came of it.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use batch::repository::execution::{self, Start};
use chrono::{DateTime, Utc};
use contract::env as name;
use contract::id::ExecutionId;
use sqlx::Connection as _;
use tempfile::TempDir;
use testkit::eventually;
use tokio::sync::{SemaphorePermit, watch};
use tokio::task::JoinSet;

use super::cluster::{Database, PATIENCE};
use super::fate::{Fate, Fates};
use super::outcome::Outcome;
use super::process::{Passed, Unit};
use super::role::{FATES, LEASE, Lease, OWN};
use super::service::Served;
use super::stage::Stage;
use super::trial::Trial;

/// For a job to come to its end, whatever was done to it.
const END: Duration = Duration::from_mins(30);

/// How a scene differs from the plain one.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Way {
    /// The second instance is started when the first has died.
    pub(crate) second_comes_late: bool,
    pub(crate) lease: Lease,
    /// The matrix's own job does again what comes again.
    pub(crate) forgets: bool,
}

pub(crate) struct Scene<'a> {
    stage: &'a Stage,
    trial: Trial,
    way: Way,
    pub(crate) batch: Database,
    served: Option<(Database, Served)>,
    home: TempDir,
    pub(crate) units: Vec<Arc<Unit>>,
    keeping: JoinSet<Infallible>,
    deaths: Arc<AtomicU64>,
    execution: Option<ExecutionId>,
    began: DateTime<Utc>,
    _place: SemaphorePermit<'a>,
}

impl<'a> Scene<'a> {
    /// Everything is prepared; no process of batch runs yet.
    pub(crate) async fn set(stage: &'a Stage, trial: Trial, fates: &[Fate], way: Way) -> Self {
        let place = stage.places.acquire().await.unwrap();
        let batch = stage.copy("batch").await;
        let served = match trial.service() {
            Some(service) => {
                let database = stage.copy(service).await;
                let served = Served::start(&database, &stage.keys).await;
                Some((database, served))
            }
            None => None,
        };
        let home = tempfile::tempdir().unwrap();
        Fates::write(&home.path().join("fates"), fates);
        let mut environment = vec![
            (name::DATABASE_URL.to_owned(), batch.url()),
            (name::OBJECT_STORE_URL.to_owned(), format!("file://{}", home.path().join("objects").display())),
            (name::SERVICE_JWKS_FILE.to_owned(), stage.keys.jwks_file().display().to_string()),
            (name::SERVICE_KEY_FILE.to_owned(), stage.keys.key_file("batch").display().to_string()),
            (FATES.to_owned(), home.path().join("fates").display().to_string()),
        ];
        environment
            .extend(served.iter().map(|(_, served)| (name::urls_of(served.service), served.url.clone())));
        let memory = if way.forgets { "forgets" } else { "keeps" };
        environment.extend((trial == Trial::Own).then(|| (OWN.to_owned(), memory.to_owned())));
        environment.push((LEASE.to_owned(), way.lease.as_str().to_owned()));
        environment.extend(
            std::env::var_os("MATRIX_LOGS")
                .map(|path| ("MATRIX_LOGS".to_owned(), path.into_string().unwrap())),
        );
        let unit = |n| Arc::new(Unit::new(format!("batch-{n}"), environment.clone()));
        Self {
            stage,
            trial,
            way,
            batch,
            served,
            home,
            units: vec![unit(1), unit(2)],
            keeping: JoinSet::new(),
            deaths: Arc::default(),
            execution: None,
            began: Utc::now(),
            _place: place,
        }
    }

    /// Both instances run from now on, and are started again whenever they die.
    pub(crate) fn keep_all(&mut self) {
        let (died, deaths) = watch::channel(());
        let died = Arc::new(died);
        for (n, unit) in self.units.iter().cloned().enumerate() {
            let waits = n > 0 && self.way.second_comes_late;
            let (died, mut deaths, count) = (died.clone(), deaths.clone(), self.deaths.clone());
            self.keeping.spawn(async move {
                if waits {
                    deaths.changed().await.unwrap();
                }
                loop {
                    let mut run = unit.start();
                    run.death().await;
                    count.fetch_add(1, Ordering::Relaxed);
                    died.send_replace(());
                }
            });
        }
    }

    /// The execution waits for somebody to take it up.
    pub(crate) async fn begin(&mut self) -> ExecutionId {
        self.registered().await;
        let mut db = self.batch.superuser().await;
        let parameters = self.trial.parameters();
        let start = Start {
            job: self.trial.job(),
            parameters: &parameters,
            dry_run: false,
            triggered_by: "operator",
            as_of: self.stage.as_of,
        };
        let mut tx = db.begin().await.unwrap();
        let id = execution::start(&mut tx, &start).await.unwrap();
        tx.commit().await.unwrap();
        self.execution = Some(id);
        id
    }

    /// The first instance to run writes down its jobs.
    async fn registered(&self) {
        let db = tokio::sync::Mutex::new(self.batch.superuser().await);
        eventually(PATIENCE, || async {
            let sql = "select exists (select from batch_job where name = $1)";
            sqlx::query_scalar::<_, bool>(sql)
                .bind(self.trial.job())
                .fetch_one(&mut *db.lock().await)
                .await
                .unwrap()
        })
        .await;
    }

    /// Until the execution has its end, or an instance one that nobody has made for it.
    pub(crate) async fn ended(&mut self) {
        let id = self.execution.unwrap();
        let db = tokio::sync::Mutex::new(self.batch.superuser().await);
        let ended = eventually(END, || async {
            let sql = "select end_time is not null from execution where id = $1";
            sqlx::query_scalar::<_, bool>(sql)
                .bind(id.as_uuid())
                .fetch_one(&mut *db.lock().await)
                .await
                .unwrap()
        });
        tokio::select! {
            () = ended => {}
            Some(failed) = self.keeping.join_next() => match failed.unwrap() {},
        }
    }

    /// Fence and takeovers of the execution.
    pub(crate) async fn fence(&self) -> (i64, i32) {
        let sql = "select fence, takeovers from execution where id = $1";
        let id = self.execution.unwrap();
        sqlx::query_as(sql).bind(id.as_uuid()).fetch_one(&mut self.batch.superuser().await).await.unwrap()
    }

    /// Until a second owner has it.
    pub(crate) async fn taken_over(&self) {
        let id = self.execution.unwrap();
        let db = tokio::sync::Mutex::new(self.batch.superuser().await);
        eventually(END, || async {
            let sql = "select takeovers > 0 from execution where id = $1";
            sqlx::query_scalar::<_, bool>(sql)
                .bind(id.as_uuid())
                .fetch_one(&mut *db.lock().await)
                .await
                .unwrap()
        })
        .await;
    }

    /// Until nobody is in the midst of one, of those who work in `batch_db`.
    pub(crate) async fn no_transaction_is_open(&self) {
        let db = tokio::sync::Mutex::new(self.batch.superuser().await);
        eventually(PATIENCE, || async {
            let sql = "select not exists (
                         select from pg_stat_activity
                         where datname = current_database() and state like 'idle in transaction%'
                       )";
            sqlx::query_scalar::<_, bool>(sql).fetch_one(&mut *db.lock().await).await.unwrap()
        })
        .await;
    }

    /// The matrix's own job fails no more.
    pub(crate) async fn repair(&self) {
        sqlx::query("delete from own_fault").execute(&mut self.batch.superuser().await).await.unwrap();
    }

    pub(crate) fn fates(&self) -> Fates {
        Fates::read(self.home.path().join("fates"))
    }

    pub(crate) fn deaths(&self) -> u64 {
        self.deaths.load(Ordering::Relaxed)
    }

    /// What all processes have passed.
    pub(crate) fn passed(&self) -> Passed {
        let mut all: Passed = Vec::new();
        for (which, count) in self.units.iter().flat_map(|unit| unit.passed()) {
            match all.iter_mut().find(|(known, _)| *known == which) {
                Some((_, sum)) => *sum += count,
                None => all.push((which, count)),
            }
        }
        all
    }

    /// What it has left behind. Its databases go.
    pub(crate) async fn close(mut self) -> Outcome {
        // Whoever keeps an instance ends only of one that has died of nothing we know.
        if let Some(failed) = self.keeping.try_join_next() {
            match failed.unwrap() {}
        }
        self.keeping.shutdown().await;
        let service = match self.served.take() {
            Some((database, served)) => {
                served.end();
                Some(database)
            }
            None => None,
        };
        let objects = self.home.path().join("objects");
        let outcome =
            Outcome::of(&self.batch, service.as_ref(), &objects, self.execution.unwrap(), self.began).await;
        for database in service.into_iter().chain([self.batch]) {
            self.stage.cluster.remove(database).await;
        }
        outcome
    }
}
