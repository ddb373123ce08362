//! The service's database: readiness by schema, statements bounded by the request's deadline.

use std::time::Duration;

use chassis::context::{self, RequestContext};
use chassis::deadline::Budget;
use chassis::trace::TraceContext;
use chassis::{ApiError, Database, Secret, db};
use contract::code::ErrorCode;
use contract::text::Language;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, PgPool};
use testkit::{TestDb, eventually};
use tokio::time::Instant;

use crate::fixture::platform;

const LIMIT: Duration = Duration::from_secs(10);

fn config(url: String) -> Database {
    Database { url: Secret::new(url), max_connections: 2 }
}

fn request(left: Duration) -> RequestContext {
    RequestContext {
        trace: TraceContext::start(),
        language: Language::Korean,
        budget: Budget::of(left, Instant::now()),
        path: "/".to_owned(),
        retry_attempt: 0,
    }
}

async fn execute(owner: &mut PgConnection, sql: &str) {
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(owner).await.unwrap();
}

#[tokio::test]
async fn readiness_waits_for_the_migration_that_the_code_needs() {
    let database = TestDb::empty("chat_db").await;
    let platform = platform(&[]);
    db::attach(&platform, &config(database.url()), 2).unwrap();
    let missing = || async { platform.readiness().check().err().map(|missing| missing["schema"].clone()) };
    let is_missing = |reason: &'static str| async move { missing().await.is_some_and(|m| m == reason) };
    eventually(LIMIT, || is_missing("no migration is applied, needs 2")).await;

    let mut owner = PgConnection::connect(&database.owner_url()).await.unwrap();
    let history = "create table _sqlx_migrations (version bigint primary key, success boolean not null)";
    execute(&mut owner, history).await;
    execute(&mut owner, "insert into _sqlx_migrations values (1, true), (2, false)").await;
    eventually(LIMIT, || is_missing("migration 1 is applied, needs 2")).await;

    execute(&mut owner, "update _sqlx_migrations set success = true").await;
    eventually(LIMIT, || async { platform.readiness().check() }).await;
    platform.drain().end();
}

#[tokio::test]
async fn a_statement_ends_with_the_request() {
    let database = TestDb::empty("chat_db").await;
    let pool = db::connect_lazy(&config(database.url()), "test").unwrap();
    // Held until the end of the test: whoever wants it, too, waits.
    let mut holder = pool.acquire().await.unwrap();
    sqlx::query("select pg_advisory_lock(1)").execute(&mut *holder).await.unwrap();
    let slow = async {
        let mut tx = db::begin(&pool).await?;
        sqlx::query("select pg_advisory_xact_lock(1)").execute(&mut *tx).await?;
        Ok::<_, ApiError>(())
    };
    let error = context::scope(request(Duration::from_millis(300)), slow).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::UpstreamTimeout, "{:?}", error.chain());
    let spent = context::scope(request(Duration::ZERO), db::begin(&pool)).await.unwrap_err();
    assert_eq!(spent.code(), ErrorCode::UpstreamTimeout);

    let mut tx = db::begin(&pool).await.unwrap();
    let limit: String = sqlx::query_scalar("show statement_timeout").fetch_one(&mut *tx).await.unwrap();
    assert_eq!(limit, "10s", "outside of a request, and after one");
}

#[tokio::test]
async fn a_database_that_is_not_there_is_a_reason_to_come_back() {
    let url = format!("postgres://app:secret@127.0.0.1:{}/chat_db", testkit::free_port());
    let pool = db::connect_lazy(&config(url), "test").unwrap();
    let error = db::begin(&pool).await.unwrap_err();
    assert_eq!((error.code(), error.retry_after_secs()), (ErrorCode::UpstreamUnavailable, Some(1)));
    assert!(!error.chain().unwrap().contains("secret"));
}

#[tokio::test]
async fn a_connection_that_died_while_it_was_idle_fails_no_request() {
    let database = TestDb::empty("chat_db").await;
    let pool = db::connect_lazy(&config(database.url()), "test").unwrap();
    let (first, second) = tokio::join!(db::begin(&pool), db::begin(&pool));
    for tx in [first, second] {
        tx.unwrap().rollback().await.unwrap();
    }
    let watcher = database.pool();
    let idle = "from pg_stat_activity where application_name = 'test' and datname = current_database()";
    let quiet = format!("select count(*) = 2 {idle} and state_change < now() - interval '1.1 seconds'");
    let ask = |sql: String| sqlx::query_scalar::<_, bool>(AssertSqlSafe(sql)).fetch_one(&watcher);
    eventually(LIMIT, || async { ask(quiet.clone()).await.unwrap() }).await;
    assert!(ask(format!("select bool_and(pg_terminate_backend(pid)) {idle}")).await.unwrap());
    for _ in 0..2 {
        assert!(db::begin(&pool).await.is_ok());
    }
}

#[tokio::test]
async fn a_character_that_cannot_be_stored_is_the_callers_mistake() {
    let database = TestDb::empty("chat_db").await;
    let pool = db::connect_lazy(&config(database.url()), "test").unwrap();
    for sql in ["select $1::text", "select $1::text::jsonb"] {
        let text = if sql.ends_with("jsonb") { r#""a\u0000b""# } else { "a\0b" };
        let refused = sqlx::query(sql).bind(text).execute(&pool).await.unwrap_err();
        let error = ApiError::from(refused);
        assert_eq!((error.code(), error.status_code().as_u16()), (ErrorCode::BadRequest, 400), "{sql}");
    }
}

/// Asks a future up to so often, giving its connection a moment each time, and then leaves it.
async fn leave_after<F: Future>(looks: usize, work: F) -> Option<F::Output> {
    let mut work = std::pin::pin!(work);
    for _ in 0..looks {
        if let Ok(done) = tokio::time::timeout(Duration::from_micros(50), &mut work).await {
            return Some(done);
        }
    }
    None
}

/// When the current transaction began.
async fn now(pool: &PgPool) -> String {
    sqlx::query_scalar("select now()::text").fetch_one(pool).await.unwrap()
}

#[tokio::test]
async fn who_leaves_while_a_transaction_begins_leaves_none_behind() {
    let database = TestDb::empty("chat_db").await;
    let only_one = Database { max_connections: 1, ..config(database.url()) };
    let pool = db::connect_lazy(&only_one, "test").unwrap();
    let mut left = 0;
    for round in 0..400 {
        let began = match round % 3 {
            0 => leave_after(round % 7, db::begin(&pool)).await.map(Result::unwrap),
            1 => leave_after(round % 7, db::transaction(&pool)).await.map(Result::unwrap),
            _ => {
                let request = request(Duration::from_secs(10));
                leave_after(round % 7, Box::pin(context::scope(request, db::begin(&pool))))
                    .await
                    .map(Result::unwrap)
            }
        };
        left += usize::from(began.is_none());
        drop(began);
        let (first, second) = (now(&pool).await, now(&pool).await);
        assert_ne!(
            first, second,
            "in round {round} the pool hands out a connection with an open transaction"
        );
    }
    assert!(left > 50, "somebody has to leave in between");
}
