//! The real chat on a port of loopback, and what jobs work with to reach it.

use batch::Config;
use batch::engine::{Job, Step};
use batch::jobs::Means;
use batch::objects::Objects;
use chassis::{HasBase as _, Platform, Service};
use sqlx::PgPool;
use testkit::{ServiceKeys, TestDb};
use tokio::task::JoinSet;

use super::instance::Ground;

/// Ends with the test.
pub(crate) struct Chat {
    pub(crate) db: PgPool,
    url: String,
    keys: ServiceKeys,
    _serving: JoinSet<()>,
    _database: TestDb,
}

impl Chat {
    pub(crate) async fn start() -> Self {
        let (database, keys) = (TestDb::new("chat_db").await, testkit::keys());
        let (url, jwks) = (database.url(), keys.jwks_file().display().to_string());
        let config = chat::Config::from_env(&[("DATABASE_URL", &*url), ("DORAN_SERVICE_JWKS_FILE", &*jwks)]);
        let config = config.unwrap();
        let platform = Platform::quiet(config.base.clone()).unwrap();
        let router = chat::app(&platform, chat::state(&config, &platform).unwrap());
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            let drain = platform.drain().clone();
            chassis::server::serve(listener, Service::from(router), drain).await.unwrap();
        });
        Self { db: database.pool(), url, keys, _serving: serving, _database: database }
    }

    pub(crate) async fn run(&self, sql: &'static str) {
        sqlx::raw_sql(sql).execute(&self.db).await.unwrap();
    }

    pub(crate) async fn count(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(&self.db).await.unwrap()
    }

    /// An instance of batch that knows this chat.
    pub(crate) fn platform(&self) -> Platform {
        let key = self.keys.key_file("batch").display().to_string();
        let environment = [
            ("DATABASE_URL", "postgres://unused@localhost/unused"),
            ("DORAN_OBJECT_STORE_URL", "file:///unused"),
            ("DORAN_CHAT_URLS", &self.url),
            ("DORAN_SERVICE_KEY_FILE", &key),
        ];
        let config = Config::from_env(&environment).unwrap();
        Platform::quiet(config.base().clone()).unwrap()
    }

    pub(crate) fn means(&self, ground: &Ground) -> Means {
        self.means_with(ground, ground.objects.clone())
    }

    pub(crate) fn means_with(&self, ground: &Ground, objects: Objects) -> Means {
        Means::new(&self.platform(), ground.pool.clone(), objects)
    }
}

/// A step of a job by its name.
pub(crate) fn step<'a>(job: &'a Job, name: &str) -> &'a Step {
    job.steps.iter().find(|step| step.name == name).unwrap_or_else(|| panic!("no step {name}"))
}
