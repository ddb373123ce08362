//! A producer and a consumer as they run in a stack, but for their own routes.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chassis::event::{self, Behind, Consumer, Failure, Handler, New};
use chassis::{Database, Platform, Reader, Secret, context, db};
use contract::event::CloudEvent;
use http::{Method, StatusCode};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, PgPool};
use testkit::{ServiceKeys, TestApp, TestDb, TestRequest, TestResponse, eventually};
use utoipa_axum::router::OpenApiRouter;
use uuid::Uuid;

pub(crate) const LIMIT: Duration = Duration::from_secs(20);
pub(crate) const KIND: &str = "com.dorandoran.store.thing-changed.v1";
pub(crate) const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// One running instance of a service.
pub(crate) struct Service {
    pub(crate) name: &'static str,
    pub(crate) platform: Platform,
    pub(crate) pool: PgPool,
    pub(crate) app: TestApp,
    keys: Arc<ServiceKeys>,
}

impl Service {
    /// An instance over this database. `env` says where others are.
    pub(crate) fn start(
        name: &'static str,
        url: String,
        keys: &Arc<ServiceKeys>,
        env: &[(&str, String)],
    ) -> Self {
        let mut env: BTreeMap<String, String> =
            env.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        env.insert("DORAN_SERVICE_JWKS_FILE".to_owned(), keys.jwks_file().display().to_string());
        env.insert("DORAN_SERVICE_KEY_FILE".to_owned(), keys.key_file(name).display().to_string());
        let mut read = Reader::new(&env);
        let base = read.base(name, 0);
        let platform = Platform::quiet(read.finish(|| Some(base)).unwrap()).unwrap();
        let config = Database { url: Secret::new(url), max_connections: 8 };
        let pool = db::connect_lazy(&config, name).unwrap();
        platform.health().set_database(pool.clone());
        let app = TestApp::new(chassis::app(&platform, OpenApiRouter::new()));
        Self { name, platform, pool, app, keys: Arc::clone(keys) }
    }

    /// Publishes over a port of loopback, whose URL this is.
    pub(crate) async fn serve(&self) -> String {
        event::serve(&self.platform, self.pool.clone());
        self.listen().await
    }

    /// Only the routes.
    pub(crate) async fn listen(&self) -> String {
        let router = chassis::app(&self.platform, OpenApiRouter::new());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        self.platform
            .tasks()
            .spawn_until_drain("server", async move { axum::serve(listener, router).await.unwrap() });
        url
    }

    pub(crate) fn request(&self, method: Method, path: &str, caller: &str) -> TestRequest {
        self.app.request(method, path).bearer(&self.keys.token(caller, self.name))
    }

    pub(crate) async fn get(&self, path: &str) -> TestResponse {
        self.request(Method::GET, path, "operator").send().await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> TestResponse {
        self.request(Method::POST, path, "operator").json(&body).send().await
    }

    pub(crate) async fn events(&self, query: &str) -> Vec<CloudEvent> {
        self.get(&format!("/internal/events?{query}")).await.expect(StatusCode::OK).parsed()
    }

    pub(crate) async fn health(&self) -> Value {
        let health = self.get("/actuator/health").await.expect(StatusCode::OK).json();
        health["components"]["events"].clone()
    }

    /// All positions that were given out.
    pub(crate) async fn last_position(&self) -> i64 {
        let head = self.get("/internal/events/head").await.expect(StatusCode::OK).json();
        head["lastPosition"].as_i64().unwrap()
    }

    /// Waits until so many events can be read.
    pub(crate) async fn numbered(&self, count: i64) {
        eventually(LIMIT, || async { self.last_position().await >= count }).await;
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.platform.drain().end();
    }
}

/// A producer `store` and a consumer `chat`, each with a database of its own.
pub(crate) struct Pair {
    pub(crate) producer: Service,
    pub(crate) consumer: Service,
    pub(crate) recorder: Recorder,
    /// Where the producer listens.
    pub(crate) url: String,
    consumer_db: TestDb,
    _producer_db: TestDb,
}

impl Pair {
    /// The producer publishes; the consumer takes nothing until [`Self::consume`].
    pub(crate) async fn start() -> Self {
        let keys = Arc::new(testkit::keys());
        let (producer_db, consumer_db) = tokio::join!(TestDb::new("store_db"), TestDb::new("chat_db"));
        let producer = Service::start("store", producer_db.url(), &keys, &[]);
        let url = producer.serve().await;
        let consumer = Service::start("chat", consumer_db.url(), &keys, &[("DORAN_STORE_URLS", url.clone())]);
        execute(
            &consumer_db,
            "create table effect (
               n bigserial primary key,
               aggregate uuid not null,
               sequence bigint not null,
               worker text not null,
               at timestamptz not null default clock_timestamp()
             )",
        )
        .await;
        Self {
            producer,
            consumer,
            recorder: Recorder::new("first"),
            url,
            consumer_db,
            _producer_db: producer_db,
        }
    }

