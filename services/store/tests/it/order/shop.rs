//! A store with the real sandbox provider behind it. Both are served on ports, because they call each other.

use std::collections::BTreeMap;
use std::net::TcpListener;

use axum::Router;
use chassis::{HasBase as _, Platform};
use contract::env as name;
use contract::id::{ItemId, UserId};
use contract::store::Order;
use contract::user::Role;
use http::StatusCode;
use serde_json::{Value, json};
use sqlx::PgPool;
use store::{AppState, Config};
use tempfile::TempDir;
use testkit::{Issuer, ServiceKeys, TestApp, TestDb, TestRequest, TestResponse};

use crate::introduce;

pub(super) const SECRET: &str = "shared-by-store-and-provider";

pub(super) struct Shop {
    pub(super) app: TestApp,
    pub(super) db: PgPool,
    pub(super) state: AppState,
    keys: ServiceKeys,
    issuer: Issuer,
    platforms: [Platform; 2],
    _home: TempDir,
    _database: TestDb,
}

/// Somebody with an access token.
pub(super) struct Person {
    pub(super) id: UserId,
    token: String,
}

impl Shop {
    pub(super) async fn open() -> Self {
        let (database, keys, issuer) = (TestDb::new("store_db").await, testkit::keys(), Issuer::new());
        let home = tempfile::tempdir().unwrap();
        let file = |name: &str| home.path().join(name).display().to_string();
        std::fs::write(file("secret"), SECRET).unwrap();
        let (store_door, provider_door) = (door(), door());
        let env = |service: &str, other: &str, door: &TcpListener, more: (&str, String)| {
            BTreeMap::from([
                (name::SERVICE_JWKS_FILE.to_owned(), keys.jwks_file().display().to_string()),
                (name::SERVICE_KEY_FILE.to_owned(), keys.key_file(service).display().to_string()),
                (name::PAYMENT_WEBHOOK_SECRET_FILE.to_owned(), file("secret")),
                (name::urls_of(other), format!("http://{}", door.local_addr().unwrap())),
                (more.0.to_owned(), more.1),
            ])
        };

        let ledger = (name::PAYMENT_LEDGER, file("ledger"));
        let config =
            payment_sandbox::Config::from_env(&env(name::PAYMENT_SANDBOX, "store", &store_door, ledger))
                .unwrap();
        let provider = Platform::quiet(config.base().clone()).unwrap();
        let books = payment_sandbox::state(&config, &provider).await.unwrap();
        serve(&provider, provider_door.try_clone().unwrap(), payment_sandbox::app(&provider, books));

        let url = (name::DATABASE_URL, database.url());
        let config = Config::from_env(&env("store", name::PAYMENT_SANDBOX, &provider_door, url)).unwrap();
        let platform = Platform::quiet(config.base().clone()).unwrap();
        introduce(&issuer, &platform);
        let state = store::state(&config, &platform).unwrap();
        let router = store::app(&platform, state.clone());
        serve(&platform, store_door, router.clone());
        Self {
            app: TestApp::new(router),
            db: database.pool(),
            state,
            keys,
            issuer,
            platforms: [platform, provider],
            _home: home,
            _database: database,
        }
    }

    pub(super) fn somebody(&self) -> Person {
        self.person(Role::User)
    }

    pub(super) fn admin(&self) -> Person {
        self.person(Role::Admin)
    }

    fn person(&self, role: Role) -> Person {
        let id = chassis::fresh_id();
        Person { id, token: self.issuer.token(id, role) }
    }

    /// An item of 1 000 won.
    pub(super) async fn item(&self, stock: i64) -> ItemId {
        self.item_of(stock, 1000, "KRW").await
    }

    pub(super) async fn item_of(&self, stock: i64, price: i64, currency: &str) -> ItemId {
        let id: ItemId = chassis::fresh_id();
        let sku = format!("SKU-{}", id.as_uuid().simple().to_string().to_uppercase());
        sqlx::query(
            "with item as (
               insert into store_item (id, sku, name, category, price, currency)
               values ($1, $2, '한국어 교재', 'book', $3, $4)
             )
             insert into stock (item_id, initial, available) values ($1, $5, $5)",
        )
        .bind(id.as_uuid())
        .bind(sku)
        .bind(price)
        .bind(currency)
        .bind(stock)
        .execute(&self.db)
        .await
        .unwrap();
        id
    }

    /// What is (available, held, sold).
    pub(super) async fn stock(&self, item: ItemId) -> (i64, i64, i64) {
        sqlx::query_as("select available, held, sold from stock where item_id = $1")
            .bind(item.as_uuid())
            .fetch_one(&self.db)
            .await
            .unwrap()
    }

    pub(super) fn get(&self, by: &Person, path: &str) -> TestRequest {
        self.app.get(path).bearer(&by.token)
    }

    /// With a key of its own.
    pub(super) fn post(&self, by: &Person, path: &str) -> TestRequest {
        let key: UserId = chassis::fresh_id();
        self.app.post(path).bearer(&by.token).header(chassis::idempotency::HEADER, &key.to_string())
    }

    pub(super) fn get_as(&self, service: &str, path: &str) -> TestRequest {
        self.app.get(path).bearer(&self.keys.token(service, "store"))
    }

    pub(super) fn post_as(&self, service: &str, path: &str) -> TestRequest {
        self.app.post(path).bearer(&self.keys.token(service, "store"))
    }

    pub(super) async fn order(&self, by: &Person, item: ItemId, quantity: i32, token: &str) -> TestResponse {
        self.post(by, "/api/store/orders").json(&wanted(item, quantity, token)).send().await
    }

    /// An order that was paid for.
    pub(super) async fn paid(&self, by: &Person, item: ItemId, quantity: i32) -> Order {
        self.order(by, item, quantity, "tok_approve").await.expect(StatusCode::CREATED).parsed()
    }

    pub(super) async fn read(&self, by: &Person, order: &Order) -> Order {
        self.get(by, &path(order, "")).send().await.expect(StatusCode::OK).parsed()
    }

    pub(super) async fn count(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(&self.db).await.unwrap()
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        for platform in &self.platforms {
            platform.drain().begin();
            platform.drain().end();
        }
    }
}

fn door() -> TcpListener {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    listener
}

fn serve(platform: &Platform, door: TcpListener, router: Router) {
    let listener = tokio::net::TcpListener::from_std(door).unwrap();
    platform.tasks().spawn("server", async move { axum::serve(listener, router).await.unwrap() });
}

pub(super) fn wanted(item: ItemId, quantity: i32, token: &str) -> Value {
    json!({
        "items": [{ "itemId": item, "quantity": quantity }],
        "payment": { "method": "card", "token": token },
    })
}

/// Of the order, and what is below it, e.g. `/cancel`.
pub(super) fn path(order: &Order, below: &str) -> String {
    format!("/api/store/orders/{}{below}", order.id)
}
