//! The services that reports are about, served on loopback over databases of their own, and batch's means to ask them.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::time::Duration;

use axum::{Router, middleware};
use batch::engine::runner::{Runner, Settings};
use batch::engine::work::Run;
use batch::engine::{Chunk, Effect, Fault, Place, Registry, Work};
use batch::jobs::{self, Means};
use batch::repository::execution::{self, Start, StartError};
use batch::repository::job;
use chassis::{HasBase as _, Platform};
use chrono::{SubsecRound as _, TimeDelta, Utc};
use contract::batch::{ExecutionStatus, ParameterValue, ReportBody};
use contract::env as name;
use contract::id::{ExecutionId, ItemId, OrderId, PaymentId};
use contract::payment::{self, Authorise, Cancel};
use http::{Method, StatusCode};
use serde::Serialize;
use sqlx::PgPool;
use store::saga::{Line, NewOrder};
use tempfile::TempDir;
use testkit::{ServiceKeys, TestApp, TestDb, eventually};

use super::day::{DAY, dated, day_after, noon};
use super::instance::{Ground, done};

const LIMIT: Duration = Duration::from_secs(30);

pub(crate) const PRICE: i64 = 1000;
pub(crate) struct Town {
    pub(crate) ground: Ground,
    pub(crate) jobs: Registry,
    pub(crate) store: store::AppState,
    pub(crate) store_db: PgPool,
    pub(crate) chat_db: PgPool,
    provider: TestApp,
    batch: Platform,
    pub(super) site: Site,
    /// Where chat will be found, from when it is open.
    chat_door: Option<TcpListener>,
}

/// Where the services stand.
pub(super) struct Site {
    keys: ServiceKeys,
    home: TempDir,
    platforms: Vec<Platform>,
    pub(super) databases: Vec<TestDb>,
    /// How long ago the day's noon is.
    pub(super) since_noon: TimeDelta,
}

/// What an instance of a job has left behind.
pub(crate) struct Told {
    pub(crate) summary: BTreeMap<String, i64>,
    pub(crate) exit_code: Option<&'static str>,
    /// None when it has left no report.
    pub(crate) report: Option<ReportBody>,
    pub(crate) csv: String,
}

impl Site {
    /// What a service's environment says, and its door.
    fn env(&self, service: &str, more: &[(&str, String)]) -> BTreeMap<String, String> {
        let own = [
            (name::SERVICE_JWKS_FILE, self.keys.jwks_file().display().to_string()),
            (name::SERVICE_KEY_FILE, self.keys.key_file(service).display().to_string()),
        ];
        own.iter().chain(more).map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
    }

    /// A database of its own.
    async fn database(&mut self, name: &'static str) -> (&'static str, String) {
        let db = TestDb::new(name).await;
        let url = db.url();
        self.databases.push(db);
        (name::DATABASE_URL, url)
    }

    fn serve(&mut self, platform: Platform, door: TcpListener, router: Router) {
        let listener = tokio::net::TcpListener::from_std(door).unwrap();
        platform.tasks().spawn("server", async move { axum::serve(listener, router).await.unwrap() });
        self.platforms.push(platform);
    }

    async fn open_provider(&mut self, door: TcpListener) -> TestApp {
        let ledger = (name::PAYMENT_LEDGER, self.home.path().join("ledger").display().to_string());
        let env = self.env(name::PAYMENT_SANDBOX, &[ledger]);
        let config = payment_sandbox::Config::from_env(&env).unwrap();
        let platform = Platform::quiet(config.base().clone()).unwrap();
        let state = payment_sandbox::state(&config, &platform).await.unwrap();
        let router = payment_sandbox::app(&platform, state);
        let since_noon = self.since_noon;
        let dated = router.clone().layer(middleware::map_response(move |answer| dated(answer, since_noon)));
        self.serve(platform, door, dated);
        TestApp::new(router)
    }

