//! An instance that other services may call.

use serde_json::Value;
use sqlx::PgPool;
use testkit::{ServiceKeys, TestDb, TestRequest};

use crate::learner::Chat;

pub(crate) struct Operated {
    pub(crate) chat: Chat,
    pub(crate) db: PgPool,
    keys: ServiceKeys,
    _database: TestDb,
}

impl Operated {
    pub(crate) async fn new() -> Self {
        let (database, keys) = (TestDb::new("chat_db").await, testkit::keys());
        let jwks = keys.jwks_file().display().to_string();
        let chat = Chat::configured(&database, &[("DORAN_SERVICE_JWKS_FILE", &jwks)]);
        Self { chat, db: database.pool(), keys, _database: database }
    }

    pub(crate) fn get_as(&self, service: &str, path: &str) -> TestRequest {
        self.chat.app.get(path).bearer(&self.keys.token(service, "chat"))
    }

    pub(crate) fn post_as(&self, service: &str, path: &str, body: &Value) -> TestRequest {
        self.chat.app.post(path).bearer(&self.keys.token(service, "chat")).json(body)
    }

    /// As batch does.
    pub(crate) fn get(&self, path: &str) -> TestRequest {
        self.get_as("batch", path)
    }

    /// As batch does.
    pub(crate) fn post(&self, path: &str, body: &Value) -> TestRequest {
        self.post_as("batch", path, body)
    }

    pub(crate) async fn count(&self, table: &'static str) -> i64 {
        let sql = format!("select count(*) from {table}");
        sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(&self.db).await.unwrap()
    }
}
