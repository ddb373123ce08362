//! User and auth together: each with its own database, talking over real sockets.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;

use axum::Router;
use chassis::identity::follow_revocations;
use chassis::{Platform, Reader};
use contract::user::Role;
use serde_json::{Value, json};
use sqlx::PgPool;
use testkit::{ServiceKeys, TestApp, TestDb, TestRequest};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

/// What every account of these tests uses.
pub(crate) const PASSWORD: &str = "hunter22";

pub(crate) struct Stack {
    pub(crate) user: TestApp,
    pub(crate) auth: TestApp,
    pub(crate) user_state: user::AppState,
    pub(crate) auth_state: auth::AppState,
    pub(crate) user_db: PgPool,
    pub(crate) auth_db: PgPool,
    pub(crate) keys: ServiceKeys,
    platforms: [Platform; 2],
    urls: [(&'static str, SocketAddr); 2],
    auth_address: SocketAddr,
    auth_router: Router,
    auth_stop: Option<oneshot::Sender<()>>,
    auth_server: JoinSet<()>,
    _user_server: JoinSet<()>,
    databases: [TestDb; 2],
}

/// An account that somebody signed up for, and its tokens.
pub(crate) struct Account {
    pub(crate) id: String,
    pub(crate) access: String,
    pub(crate) refresh: String,
}

impl Stack {
    /// Without events: nobody hears of a revocation.
    pub(crate) async fn start() -> Self {
        let stack = Self::deaf().await;
        stack.user_state.identity.access.revocations().set_loaded();
        stack
    }

    /// With what runs beside the routers: events are published and followed.
    pub(crate) async fn with_events() -> Self {
        let stack = Self::deaf().await;
        let [user, auth] = &stack.platforms;
        user::events::start(user, &stack.user_db);
        auth::events::start(auth, &stack.auth_db);
        follow_revocations(user);
        stack
    }

    /// Any other service of the same stack, as far as it has to do with tokens.
    pub(crate) fn another_service(&self) -> Platform {
        let environment = environment("chat", "postgres://unused", &self.keys, &self.urls);
        let mut read = Reader::new(&environment);
        let base = read.base("chat", 0);
        let platform = Platform::quiet(read.finish(|| Some(base)).unwrap()).unwrap();
        follow_revocations(&platform);
        platform
    }

    /// Another replica of auth, which nobody but us talks to.
    pub(crate) async fn another_auth(&self) -> TestApp {
        let environment = environment("auth", &self.databases[1].url(), &self.keys, &self.urls);
        let config = auth::Config::from_env(&environment).unwrap();
        let platform = Platform::quiet(config.base.clone()).unwrap();
        let state = auth::state(config, &platform).await.unwrap();
        auth::events::start(&platform, &state.db);
        state.keys.clone().wait_for(Option::is_some).await.unwrap();
        TestApp::new(auth::app(&platform, state))
    }

    async fn deaf() -> Self {
        let (user_db, auth_db) = tokio::join!(TestDb::new("user_db"), TestDb::new("auth_db"));
        let keys = testkit::keys();
        let listeners = [listen("127.0.0.1:0").await, listen("127.0.0.1:0").await];
        let [user_address, auth_address] =
            listeners.each_ref().map(|listener| listener.local_addr().unwrap());
        let urls = [("DORAN_USER_URLS", user_address), ("DORAN_AUTH_URLS", auth_address)];
        let environment =
            |service: &str, database: &TestDb| environment(service, &database.url(), &keys, &urls);

        let config = auth::Config::from_env(&environment("auth", &auth_db)).unwrap();
        let auth_platform = Platform::quiet(config.base.clone()).unwrap();
        let auth_state = auth::state(config, &auth_platform).await.unwrap();
        let auth_router = auth::app(&auth_platform, auth_state.clone());
        auth_state.keys.clone().wait_for(Option::is_some).await.unwrap();

        let config = user::Config::from_env(&environment("user", &user_db)).unwrap();
        let user_platform = Platform::quiet(config.base.clone()).unwrap();
        let user_state = user::state(&config, &user_platform).unwrap();
        let user_router = user::app(&user_platform, user_state.clone());

        let mut user_server = JoinSet::new();
        let [user_listener, auth_listener] = listeners;
        let served = user_router.clone();
        user_server.spawn(async move { axum::serve(user_listener, served).await.unwrap() });
        let mut stack = Self {
            user: TestApp::new(user_router.clone()),
            auth: TestApp::new(auth_router.clone()),
            user_state,
            auth_state,
            user_db: user_db.pool(),
            auth_db: auth_db.pool(),
            platforms: [user_platform, auth_platform],
            urls,
            keys,
            auth_address,
            auth_router,
            auth_stop: None,
            auth_server: JoinSet::new(),
            _user_server: user_server,
            databases: [user_db, auth_db],
        };
        stack.serve_auth(auth_listener);
        stack
    }

    /// Auth stops accepting, finishes what it has, and closes its connections.
    pub(crate) async fn stop_auth(&mut self) {
        self.auth_stop = None;
        self.auth_server.join_next().await.unwrap().unwrap();
    }

    /// Auth breaks off everything, requests that wait for events too.
    pub(crate) async fn kill_auth(&mut self) {
        self.auth_stop = None;
        self.auth_server.shutdown().await;
    }

    pub(crate) async fn start_auth(&mut self) {
        let listener = listen(&self.auth_address.to_string()).await;
        self.serve_auth(listener);
    }

    fn serve_auth(&mut self, listener: TcpListener) {
        let (stop, stopped) = oneshot::channel::<()>();
        let router = self.auth_router.clone();
        self.auth_server.spawn(async move {
            let stopped = async {
                // Dropped or sent: both mean stop.
                let _ = stopped.await;
            };
            axum::serve(listener, router).with_graceful_shutdown(stopped).await.unwrap();
        });
        self.auth_stop = Some(stop);
    }

    pub(crate) fn sign_up(&self, email: &str) -> TestRequest {
        self.user.post("/api/users").json(&form(email))
    }

    pub(crate) fn login(&self, email: &str) -> TestRequest {
        self.auth.post("/api/auth/login").json(&json!({ "email": email, "password": PASSWORD }))
    }

    /// Signs up and logs in.
    pub(crate) async fn account(&self, email: &str) -> Account {
        let _ = self.sign_up(email).send().await.expect(http::StatusCode::OK);
        self.logged_in(email).await
    }

    pub(crate) async fn logged_in(&self, email: &str) -> Account {
        let body = self.login(email).send().await.expect(http::StatusCode::OK).json();
        let text = |pointer: &str| body.pointer(pointer).unwrap().as_str().unwrap().to_owned();
        Account {
            id: text("/data/user/id"),
            access: text("/data/accessToken"),
            refresh: text("/data/refreshToken"),
        }
    }

    /// An account made by an operator.
    pub(crate) async fn admin(&self, email: &str) -> Account {
        let body = json!({ "email": email, "password": PASSWORD, "role": Role::Admin });
        let token = self.keys.token("operator", "user");
        let request = self.user.post("/internal/users").bearer(&token).json(&body);
        let _ = request.send().await.expect(http::StatusCode::CREATED);
        self.logged_in(email).await
    }

    /// Types of the events of all users, oldest first, with each one's sequence.
    pub(crate) async fn events(&self) -> Vec<(String, i64)> {
        sqlx::query_as("select event_type, sequence from outbox order by id")
            .fetch_all(&self.user_db)
            .await
            .unwrap()
    }

    /// How far sign-ups are, as both databases say: profiles, then credentials.
    pub(crate) async fn states(&self) -> (Vec<String>, Vec<String>) {
        let profiles = sqlx::query_scalar("select signup_state from user_profile order by id");
        let credentials = sqlx::query_scalar("select signup_state from auth_user order by id");
        (
            profiles.fetch_all(&self.user_db).await.unwrap(),
            credentials.fetch_all(&self.auth_db).await.unwrap(),
        )
    }
}

/// What `doran` would set for this service.
fn environment(
    service: &str,
    database: &str,
    keys: &ServiceKeys,
    urls: &[(&str, SocketAddr)],
) -> BTreeMap<String, String> {
    let path = |path: &Path| path.display().to_string();
    let mut variables = BTreeMap::from([
        ("DATABASE_URL".to_owned(), database.to_owned()),
        ("DORAN_SERVICE_JWKS_FILE".to_owned(), path(&keys.jwks_file())),
        ("DORAN_SERVICE_KEY_FILE".to_owned(), path(&keys.key_file(service))),
        ("DORAN_AUTH_SEAL_FILE".to_owned(), path(&seal_file(keys))),
    ]);
    variables.extend(urls.iter().map(|(name, address)| ((*name).to_owned(), format!("http://{address}"))));
    variables
}

/// A complete form for this address.
pub(crate) fn form(email: &str) -> Value {
    json!({ "email": email, "firstName": "미나", "lastName": "김", "password": PASSWORD })
}

/// The keys of an object, sorted.
pub(crate) fn keys_of(value: &Value) -> Vec<&str> {
    let mut keys: Vec<_> = value.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

async fn listen(address: &str) -> TcpListener {
    TcpListener::bind(address).await.unwrap()
}

/// Beside the service keys, so that it goes with them.
fn seal_file(keys: &ServiceKeys) -> std::path::PathBuf {
    let path = keys.jwks_file().with_file_name("seal");
    std::fs::write(&path, "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc").unwrap();
    path
}