    async fn open_store(&mut self, door: TcpListener, provider: String) -> store::AppState {
        let database = self.database("store_db").await;
        let provider = (&*name::urls_of(name::PAYMENT_SANDBOX), provider);
        let config = store::Config::from_env(&self.env("store", &[database, provider])).unwrap();
        let platform = Platform::quiet(config.base().clone()).unwrap();
        let state = store::state(&config, &platform).unwrap();
        let router = store::app(&platform, state.clone());
        self.serve(platform, door, router);
        state
    }

    async fn open_auth(&mut self, door: TcpListener) {
        let seal = self.home.path().join("seal");
        std::fs::write(&seal, "A".repeat(43)).unwrap();
        let database = self.database("auth_db").await;
        let seal = (name::AUTH_SEAL_FILE, seal.display().to_string());
        let config = auth::Config::from_env(&self.env("auth", &[database, seal])).unwrap();
        let platform = Platform::quiet(config.base().clone()).unwrap();
        let state = auth::state(config, &platform).await.unwrap();
        let router = auth::app(&platform, state);
        self.serve(platform, door, router);
    }

    async fn open_user(&mut self, door: TcpListener) {
        let database = self.database("user_db").await;
        let config = user::Config::from_env(&self.env("user", &[database])).unwrap();
        let platform = Platform::quiet(config.base().clone()).unwrap();
        let state = user::state(&config, &platform).unwrap();
        let router = user::app(&platform, state);
        self.serve(platform, door, router);
    }

    fn open_chat(&mut self, door: TcpListener, url: String) {
        let config = chat::Config::from_env(&self.env("chat", &[(name::DATABASE_URL, url)])).unwrap();
        let platform = Platform::quiet(config.base().clone()).unwrap();
        let state = chat::state(&config, &platform).unwrap();
        let router = chat::app(&platform, state);
        self.serve(platform, door, router);
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        for platform in &self.platforms {
            platform.drain().begin();
            platform.drain().end();
        }
    }
}

impl Town {
    /// With everybody there but chat, whose place is taken by nobody until [`Self::open_chat`].
    pub(crate) async fn without_chat() -> Self {
        let (keys, home) = (testkit::keys(), tempfile::tempdir().unwrap());
        // Whole, so that no time lies between two of the database's.
        let since_noon = Utc::now().trunc_subsecs(0) - noon(DAY);
        let mut site = Site { keys, home, platforms: vec![], databases: vec![], since_noon };
        let [provider_door, store_door, chat_door] = [door(), door(), door()];
        let [auth_door, user_door] = [door(), door()];
        let mut more = vec![
            (name::DATABASE_URL.to_owned(), "postgres://unused".to_owned()),
            (name::OBJECT_STORE_URL.to_owned(), "file:///unused".to_owned()),
        ];
        for (service, door) in
            [("auth", &auth_door), ("user", &user_door), ("chat", &chat_door), ("store", &store_door)]
        {
            more.push((name::urls_of(service), url(door)));
        }
        let more: Vec<_> = more.iter().map(|(name, value)| (&**name, value.clone())).collect();
        let config = batch::Config::from_env(&site.env("batch", &more)).unwrap();
        let batch = Platform::quiet(config.base().clone()).unwrap();

        let provider_url = url(&provider_door);
        let provider = site.open_provider(provider_door).await;
        let store = site.open_store(store_door, provider_url).await;
        site.open_auth(auth_door).await;
        site.open_user(user_door).await;
        let store_db = site.databases[0].pool();
        site.database("chat_db").await;
        let chat_db = site.databases.last().unwrap().pool();
        let ground = Ground::new().await;
        let jobs = jobs::all(&Means::new(&batch, ground.pool.clone(), ground.objects.clone()));
        let chat_door = Some(chat_door);
        Self { ground, jobs, store, store_db, chat_db, provider, batch, site, chat_door }
    }

    pub(crate) async fn new() -> Self {
        let mut town = Self::without_chat().await;
        town.open_chat();
        town
    }

