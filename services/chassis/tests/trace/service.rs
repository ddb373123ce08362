//! A service that asks another one, which writes and publishes; the first then consumes what was published.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::routing::post;
use axum::{Json, Router};
use chassis::client::ServiceClient;
use chassis::event::{self, Behind, Consumer, Failure, Handler, New};
use chassis::{ApiError, Base, Database, Platform, Reader, Secret, db, telemetry};
use contract::event::CloudEvent;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, PgPool};
use testkit::{ServiceKeys, TestApp, TestDb};
use utoipa_axum::router::OpenApiRouter;

const KIND: &str = "com.dorandoran.store.thing-changed.v1";

pub(crate) struct Pair {
    pub(crate) front: TestApp,
    platforms: [Platform; 2],
}

impl Pair {
    pub(crate) async fn start(store: &TestDb, chat: &TestDb, receiver: &str) -> Self {
        let keys = testkit::keys();
        let mut owner = PgConnection::connect(&chat.owner_url()).await.unwrap();
        let table = "create table effect (n bigserial primary key, note text not null)";
        sqlx::raw_sql(AssertSqlSafe(table.to_owned())).execute(&mut owner).await.unwrap();

        let back = base("store", &keys, receiver, &[]);
        telemetry::install(&back);
        let back = Platform::quiet(back).unwrap();
        let pool = pool(store, "store");
        back.health().set_database(pool.clone());
        event::serve(&back, pool.clone());
        let things = OpenApiRouter::new().route("/things/{email}", post(change)).with_state(pool);
        let url = listen(chassis::app(&back, things)).await;

        let front = Platform::quiet(base("chat", &keys, receiver, &[("DORAN_STORE_URLS", url)])).unwrap();
        let consumer =
            Consumer { name: "recorder", source: "store", behind: Behind::Parked, handler: Recorder };
        event::consume(&front, self::pool(chat, "chat"), consumer);
        let client = front.client("store", Duration::from_secs(5));
        let rooms = OpenApiRouter::new().route("/rooms/{email}", post(ask)).with_state(client);
        Self { front: TestApp::new(chassis::app(&front, rooms)), platforms: [front, back] }
    }
}

impl Drop for Pair {
    fn drop(&mut self) {
        for platform in &self.platforms {
            platform.drain().end();
        }
    }
}

async fn ask(
    State(store): State<ServiceClient>,
    Path(email): Path<String>,
    Json(body): Json<Value>,
) -> Result<Json<Value>, ApiError> {
    let call = store.request(http::Method::POST, &format!("/things/{email}?q=query-canary")).json(&body);
    Ok(Json(call.send().await?))
}

async fn change(
    State(pool): State<PgPool>,
    Path(email): Path<String>,
    Json(body): Json<Value>,
) -> Result<Json<Value>, ApiError> {
    let mut tx = db::begin(&pool).await?;
    let select = "select count(*) from outbox where event_type = $1 or event_type = 'literal-canary'";
    let _: i64 = sqlx::query_scalar(select).bind("parameter-canary").fetch_one(&mut *tx).await?;
    let data = json!({ "email": email, "body": body });
    let aggregate_id = chassis::fresh_id();
    let new = New { kind: KIND, aggregate_type: "thing", aggregate_id, sequence: 1, data: &data };
    event::publish(&mut tx, new).await?;
    tx.commit().await?;
    Ok(Json(json!({})))
}

struct Recorder;

impl Handler for Recorder {
    async fn apply(&self, db: &mut PgConnection, event: &CloudEvent) -> Result<(), Failure> {
        let email = event.data["email"].as_str().unwrap_or_default();
        sqlx::query("insert into effect (note) values ($1)").bind(email).execute(db).await?;
        Ok(())
    }
}

fn base(service: &'static str, keys: &ServiceKeys, receiver: &str, more: &[(&str, String)]) -> Base {
    let mut env: BTreeMap<String, String> =
        more.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    env.insert("DORAN_SERVICE_JWKS_FILE".to_owned(), keys.jwks_file().display().to_string());
    env.insert("DORAN_SERVICE_KEY_FILE".to_owned(), keys.key_file(service).display().to_string());
    env.insert("OTEL_EXPORTER_OTLP_ENDPOINT".to_owned(), receiver.to_owned());
    let mut read = Reader::new(&env);
    let base = read.base(service, 0);
    read.finish(|| Some(base)).unwrap()
}

fn pool(database: &TestDb, service: &str) -> PgPool {
    db::connect_lazy(&Database { url: Secret::new(database.url()), max_connections: 8 }, service).unwrap()
}

/// Serves until the test ends; says where.
pub(crate) async fn listen(router: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::runtime::Handle::current().spawn(async move { axum::serve(listener, router).await });
    url
}
