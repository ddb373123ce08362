//! Instances of store, an administrator, and items to look at.

use std::collections::BTreeMap;

use axum::Router;
use chassis::{Platform, Service};
use contract::env as name;
use contract::id::{ItemId, UserId};
use contract::store::Item;
use contract::user::Role;
use http::{HeaderName, StatusCode};
use serde_json::{Value, json};
use sqlx::PgPool;
use store::Config;
use testkit::{Issuer, ServiceKeys, TestApp, TestDb, TestRequest};

use crate::introduce;

pub(super) const PATH: &str = "/api/store/items";
pub(super) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// An instance with its tasks, but without a socket.
pub(super) struct Shelf {
    pub(super) app: TestApp,
    pub(super) router: Router,
    pub(super) platform: Platform,
    pub(super) db: PgPool,
    pub(super) admin: Person,
    issuer: Issuer,
    keys: ServiceKeys,
    database: TestDb,
}

impl Shelf {
    pub(super) async fn new() -> Self {
        Self::with(&[]).await
    }

    /// With more in its environment.
    pub(super) async fn with(environment: &[(&str, &str)]) -> Self {
        let (database, keys, issuer) = (TestDb::new("store_db").await, testkit::keys(), Issuer::new());
        let (router, platform) = instance(&database, &keys, &issuer, environment).await;
        let app = TestApp::new(router.clone());
        let admin = Person::new(&app, &issuer, Role::Admin);
        Self { app, router, platform, db: database.pool(), admin, issuer, keys, database }
    }

    /// Another instance over the same database.
    pub(super) async fn another(&self, environment: &[(&str, &str)]) -> (TestApp, Platform) {
        let (router, platform) = instance(&self.database, &self.keys, &self.issuer, environment).await;
        (TestApp::new(router), platform)
    }

    pub(super) fn learner(&self) -> Person {
        Person::new(&self.app, &self.issuer, Role::User)
    }

    /// A new item: what `body` says of it, and the rest somehow.
    pub(super) async fn add(&self, sku: &str, body: Value) -> Item {
        let body = content(sku, body);
        self.admin.post(PATH, &body).send().await.expect(StatusCode::CREATED).parsed()
    }

    pub(super) fn adjust(&self, id: ItemId, key: &str, delta: i64) -> TestRequest {
        let body = json!({ "delta": delta, "reason": "입고" });
        self.admin.post(&format!("{PATH}/{id}/stock"), &body).header(IDEMPOTENCY_KEY, key)
    }

    pub(super) async fn list(&self, query: &str) -> Vec<Item> {
        self.page(query).await.0
    }

    /// A page, and where the next one begins.
    pub(super) async fn page(&self, query: &str) -> (Vec<Item>, Option<String>) {
        let page = self.app.get(&format!("{PATH}?{query}")).send().await.expect(StatusCode::OK).json();
        let items = serde_json::from_value(page["content"].clone()).unwrap();
        (items, page["nextCursor"].as_str().map(str::to_owned))
    }

    /// Data of the item's events, in their order.
    pub(super) async fn events(&self, kind: &str, id: ItemId) -> Vec<(i64, Value)> {
        sqlx::query_as(
            "select sequence, payload from outbox where event_type = $1 and aggregate_id = $2 order by id",
        )
        .bind(kind)
        .bind(id.as_uuid())
        .fetch_all(&self.db)
        .await
        .unwrap()
    }
}

/// The body of a new item.
pub(super) fn content(sku: &str, body: Value) -> Value {
    let mut content = json!({ "sku": sku, "name": "한지 공책", "category": "문구", "price": 12_000 });
    let Value::Object(more) = body else { panic!("a body is an object") };
    content.as_object_mut().unwrap().extend(more);
    content
}

pub(super) fn path(item: &Item) -> String {
    format!("{PATH}/{}", item.id)
}

async fn instance(
    database: &TestDb,
    keys: &ServiceKeys,
    issuer: &Issuer,
    environment: &[(&str, &str)],
) -> (Router, Platform) {
    let mut variables = BTreeMap::from([
        (name::DATABASE_URL.to_owned(), database.url()),
        (name::SERVICE_JWKS_FILE.to_owned(), keys.jwks_file().display().to_string()),
        (name::SERVICE_KEY_FILE.to_owned(), keys.key_file("store").display().to_string()),
    ]);
    variables.extend(environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    let config = Config::from_env(&variables).unwrap();
    let platform = Platform::quiet(config.base.clone()).unwrap();
    introduce(issuer, &platform);
    match store::build(config, platform.clone()).await.unwrap() {
        Service::Router(router) => (router, platform),
        Service::Custom(_) => panic!("store is served by the chassis"),
    }
}

/// Somebody with an access token.
#[derive(Clone)]
pub(super) struct Person {
    pub(super) app: TestApp,
    pub(super) id: UserId,
    token: String,
}

impl Person {
    fn new(app: &TestApp, issuer: &Issuer, role: Role) -> Self {
        let id = chassis::fresh_id();
        Self { app: app.clone(), id, token: issuer.token(id, role) }
    }

    pub(super) fn get(&self, path: &str) -> TestRequest {
        self.app.get(path).bearer(&self.token)
    }

    pub(super) fn post(&self, path: &str, body: &Value) -> TestRequest {
        self.app.post(path).bearer(&self.token).json(body)
    }

    pub(super) fn put(&self, path: &str, body: &Value) -> TestRequest {
        self.app.put(path).bearer(&self.token).json(body)
    }

    pub(super) fn patch(&self, path: &str, body: &Value) -> TestRequest {
        self.app.patch(path).bearer(&self.token).json(body)
    }

    pub(super) fn delete(&self, path: &str) -> TestRequest {
        self.app.delete(path).bearer(&self.token)
    }
}