    pub(crate) fn consume(&self) {
        consume(&self.consumer, &self.recorder);
    }

    /// Another instance of the consumer's service, which finds the producer at `url`.
    pub(crate) fn another_consumer(&self, url: &str) -> Service {
        let env = [("DORAN_STORE_URLS", url.to_owned())];
        Service::start("chat", self.consumer_db.url(), &self.consumer.keys, &env)
    }

    /// What took effect, in order: aggregate and sequence.
    pub(crate) async fn effects(&self) -> Vec<(Uuid, i64)> {
        let select = "select aggregate, sequence from effect order by n";
        sqlx::query_as(select).fetch_all(&self.consumer.pool).await.unwrap()
    }

    /// Waits until exactly these have taken effect.
    pub(crate) async fn took_effect(&self, expected: &[(Uuid, i64)]) {
        let seen = || async {
            let effects = self.effects().await;
            if effects == expected { Ok(()) } else { Err(effects) }
        };
        eventually(LIMIT, seen).await;
    }

    pub(crate) async fn position(&self) -> i64 {
        let select = "select coalesce(max(position), -1) from consumer_position";
        sqlx::query_scalar(select).fetch_one(&self.consumer.pool).await.unwrap()
    }

    /// Waits until the consumer stands there.
    pub(crate) async fn reached(&self, position: i64) {
        eventually(LIMIT, || async {
            let reached = self.position().await;
            if reached == position { Ok(()) } else { Err(reached) }
        })
        .await;
    }
}

pub(crate) fn consume(service: &Service, recorder: &Recorder) {
    consume_with(service, recorder, Behind::Parked);
}

pub(crate) fn consume_with(service: &Service, recorder: &Recorder, behind: Behind) {
    let consumer = Consumer { name: "recorder", source: "store", behind, handler: recorder.clone() };
    event::consume(&service.platform, service.pool.clone(), consumer);
}

/// Changes the schema as its owner.
pub(crate) async fn execute(database: &TestDb, sql: &str) {
    let mut owner = PgConnection::connect(&database.owner_url()).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut owner).await.unwrap();
}

/// Writes every event into `effect`, unless its data says how to fail.
#[derive(Clone)]
pub(crate) struct Recorder {
    worker: &'static str,
    /// Whether data that says so still makes the handler fail.
    pub(crate) broken: Arc<AtomicBool>,
    /// Trace ids that events were handled in.
    pub(crate) traces: Arc<Mutex<Vec<String>>>,
    /// How often the handler was called for an event that fails.
    pub(crate) failures: Arc<Mutex<u32>>,
}

impl Recorder {
    pub(crate) fn new(worker: &'static str) -> Self {
        Self {
            worker,
            broken: Arc::new(AtomicBool::new(true)),
            traces: Arc::default(),
            failures: Arc::default(),
        }
    }

    pub(crate) fn repair(&self) {
        self.broken.store(false, Ordering::Relaxed);
    }

    fn fail(&self, event: &CloudEvent) -> Result<(), Failure> {
        if !self.broken.load(Ordering::Relaxed) {
            return Ok(());
        }
        let Some(how) = event.data["fails"].as_str() else {
            return Ok(());
        };
        *self.failures.lock().unwrap() += 1;
        match how {
            "permanently" => Err(Failure::permanent("on purpose")),
            "for now" => Err(Failure::transient("the world is not ready")),
            how => panic!("fails with {how}"),
        }
    }
}

impl Handler for Recorder {
    async fn apply(&self, db: &mut PgConnection, event: &CloudEvent) -> Result<(), Failure> {
        let insert = "insert into effect (aggregate, sequence, worker) values ($1, $2, $3)";
        sqlx::query(insert)
            .bind(event.subject)
            .bind(event.sequence)
            .bind(self.worker)
            .execute(&mut *db)
            .await?;
        self.traces.lock().unwrap().push(context::current().trace.trace_id.to_string());
        if event.data["constraint"].is_string() {
            sqlx::query("insert into effect (aggregate, sequence, worker) values (null, 1, '')")
                .execute(db)
                .await?;
        }
        // Last, so that what was written before has to be rolled back.
        self.fail(event)
    }
}

/// Writes one event and commits.
pub(crate) async fn write(pool: &PgPool, aggregate: Uuid, sequence: i64) {
    write_with(pool, aggregate, sequence, json!({})).await;
}

pub(crate) async fn write_with(pool: &PgPool, aggregate: Uuid, sequence: i64, data: Value) {
    let mut tx = pool.begin().await.unwrap();
    insert(&mut tx, aggregate, sequence, &data).await;
    tx.commit().await.unwrap();
}

/// Writes one event into an open transaction.
pub(crate) async fn insert(db: &mut PgConnection, aggregate: Uuid, sequence: i64, data: &Value) {
    let new = New { kind: KIND, aggregate_type: "thing", aggregate_id: aggregate, sequence, data };
    event::publish(db, new).await.unwrap();
}

/// An id that sorts as it was made.
pub(crate) fn id() -> Uuid {
    chassis::fresh_id()
}