    pub(crate) fn open_chat(&mut self) {
        let url = self.site.databases.last().unwrap().url();
        self.site.open_chat(self.chat_door.take().unwrap(), url);
    }

    /// A run that was begun on the day after.
    pub(crate) async fn run(&self, job: &'static str, parameters: &[(&str, &str)]) -> Run {
        self.date().await;
        Run { as_of: day_after(), ..self.ground.instance(job, parameters).await }
    }

    /// Does every step of the job, as the engine would: each chunk once more than it is committed.
    pub(crate) async fn tell(&self, mut run: Run) -> Told {
        let mut told = Told { summary: BTreeMap::new(), exit_code: None, report: None, csv: String::new() };
        for step in &self.jobs.get(run.job).unwrap().steps {
            (run.step, run.summary) = (step.name, told.summary.clone().into());
            let mut place = Place {
                run: run.clone(),
                part: None,
                chunk: 0,
                cursor: None,
                size: step.sizes.first,
                prepared: None,
            };
            loop {
                place.prepared = step.work.prepare(&place).await.unwrap();
                let chunk = done(&*step.work, &place).await;
                self.ground.add_rows(&run, &chunk.rows).await;
                told.add(&chunk, &self.ground);
                (place.cursor, place.chunk) = (chunk.next, place.chunk + 1);
                if place.cursor.is_none() {
                    break;
                }
            }
        }
        told
    }

    /// An instance of batch, which gives a chunk up after a second.
    pub(crate) async fn engine(&self) -> Runner {
        job::sync(&self.ground.pool, &self.jobs).await.unwrap();
        let settings = Settings {
            poll: Duration::from_millis(20),
            patience: Duration::from_secs(1),
            ..Settings::default()
        };
        Runner::start(&self.batch, &self.ground.pool, self.jobs.clone(), settings)
    }

    /// Begins an execution, on the day after.
    pub(crate) async fn start(
        &self,
        job: &str,
        parameters: &[ParameterValue],
    ) -> Result<ExecutionId, StartError> {
        self.date().await;
        let mut db = self.ground.pool.begin().await.unwrap();
        let start = Start { job, parameters, dry_run: false, triggered_by: "operator", as_of: day_after() };
        let id = execution::start(&mut db, &start).await?;
        db.commit().await.unwrap();
        Ok(id)
    }

    /// How it ended: its status, and its exit code.
    pub(crate) async fn ended(&self, id: ExecutionId) -> (ExecutionStatus, String) {
        eventually(LIMIT, || async {
            let sql = "select status, exit_code from execution where id = $1 and end_time is not null";
            let row = sqlx::query_as(sql).bind(id.as_uuid()).fetch_optional(&self.ground.pool).await.unwrap();
            row.ok_or("it runs")
        })
        .await
    }

    /// The report of the execution's instance.
    pub(crate) async fn report_of(&self, id: ExecutionId) -> ReportBody {
        let sql = "select json_path from report join execution using (instance_id) where execution.id = $1";
        let path: String =
            sqlx::query_scalar(sql).bind(id.as_uuid()).fetch_one(&self.ground.pool).await.unwrap();
        let text = std::fs::read_to_string(self.ground.directory.path().join(path)).unwrap();
        serde_json::from_str(&text).unwrap()
    }

    /// The first chunk of the job's first step.
    pub(crate) async fn first_chunk(&self, run: &Run) -> Result<Chunk, Fault> {
        let step = &self.jobs.get(run.job).unwrap().steps[0];
        let size = step.sizes.first;
        let run = Run { step: step.name, ..run.clone() };
        step.work.chunk(&Place { run, part: None, chunk: 0, cursor: None, size, prepared: None }).await
    }

    pub(crate) fn work(&self, job: &str, step: usize) -> &dyn Work {
        &*self.jobs.get(job).unwrap().steps[step].work
    }

