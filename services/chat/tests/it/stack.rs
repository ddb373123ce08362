//! Instances of the service over one database, each with a runtime of its own, so that one can be killed.

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};

use chassis::{Platform, Service};
use chat::{AppState, Config};
use chrono::Utc;
use contract::auth::{RevocationReason, TokenRevoked};
use contract::claims::AccessClaims;
use contract::id::{RoomId, UserId};
use sqlx::PgPool;
use testkit::{Issuer, TestDb};
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

/// One process of the service, as far as the others and its clients can tell.
pub(crate) struct Instance {
    pub(crate) address: SocketAddr,
    pub(crate) platform: Platform,
    pub(crate) state: AppState,
    serving: JoinHandle<()>,
    runtime: Option<Runtime>,
}

impl Instance {
    /// Serves on a free port of loopback.
    pub(crate) async fn start(db: &TestDb, issuer: &Issuer) -> Self {
        Self::with(db, issuer, &[], |_, state| state).await
    }

    /// With more in its environment, and with what `adjust` makes of its state.
    pub(crate) async fn with(
        db: &TestDb,
        issuer: &Issuer,
        environment: &[(&str, &str)],
        adjust: impl FnOnce(&Platform, AppState) -> AppState + Send + 'static,
    ) -> Self {
        let mut variables = BTreeMap::from([("DATABASE_URL".to_owned(), db.url())]);
        variables.extend(environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let config = Config::from_env(&variables).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let keys = issuer.jwks();
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let started = runtime.spawn(async move {
            let platform = Platform::quiet(config.base.clone()).unwrap();
            platform.identity().access.set_keys(&keys);
            platform.identity().access.revocations().set_loaded();
            let state = adjust(&platform, chat::state(&config, &platform).unwrap());
            let service = Service::from(chat::app(&platform, state.clone()));
            let drain = platform.drain().clone();
            let serving = async move {
                chassis::server::serve(listener, service, drain.clone()).await.unwrap();
                drain.end();
            };
            (platform.clone(), state, tokio::runtime::Handle::current().spawn(serving))
        });
        let (platform, state, serving) = started.await.unwrap();
        Self { address, platform, state, serving, runtime: Some(runtime) }
    }

    /// The URL of a path over HTTP.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// A logout of the session, as auth's feed would tell it.
    pub(crate) fn revoke(&self, claims: &AccessClaims) {
        let revoked = TokenRevoked::session(claims.sub, claims.sid, RevocationReason::Logout);
        self.platform.identity().access.revocations().add(&revoked, Utc::now().timestamp());
    }

    /// SIGTERM: completes when everything in flight is done, or has had its time.
    pub(crate) async fn stop(&mut self) {
        self.platform.drain().begin();
        (&mut self.serving).await.unwrap();
    }

    /// SIGKILL: every task is gone and every connection broken off.
    pub(crate) fn kill(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A room of the user with a bot of its own, without a message.
pub(crate) async fn room(db: &PgPool, user: UserId) -> RoomId {
    let (bot, room) = (uuid::Uuid::now_v7(), uuid::Uuid::now_v7());
    let letters: String = bot
        .simple()
        .to_string()
        .chars()
        .skip(12)
        .map(|digit| char::from(b'a' + u8::try_from(digit.to_digit(16).unwrap()).unwrap()))
        .collect();
    sqlx::query(
        "insert into chatbot (id, name, bot_type, concept, description) values ($1, '친구', $2, 'FRIEND', '')",
    )
    .bind(bot)
    .bind(letters)
    .execute(db)
    .await
    .unwrap();
    sqlx::query(
        "insert into chat_room (id, user_id, chatbot_id, name, concept) values ($1, $2, $3, '방', 'FRIEND')",
    )
    .bind(room)
    .bind(user.as_uuid())
    .bind(bot)
    .execute(db)
    .await
    .unwrap();
    room.into()
}
