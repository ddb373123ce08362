//! The task of an instance, whose database comes and goes.

use std::sync::{Arc, Mutex};

use batch::Config;
use batch::engine::{Runner, runner};
use batch::repository::job;
use chassis::{HasBase as _, Platform};
use contract::batch::{Concurrency, Misfire};
use sqlx::{ConnectOptions as _, Connection as _, PgConnection};
use testkit::eventually;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};

use super::fixture::{LIMIT, Stage};

/// What the task says, by level.
#[derive(Clone, Default)]
struct Said(Arc<Mutex<Vec<(Level, String)>>>);

impl Said {
    fn at(&self, level: Level) -> Vec<String> {
        let said = self.0.lock().unwrap();
        said.iter().filter(|(at, _)| *at == level).map(|(_, message)| message.clone()).collect()
    }
}

impl<S: Subscriber> Layer<S> for Said {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        struct Message(String);
        impl Visit for Message {
            fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
                if field.name() == "message" {
                    self.0 = format!("{value:?}");
                }
            }
        }
        if event.metadata().target() == "batch::scheduler::task" {
            let mut message = Message(String::new());
            event.record(&mut message);
            self.0.lock().unwrap().push((*event.metadata().level(), message.0));
        }
    }
}

/// Refuses new connections, and ends those of the service.
async fn shut(superuser: &mut PgConnection, name: &str) {
    let refuse = format!("alter database \"{name}\" allow_connections false");
    sqlx::raw_sql(sqlx::AssertSqlSafe(refuse)).execute(&mut *superuser).await.unwrap();
    let end =
        "select pg_terminate_backend(pid) from pg_stat_activity where datname = $1 and usename = 'batch_app'";
    sqlx::query(end).bind(name).execute(superuser).await.unwrap();
}

async fn open(superuser: &mut PgConnection, name: &str) {
    let allow = format!("alter database \"{name}\" allow_connections true");
    sqlx::raw_sql(sqlx::AssertSqlSafe(allow)).execute(superuser).await.unwrap();
}

/// On one thread, which is where what is said is heard.
#[tokio::test]
async fn a_database_that_was_away_is_told_of_once_and_fires_what_was_missed() {
    let said = Said::default();
    // With a single listener, events that happen elsewhere first are taken for unheard everywhere, and for good.
    let _second = tracing::Dispatch::new(tracing_subscriber::registry());
    let _hearing = tracing::subscriber::set_default(tracing_subscriber::registry().with(said.clone()));
    let stage = Stage::set().await;
    let slots = stage.miss(3, Misfire::RunAll, Concurrency::Allow).await;
    // Not yet.
    sqlx::query("update batch_job set next_fire_at = now() + interval '1 hour' where name = 'hourly'")
        .execute(&stage.pool)
        .await
        .unwrap();
    let mut superuser = stage.db.superuser().connect().await.unwrap();
    // Nobody shuts the database that they are in.
    let mut outside = stage.db.superuser().database("postgres").connect().await.unwrap();
    let config = Config::from_env(&[
        ("DATABASE_URL", &*stage.db.url()),
        ("DORAN_OBJECT_STORE_URL", "file:///nonexistent"),
    ])
    .unwrap();
    let platform = Platform::quiet(config.base().clone()).unwrap();
    let db = chassis::db::connect_lazy(&config.database, "scheduler").unwrap();
    let runner = Runner::start(&platform, &db, stage.jobs.clone(), runner::Settings::default());
    batch::scheduler::start(&platform, &db, stage.jobs.clone(), runner);
    eventually(LIMIT, || async { platform.readiness().check() }).await;

    shut(&mut outside, stage.db.name()).await;
    // It keeps looking.
    eventually(LIMIT, || async { said.at(Level::DEBUG).len() >= 2 }).await;
    sqlx::query("update batch_job set next_fire_at = $1 where name = 'hourly'")
        .bind(slots[0])
        .execute(&mut superuser)
        .await
        .unwrap();
    open(&mut outside, stage.db.name()).await;
    let fired = "select count(*) from schedule_fire where outcome = 'FIRED'";
    eventually(LIMIT, || async {
        let fired: i64 = sqlx::query_scalar(fired).fetch_one(&stage.pool).await.unwrap_or_default();
        fired == 3
    })
    .await;
    let mut warnings = said.at(Level::WARN);
    let count = warnings.len();
    warnings.dedup();
    assert!((1..=2).contains(&count) && warnings.len() == count, "{warnings:?}");
    eventually(LIMIT, || async { said.at(Level::INFO) == ["jobs run by themselves again"] }).await;
    superuser.close().await.unwrap();
}

#[tokio::test]
async fn an_instance_is_not_ready_before_its_jobs_are_in_the_database() {
    let db = testkit::TestDb::empty("batch_db").await;
    let config =
        Config::from_env(&[("DATABASE_URL", &*db.url()), ("DORAN_OBJECT_STORE_URL", "file:///nonexistent")])
            .unwrap();
    let platform = Platform::quiet(config.base().clone()).unwrap();
    let pool = chassis::db::connect_lazy(&config.database, "scheduler").unwrap();
    let jobs = super::fixture::registry();
    let runner = Runner::start(&platform, &pool, jobs.clone(), runner::Settings::default());
    batch::scheduler::start(&platform, &pool, jobs, runner);
    eventually(LIMIT, || async {
        let missing = platform.readiness().check().err()?;
        missing.get("jobs")?.contains("batch_job").then_some(())
    })
    .await;
    let migrations = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations/batch_db");
    let migrator = sqlx::migrate::Migrator::new(migrations).await.unwrap();
    let mut owner = PgConnection::connect(&db.owner_url()).await.unwrap();
    migrator.run_direct(None, &mut owner, false).await.unwrap();
    eventually(LIMIT, || async { platform.readiness().check() }).await;
    let rows = job::list(&mut db.pool().acquire().await.unwrap()).await.unwrap();
    assert!(rows.len() == 2 && rows.iter().all(|row| row.next_fire_at.is_some()));
}
