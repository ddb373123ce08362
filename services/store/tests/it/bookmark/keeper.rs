//! Instances of store, and users who keep messages.

use std::collections::BTreeMap;

use chassis::Platform;
use contract::id::{BookmarkId, UserId};
use contract::response::Page;
use contract::store::Bookmark;
use contract::user::Role;
use http::StatusCode;
use serde_json::{Value, json};
use sqlx::PgPool;
use store::Config;
use testkit::{Issuer, TestApp, TestDb, TestRequest};
use uuid::Uuid;

use crate::introduce;

pub(super) const PATH: &str = "/api/store/bookmarks";
pub(super) const FRIEND: &str = "22222222-2222-2222-2222-222222222221";

/// Store without sockets. Nobody answers for chat, unless the environment says who does.
pub(super) struct Store {
    pub(super) app: TestApp,
    pub(super) db: PgPool,
    pub(super) issuer: Issuer,
    database: TestDb,
}

impl Store {
    pub(super) async fn new() -> Self {
        Self::with(Issuer::new(), &[]).await
    }

    /// With more in its environment.
    pub(super) async fn with(issuer: Issuer, environment: &[(&str, &str)]) -> Self {
        let database = TestDb::new("store_db").await;
        let app = instance(&database, &issuer, environment);
        Self { app, db: database.pool(), issuer, database }
    }

    /// Another instance over the same database.
    pub(super) fn another(&self) -> TestApp {
        instance(&self.database, &self.issuer, &[])
    }

    /// An instance as a process starts it, with its tasks.
    pub(super) async fn start(&self) -> Platform {
        let config = Config::from_env(&[("DATABASE_URL", &*self.database.url())]).unwrap();
        let platform = Platform::quiet(config.base.clone()).unwrap();
        let _service = store::build(config, platform.clone()).await.unwrap();
        platform
    }

    pub(super) fn user(&self) -> Keeper {
        let id = chassis::fresh_id();
        Keeper { app: self.app.clone(), id, token: self.issuer.token(id, Role::User) }
    }
}

fn instance(database: &TestDb, issuer: &Issuer, environment: &[(&str, &str)]) -> TestApp {
    let mut variables = BTreeMap::from([("DATABASE_URL".to_owned(), database.url())]);
    variables.extend(environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    let config = Config::from_env(&variables).unwrap();
    let platform = Platform::quiet(config.base.clone()).unwrap();
    introduce(issuer, &platform);
    let state = store::state(&config, &platform).unwrap();
    TestApp::new(store::app(&platform, state))
}

/// Somebody with an access token.
#[derive(Clone)]
pub(super) struct Keeper {
    pub(super) app: TestApp,
    pub(super) id: UserId,
    pub(super) token: String,
}

impl Keeper {
    /// The same user at another instance.
    pub(super) fn at(&self, app: &TestApp) -> Self {
        Self { app: app.clone(), ..self.clone() }
    }

    pub(super) fn get(&self, path: &str) -> TestRequest {
        self.app.get(&format!("{PATH}{path}")).bearer(&self.token)
    }

    pub(super) fn post(&self, body: &Value) -> TestRequest {
        self.app.post(PATH).bearer(&self.token).json(body)
    }

    pub(super) fn delete(&self, id: BookmarkId) -> TestRequest {
        self.app.delete(&format!("{PATH}/{id}")).bearer(&self.token)
    }

    pub(super) fn delete_many(&self, ids: &Value) -> TestRequest {
        self.app.delete(PATH).bearer(&self.token).json(ids)
    }

    /// Keeps a message of its own.
    pub(super) async fn keep(&self, body: &Value) -> Bookmark {
        self.post(body).send().await.expect(StatusCode::CREATED).parsed()
    }

    /// So many messages, the newest bookmark first.
    pub(super) async fn keep_many(&self, count: usize) -> Vec<BookmarkId> {
        let mut kept = Vec::new();
        for _ in 0..count {
            kept.insert(0, self.keep(&message()).await.id);
        }
        kept
    }

    pub(super) async fn page(&self, query: &str) -> Page<Bookmark> {
        self.get(&format!("/cursor{query}")).send().await.expect(StatusCode::OK).parsed()
    }
}

/// A message that nobody has kept yet.
pub(super) fn message() -> Value {
    json!({
        "messageId": Uuid::now_v7(), "chatroomId": Uuid::now_v7(), "chatbotId": FRIEND, "content": "안녕하세요",
    })
}

pub(super) fn ids(bookmarks: &[Bookmark]) -> Vec<BookmarkId> {
    bookmarks.iter().map(|bookmark| bookmark.id).collect()
}