    pub(crate) async fn item(&self) -> ItemId {
        let id: ItemId = chassis::fresh_id();
        sqlx::query(
            "with item as (
               insert into store_item (id, sku, name, category, price)
               values ($1, upper('T-' || replace($1::text, '-', '')), '한국어 교재', 'book', $2)
             )
             insert into stock (item_id, initial, available) values ($1, 1000, 1000)",
        )
        .bind(id.as_uuid())
        .bind(PRICE)
        .execute(&self.store_db)
        .await
        .unwrap();
        id
    }

    /// An order of one piece, and how long to wait for its end.
    pub(crate) async fn order(&self, item: ItemId, token: &str, wait: Duration) -> OrderId {
        let (method, token) = ("card".to_owned(), token.to_owned());
        let lines = vec![Line { item, quantity: 1 }];
        let new = NewOrder { user: chassis::fresh_id(), lines, method, token, payment: None, answer: None };
        let mut tx = self.store_db.begin().await.unwrap();
        let begun = self.store.sagas.place(&mut tx, new).await.unwrap();
        tx.commit().await.unwrap();
        let order = begun.order;
        self.store.sagas.settled(begun, wait).await;
        order
    }

    /// The payment of an order that was paid for.
    pub(crate) async fn paid(&self, item: ItemId) -> PaymentId {
        let order = self.order(item, "tok_approve", Duration::from_secs(20)).await;
        let id: uuid::Uuid =
            sqlx::query_scalar("select id from payment where order_id = $1 and status = 'CAPTURED'")
                .bind(order.as_uuid())
                .fetch_one(&self.store_db)
                .await
                .unwrap();
        id.into()
    }

    /// Money that the provider has taken from somebody, and our store knows nothing of.
    pub(crate) async fn strangers_payment(&self, amount: i64) -> PaymentId {
        let id = chassis::fresh_id();
        let wanted = Authorise {
            order_id: chassis::fresh_id(),
            amount,
            currency: "KRW".to_owned(),
            method: "card".to_owned(),
            token: "tok_approve".to_owned(),
        };
        self.at_provider(Method::PUT, &payment::path::payment(id), &wanted).await;
        self.at_provider(Method::POST, &payment::path::capture(id), &payment::Capture {}).await;
        id
    }

    /// Money that the provider's own people have given back.
    pub(crate) async fn give_back(&self, id: PaymentId, amount: i64) {
        let (key, reason) = ("by-hand".to_owned(), "complaint".to_owned());
        let wanted = Cancel { key, amount: Some(amount), reason };
        self.at_provider(Method::POST, &payment::path::cancel(id), &wanted).await;
    }

    async fn at_provider(&self, method: Method, path: &str, body: &impl Serialize) {
        let token = self.site.keys.token("store", name::PAYMENT_SANDBOX);
        let request = self.provider.request(method, path).bearer(&token);
        let _ = request.json(&serde_json::to_value(body).unwrap()).send().await.expect(StatusCode::OK);
    }
}

impl Told {
    fn add(&mut self, chunk: &Chunk, ground: &Ground) {
        for (name, number) in &chunk.summary {
            *self.summary.entry(name.clone()).or_default() += number;
        }
        for effect in &chunk.effects {
            match effect {
                Effect::ExitCode(code) => self.exit_code = Some(code),
                Effect::Report(report) => {
                    let read = |path| std::fs::read_to_string(ground.directory.path().join(path)).unwrap();
                    self.report = Some(serde_json::from_str(&read(&report.json_path)).unwrap());
                    self.csv = read(&report.csv_path);
                }
                Effect::Archive(_) | Effect::ArchiveDropped { .. } => panic!("{effect:?}"),
            }
        }
    }

    pub(crate) fn body(&self) -> &ReportBody {
        self.report.as_ref().expect("there is a report")
    }
}

impl Drop for Town {
    fn drop(&mut self) {
        self.batch.drain().begin();
        self.batch.drain().end();
    }
}

fn door() -> TcpListener {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    listener
}

fn url(door: &TcpListener) -> String {
    format!("http://{}", door.local_addr().unwrap())
}
