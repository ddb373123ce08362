//! Two small services for the proof that events take effect exactly once: `store` books entries to accounts,
//! `chat` follows and keeps balances of its own. Which of them this process is, `LEDGER_ROLE` says.

use std::process::ExitCode;

use axum::Json;
use axum::extract::State;
use chassis::config::HasBase;
use chassis::event::{self, Behind, Consumer, Failure, Handler, New};
use chassis::extract::ApiPath;
use chassis::{ApiError, Base, ConfigError, Database, Env, Platform, Reader, Service, db};
use contract::event::CloudEvent;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use sqlx::{PgConnection, PgPool};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

fn main() -> ExitCode {
    chassis::run("ledger", Config::from_env, build)
}

struct Config {
    base: Base,
    database: Database,
}

impl HasBase for Config {
    fn base(&self) -> &Base {
        &self.base
    }
}

impl Config {
    fn from_env(env: &dyn Env) -> Result<Self, ConfigError> {
        let mut read = Reader::new(env);
        let role: Option<String> = read.required("LEDGER_ROLE");
        let name = if role.as_deref() == Some("producer") { "store" } else { "chat" };
        let base = read.base(name, 0);
        let database = read.database();
        read.finish(|| Some(Self { base, database: database? }))
    }
}

async fn build(config: Config, platform: Platform) -> anyhow::Result<Service> {
    let pool = db::attach(&platform, &config.database, 1)?;
    if config.base.service == "chat" {
        let consumer =
            Consumer { name: "balances", source: "store", behind: Behind::Parked, handler: Balances };
        event::consume(&platform, pool.clone(), consumer);
    } else {
        event::serve(&platform, pool.clone());
    }
    let routes = OpenApiRouter::new().routes(routes!(book)).routes(routes!(find)).with_state(pool);
    Ok(chassis::app(&platform, routes).into())
}

/// What is booked, and what the event says.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
struct Entry {
    id: Uuid,
    account: Uuid,
    amount: i64,
}

/// Books an entry once, however often it comes.
#[utoipa::path(post, path = "/entries", request_body = Entry, responses((status = 204)))]
async fn book(State(pool): State<PgPool>, Json(entry): Json<Entry>) -> Result<StatusCode, ApiError> {
    let mut tx = db::begin(&pool).await?;
    let next = "update account set version = version + 1 where id = $1 returning version";
    let sequence: i64 = sqlx::query_scalar(next).bind(entry.account).fetch_one(&mut *tx).await?;
    let insert = "insert into entry (id, account, sequence, amount) values ($1, $2, $3, $4)
                  on conflict (id) do nothing";
    let inserted = sqlx::query(insert)
        .bind(entry.id)
        .bind(entry.account)
        .bind(sequence)
        .bind(entry.amount)
        .execute(&mut *tx)
        .await?;
    if inserted.rows_affected() == 0 {
        tx.rollback().await?;
        return Ok(StatusCode::NO_CONTENT);
    }
    let new = New {
        kind: "com.dorandoran.store.entry-booked.v1",
        aggregate_type: "account",
        aggregate_id: entry.account,
        sequence,
        data: &entry,
    };
    event::publish(&mut tx, new).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Whether an entry is booked.
#[utoipa::path(get, path = "/entries/{id}", params(("id" = Uuid, Path)), responses((status = 200, body = bool)))]
async fn find(State(pool): State<PgPool>, ApiPath(id): ApiPath<Uuid>) -> Result<Json<bool>, ApiError> {
    let select = "select exists (select from entry where id = $1)";
    Ok(Json(sqlx::query_scalar(select).bind(id).fetch_one(&pool).await?))
}

/// On purpose not idempotent: an event that takes effect twice shows in the balance, and in the list of effects.
struct Balances;

impl Handler for Balances {
    async fn apply(&self, db: &mut PgConnection, event: &CloudEvent) -> Result<(), Failure> {
        let entry: Entry = event.read()?;
        let effect = "insert into effect (id, account, sequence, amount) values ($1, $2, $3, $4)";
        sqlx::query(effect)
            .bind(entry.id)
            .bind(event.subject)
            .bind(event.sequence)
            .bind(entry.amount)
            .execute(&mut *db)
            .await?;
        let add = "insert into balance (account, amount) values ($1, $2)
                   on conflict (account) do update set amount = balance.amount + excluded.amount";
        sqlx::query(add).bind(event.subject).bind(entry.amount).execute(db).await?;
        Ok(())
    }
}
