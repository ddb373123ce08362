//! The service's own PostgreSQL: a small pool that connects when first used, and the schema it must have.

use std::pin::Pin;
use std::str::FromStr;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use contract::code::ErrorCode;
use futures_util::future::BoxFuture;
use sqlx::error::DatabaseError;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, Connection as _, PgPool, Postgres, SqlSafeStr as _, SqlStr, Transaction};
use tokio::runtime::Handle;
use tokio::time::Instant;
use tracing::{info, warn};

use crate::config::Database;
use crate::context;
use crate::error::ApiError;
use crate::platform::Platform;

/// A request that finds no connection within this is better refused.
const ACQUIRE_LIMIT: Duration = Duration::from_secs(2);
/// A connection that was idle for longer may have died meanwhile, e.g. with a restart of the server.
const TRUSTED_IDLE: Duration = Duration::from_secs(1);
/// The most a single statement may take when nothing else bounds it.
const STATEMENT_LIMIT_MS: &str = "10000";

/// The most that a transaction of a request may wait for its own service: longer than any request.
const REQUEST_FROZEN_LIMIT_MS: &str = "15000";

/// A process that is frozen inside a transaction keeps what it has locked from whoever would go on in its place: the
/// server ends the transaction for it. Less than any lease.
const FROZEN_LIMIT_MS: &str = "5000";

/// Connections are made on demand, so a service starts without its database.
///
/// # Errors
/// When `DATABASE_URL` is not a PostgreSQL URL. The URL itself is not part of the message.
pub fn connect_lazy(config: &Database, application: &str) -> Result<PgPool, sqlx::Error> {
    let options = PgConnectOptions::from_str(config.url.expose())?.application_name(application).options([
        ("statement_timeout", STATEMENT_LIMIT_MS),
        ("idle_in_transaction_session_timeout", REQUEST_FROZEN_LIMIT_MS),
    ]);
    Ok(pool(options, config.max_connections))
}

/// A few connections to the same database for what must not wait until requests give theirs back. Opened when
/// they are needed.
pub fn beside(requests: &PgPool, max_connections: u32) -> PgPool {
    let options = (*requests.connect_options()).clone();
    pool(options.options([("idle_in_transaction_session_timeout", FROZEN_LIMIT_MS)]), max_connections)
}

fn pool(options: PgConnectOptions, max_connections: u32) -> PgPool {
    PgPoolOptions::new()
        .max_connections(max_connections)
        .min_connections(0)
        .acquire_timeout(ACQUIRE_LIMIT)
        .idle_timeout(Duration::from_mins(2))
        // Testing every connection would cost each request a round trip; one that was used a moment ago is good.
        .test_before_acquire(false)
        .before_acquire(|connection, about| {
            Box::pin(async move {
                if about.idle_for >= TRUSTED_IDLE {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
        .connect_lazy_with(options)
}

/// The pool of a service whose code needs migration `required`: the service is not ready before the database
/// has it, and its health shows the database.
///
/// # Errors
/// See [`connect_lazy`].
pub fn attach(platform: &Platform, config: &Database, required: i64) -> Result<PgPool, sqlx::Error> {
    let pool = connect_lazy(config, &platform.base().instance)?;
    platform.health().set_database(pool.clone());
    let condition = platform.readiness().condition("schema");
    let watched = pool.clone();
    platform.tasks().spawn_until_drain("schema", async move {
        let mut wait = Duration::from_millis(20);
        let mut told = String::new();
        while let Err(reason) = check_schema(&watched, required).await {
            if reason != told {
                warn!("not ready: {reason}");
                told.clone_from(&reason);
            }
            condition.unmet(reason);
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(Duration::from_secs(1));
        }
        condition.met();
        info!("the database has the schema that this version needs");
    });
    Ok(pool)
}

async fn check_schema(pool: &PgPool, required: i64) -> Result<(), String> {
    // sqlx's own table of applied migrations; the runtime role may read it.
    let version: Option<i64> = sqlx::query_scalar("select max(version) from _sqlx_migrations where success")
        .fetch_one(pool)
        .await
        .map_err(|error| match error.as_database_error().and_then(DatabaseError::code).as_deref() {
            // undefined_table
            Some("42P01") => format!("no migration is applied, needs {required}"),
            _ => format!("the database cannot be asked: {error}"),
        })?;
    match version {
        Some(version) if version >= required => Ok(()),
        version => Err(format!("migration {} is applied, needs {required}", version.unwrap_or(0))),
    }
}

/// Begins a transaction whose statements end with the request's deadline, in one round trip.
///
/// # Errors
/// 504 when nothing is left, 503 when there is no connection.
pub async fn begin(pool: &PgPool) -> Result<Transaction<'static, Postgres>, ApiError> {
    let statement = match context::budget() {
        None => None,
        Some(budget) => {
            let left = budget.remaining(Instant::now()).ok_or(ErrorCode::UpstreamTimeout)?;
            // A number of our own: nothing of the caller's gets into the text.
            let statement = format!("begin; set local statement_timeout = {}", left.as_millis());
            Some(AssertSqlSafe(statement).into_sql_str())
        }
    };
    Ok(begin_with(pool, statement).await?)
}

/// Begins a transaction outside of a request. Use this instead of the pool's own `begin` wherever the caller may be
/// cancelled.
///
/// # Errors
/// When there is no connection.
pub async fn transaction(pool: &PgPool) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
    begin_with(pool, None).await
}

async fn begin_with(
    pool: &PgPool,
    statement: Option<SqlStr>,
) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
    Whole(Some(Transaction::begin(pool.acquire().await?, statement))).await
}

/// Beginning a transaction, to its end even if whoever waits goes away. When sqlx (0.9) is cancelled between
/// sending `begin` and hearing of it, it takes the connection for idle and gives it back with the transaction open:
/// what others then write over it is told to be stored, and is not. Begun to its end, the transaction is dropped,
/// and so rolled back.
struct Whole(Option<BoxFuture<'static, Result<Transaction<'static, Postgres>, sqlx::Error>>>);

impl Future for Whole {
    type Output = Result<Transaction<'static, Postgres>, sqlx::Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let beginning = self.0.as_mut().expect("it is not asked again after its end");
        let begun = ready!(beginning.as_mut().poll(cx));
        self.0 = None;
        Poll::Ready(begun)
    }
}

impl Drop for Whole {
    fn drop(&mut self) {
        // Without a runtime the connection is not given back either.
        if let (Some(beginning), Ok(runtime)) = (self.0.take(), Handle::try_current()) {
            runtime.spawn(beginning);
        }
    }
}
