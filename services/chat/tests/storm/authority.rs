//! The real auth service: instances fetch its keys and follow its revocations. Users need no accounts for that, so
//! their tokens are signed as a login would sign them.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use auth::repository::session::Ended;
use chassis::Platform;
use contract::auth::RevocationReason;
use contract::id::{SessionId, UserId};
use contract::user::Role;
use testkit::{ServiceKeys, TestDb, access_claims};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

const LIFETIME_SECS: i64 = 3600;

pub(crate) struct Authority {
    pub(crate) address: SocketAddr,
    state: auth::AppState,
    _platform: Platform,
    _server: JoinSet<()>,
    _database: TestDb,
}

/// An access token and the login that it came from.
#[derive(Debug, Clone)]
pub(crate) struct Token {
    pub(crate) session: SessionId,
    pub(crate) text: String,
}

impl Authority {
    pub(crate) async fn start(keys: &ServiceKeys) -> Self {
        let database = TestDb::new("auth_db").await;
        let seal = keys.jwks_file().with_file_name("seal");
        std::fs::write(&seal, "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc").unwrap();
        let environment = BTreeMap::from([
            ("DATABASE_URL".to_owned(), database.url()),
            ("DORAN_SERVICE_JWKS_FILE".to_owned(), keys.jwks_file().display().to_string()),
            ("DORAN_SERVICE_KEY_FILE".to_owned(), keys.key_file("auth").display().to_string()),
            ("DORAN_AUTH_SEAL_FILE".to_owned(), seal.display().to_string()),
        ]);
        let config = auth::Config::from_env(&environment).unwrap();
        let platform = Platform::quiet(config.base.clone()).unwrap();
        let state = auth::state(config, &platform).await.unwrap();
        auth::events::start(&platform, &state.db);
        state.keys.clone().wait_for(Option::is_some).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = auth::app(&platform, state.clone());
        let mut server = JoinSet::new();
        server.spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, state, _platform: platform, _server: server, _database: database }
    }

    /// Of a new login.
    pub(crate) fn token(&self, user: UserId) -> Token {
        let mut claims = access_claims(user, Role::User);
        claims.exp = claims.iat + LIFETIME_SECS;
        let text = self.state.keyring().unwrap().sign(&claims).unwrap();
        Token { session: claims.sid, text }
    }

    /// Logs out: no token of that login is good any more.
    pub(crate) async fn revoke(&self, user: UserId, session: SessionId) {
        let mut tx = self.state.db.begin().await.unwrap();
        // The tokens are of a login that auth has not stored, so this is the first event of its session.
        let ended = Ended { user, sequence: 1 };
        auth::events::session_revoked(&mut tx, session, ended, RevocationReason::Logout).await.unwrap();
        tx.commit().await.unwrap();
    }
}
