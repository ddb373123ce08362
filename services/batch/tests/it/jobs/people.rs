//! The real auth and user on ports of loopback, with accounts and sessions, and what jobs work with to reach them.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use batch::engine::work::Run;
use batch::engine::{Chunk, Counts, Fault, Job, Place, Sizes, Work};
use batch::jobs::Means;
use chassis::{HasBase as _, Platform, Service};
use futures_util::future::{BoxFuture, pending};
use serde_json::Value;
use sqlx::PgPool;
use testkit::{ServiceKeys, TestDb, eventually};
use tokio::sync::Notify;
use tokio::task::JoinSet;

use super::instance::{Ended, Ground};

const LIMIT: Duration = Duration::from_secs(30);

/// Ends with the test.
pub(crate) struct People {
    pub(crate) auth_db: PgPool,
    pub(crate) user_db: PgPool,
    keys: ServiceKeys,
    urls: [String; 2],
    _serving: JoinSet<()>,
    _databases: [TestDb; 2],
}

/// What a step has done in all.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Done {
    pub(crate) counts: Counts,
    pub(crate) summary: BTreeMap<String, i64>,
    pub(crate) rows: Vec<Value>,
}

impl People {
    pub(crate) async fn start() -> Self {
        let databases = [TestDb::new("auth_db").await, TestDb::new("user_db").await];
        let keys = testkit::keys();
        let mut serving = JoinSet::new();
        let urls = [
            serve(&mut serving, auth(&keys, &databases[0]).await),
            serve(&mut serving, user(&keys, &databases[1])),
        ];
        Self {
            auth_db: databases[0].pool(),
            user_db: databases[1].pool(),
            keys,
            urls,
            _serving: serving,
            _databases: databases,
        }
    }

    /// An instance of batch that knows both.
    pub(crate) fn platform(&self) -> Platform {
        let key = self.keys.key_file("batch").display().to_string();
        let environment = [
            ("DATABASE_URL", "postgres://unused@localhost/unused"),
            ("DORAN_OBJECT_STORE_URL", "file:///unused"),
            ("DORAN_AUTH_URLS", &self.urls[0]),
            ("DORAN_USER_URLS", &self.urls[1]),
            ("DORAN_SERVICE_KEY_FILE", &key),
        ];
        let config = batch::Config::from_env(&environment).unwrap();
        Platform::quiet(config.base().clone()).unwrap()
    }

    pub(crate) fn job(&self, ground: &Ground, make: fn(&Means) -> Job) -> Job {
        make(&Means::new(&self.platform(), ground.pool.clone(), ground.objects.clone()))
    }

    /// Runs the job by the engine. Its owner is killed when it has done chunk 2 of the first step and nobody here knows
    /// of that; another goes on.
    pub(crate) async fn killed_behind_a_write(
        &self,
        ground: &Ground,
        make: fn(&Means) -> Job,
        size: u32,
        parameters: &[(&str, &str)],
    ) -> Ended {
        let [doomed, heir] = [self.platform(), self.platform()];
        let mut job = self.sized(ground, make, size);
        let name = job.name;
        let written = Arc::new(Notify::new());
        let step = &mut job.steps[0];
        step.work = Arc::new(Dying { work: step.work.clone(), written: written.clone() });
        let runner = ground.runner(&doomed, job);
        let id = ground.begin(name, parameters, false).await;
        tokio::time::timeout(LIMIT, written.notified()).await.expect("chunk 2 is reached");
        doomed.drain().end();
        eventually(LIMIT, || async { runner.running() == 0 }).await;
        let _runner = ground.runner(&heir, self.sized(ground, make, size));
        let ended = ground.ended(id).await;
        heir.drain().end();
        ended
    }

    fn sized(&self, ground: &Ground, make: fn(&Means) -> Job, size: u32) -> Job {
        let mut job = self.job(ground, make);
        job.steps[0].sizes = Sizes::fixed(size);
        job
    }
}

/// Does its work up to chunk 2, and never gets to say that this one is done.
struct Dying {
    work: Arc<dyn Work>,
    written: Arc<Notify>,
}

impl Work for Dying {
    fn prepare<'a>(&'a self, place: &'a Place) -> BoxFuture<'a, Result<Option<Value>, Fault>> {
        self.work.prepare(place)
    }

    fn chunk<'a>(&'a self, place: &'a Place) -> BoxFuture<'a, Result<Chunk, Fault>> {
        Box::pin(async move {
            let done = self.work.chunk(place).await?;
            if place.chunk == 2 {
                self.written.notify_one();
                pending::<()>().await;
            }
            Ok(done)
        })
    }
}

impl Done {
    /// Does every chunk of the first step `times` times, and counts what was answered last.
    pub(crate) async fn by(job: &Job, run: &Run, size: u32, times: usize) -> Result<Self, Fault> {
        let step = &job.steps[0];
        let run = Run { step: step.name, ..run.clone() };
        let mut place = Place { run, part: None, chunk: 0, cursor: None, size, prepared: None };
        let mut done = Self::default();
        loop {
            place.prepared = None;
            place.prepared = step.work.prepare(&place).await?;
            let mut chunk = step.work.chunk(&place).await?;
            for _ in 1..times {
                chunk = step.work.chunk(&place).await?;
            }
            done.add(&chunk);
            (place.cursor, place.chunk) = (chunk.next, place.chunk + 1);
            if place.cursor.is_none() {
                return Ok(done);
            }
        }
    }

    fn add(&mut self, chunk: &Chunk) {
        self.counts.read += chunk.counts.read;
        self.counts.filtered += chunk.counts.filtered;
        self.counts.written += chunk.counts.written;
        for (name, number) in &chunk.summary {
            *self.summary.entry(name.clone()).or_default() += number;
        }
        self.rows.extend(chunk.rows.iter().cloned());
    }
}

async fn auth(keys: &ServiceKeys, database: &TestDb) -> (Platform, Router) {
    let seal = keys.jwks_file().with_file_name("seal");
    std::fs::write(&seal, "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc").unwrap();
    let mut environment = environment(keys, "auth", database);
    environment.insert("DORAN_AUTH_SEAL_FILE".to_owned(), path(&seal));
    let config = auth::Config::from_env(&environment).unwrap();
    let platform = Platform::quiet(config.base.clone()).unwrap();
    let state = auth::state(config, &platform).await.unwrap();
    let router = auth::app(&platform, state);
    (platform, router)
}

fn user(keys: &ServiceKeys, database: &TestDb) -> (Platform, Router) {
    let config = user::Config::from_env(&environment(keys, "user", database)).unwrap();
    let platform = Platform::quiet(config.base.clone()).unwrap();
    let router = user::app(&platform, user::state(&config, &platform).unwrap());
    (platform, router)
}

fn environment(keys: &ServiceKeys, service: &str, database: &TestDb) -> BTreeMap<String, String> {
    BTreeMap::from([
        ("DATABASE_URL".to_owned(), database.url()),
        ("DORAN_SERVICE_JWKS_FILE".to_owned(), path(&keys.jwks_file())),
        ("DORAN_SERVICE_KEY_FILE".to_owned(), path(&keys.key_file(service))),
    ])
}

fn path(path: &Path) -> String {
    path.display().to_string()
}

fn serve(serving: &mut JoinSet<()>, (platform, router): (Platform, Router)) -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    serving.spawn(async move {
        let drain = platform.drain().clone();
        chassis::server::serve(listener, Service::from(router), drain).await.unwrap();
    });
    url
}
