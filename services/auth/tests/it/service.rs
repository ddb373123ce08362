//! Auth with its own database, and the user service as a table of answers.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use chassis::{ApiError, Platform};
use contract::code::ErrorCode;
use contract::id::UserId;
use contract::internal::{SignUpState, UserRecord};
use contract::user::{Role, UserDto, UserStatus};
use http::StatusCode;
use http::header::HeaderName;
use serde_json::{Value, json};
use sqlx::PgPool;
use testkit::{ServiceKeys, TestApp, TestDb, TestRedis, TestRequest, eventually};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

pub(crate) const EMAIL: &str = "mina@example.com";
pub(crate) const PASSWORD: &str = "hunter22";
pub(crate) const X_REAL_IP: HeaderName = HeaderName::from_static("x-real-ip");

/// What the stand-in answers; an id that is not here is unknown.
type Records = Arc<Mutex<HashMap<UserId, UserRecord>>>;

pub(crate) struct Auth {
    pub(crate) app: TestApp,
    pub(crate) state: auth::AppState,
    pub(crate) platform: Platform,
    pub(crate) db: PgPool,
    pub(crate) keys: ServiceKeys,
    pub(crate) records: Records,
    user_service: JoinSet<()>,
    environment: BTreeMap<String, String>,
    _database: TestDb,
}

/// Tokens of one login or refresh.
#[derive(Clone)]
pub(crate) struct Tokens {
    pub(crate) access: String,
    pub(crate) refresh: String,
}

impl Auth {
    pub(crate) async fn start() -> Self {
        Self::over(None).await
    }

    /// With its caches in `redis`, connected.
    pub(crate) async fn with_redis(redis: &TestRedis) -> Self {
        let auth = Self::over(Some(redis.url())).await;
        auth.connected().await;
        auth
    }

    pub(crate) async fn connected(&self) {
        let link = self.platform.redis().link().unwrap();
        eventually(Duration::from_secs(10), || async { link.is_up() }).await;
    }

    async fn over(redis: Option<String>) -> Self {
        let database = TestDb::new("auth_db").await;
        let keys = testkit::keys();
        let records = Records::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let user_url = format!("http://{}", listener.local_addr().unwrap());
        let stand_in = Router::new().route("/internal/users/{id}", get(record)).with_state(records.clone());
        let mut user_service = JoinSet::new();
        user_service.spawn(async move { axum::serve(listener, stand_in).await.unwrap() });
        let path = |path: PathBuf| path.display().to_string();
        let mut environment = BTreeMap::from([
            ("DATABASE_URL".to_owned(), database.url()),
            ("DORAN_SERVICE_JWKS_FILE".to_owned(), path(keys.jwks_file())),
            ("DORAN_SERVICE_KEY_FILE".to_owned(), path(keys.key_file("auth"))),
            ("DORAN_AUTH_SEAL_FILE".to_owned(), path(seal_file(&keys, 7))),
            ("DORAN_USER_URLS".to_owned(), user_url),
        ]);
        environment.extend(redis.map(|url| ("REDIS_URL".to_owned(), url)));
        let (app, state, platform) = replica(&environment).await;
        Self {
            app,
            state,
            platform,
            db: database.pool(),
            keys,
            records,
            user_service,
            environment,
            _database: database,
        }
    }

    /// Another instance of the same service.
    pub(crate) async fn another(&self) -> (TestApp, auth::AppState) {
        let (app, state, _platform) = replica(&self.environment).await;
        (app, state)
    }

    /// From now on nobody answers for the user service.
    pub(crate) async fn stop_user(&mut self) {
        self.user_service.shutdown().await;
        // Connections that are still open belong to tasks of their own; the address of nobody has none.
        self.environment.insert("DORAN_USER_URLS".to_owned(), "http://127.0.0.1:9".to_owned());
        (self.app, self.state) = self.another().await;
    }

    /// Credentials as a finished sign-up leaves them, and the profile at the stand-in.
    pub(crate) async fn account(&self, email: &str) -> UserId {
        let id = self.pending(email).await;
        let confirm = self.app.post(&format!("/internal/credentials/{id}/confirm"));
        let _ = confirm.bearer(&self.users_token()).send().await.expect(StatusCode::OK);
        self.know(id, email, SignUpState::Active);
        id
    }

    /// Credentials that nobody has confirmed yet, and no profile.
    pub(crate) async fn pending(&self, email: &str) -> UserId {
        let id: UserId = chassis::fresh_id();
        let _ = self.put_credentials(id, email, PASSWORD).send().await.expect(StatusCode::OK);
        id
    }

    pub(crate) fn put_credentials(&self, id: UserId, email: &str, password: &str) -> TestRequest {
        let body = json!({ "email": email, "password": password, "name": "미나", "role": "ROLE_USER" });
        self.app.put(&format!("/internal/credentials/{id}")).bearer(&self.users_token()).json(&body)
    }

    pub(crate) fn know(&self, id: UserId, email: &str, sign_up: SignUpState) {
        let user = profile(id, email);
        self.records.lock().unwrap().insert(id, UserRecord { sign_up, version: 1, user });
    }

    /// A token of the user service for auth.
    pub(crate) fn users_token(&self) -> String {
        self.keys.token("user", "auth")
    }

    pub(crate) fn login(&self, email: &str, password: &str) -> TestRequest {
        self.app.post("/api/auth/login").json(&json!({ "email": email, "password": password }))
    }

    pub(crate) async fn logged_in(&self, email: &str) -> Tokens {
        tokens(&self.login(email, PASSWORD).send().await.expect(StatusCode::OK).json())
    }

    pub(crate) fn refresh(&self, token: &str) -> TestRequest {
        self.app.post("/api/auth/refresh").json(&json!({ "refreshToken": token }))
    }

    pub(crate) async fn refreshed(&self, token: &str) -> Tokens {
        tokens(&self.refresh(token).send().await.expect(StatusCode::OK).json())
    }

    pub(crate) fn me(&self, token: &str) -> TestRequest {
        self.app.get("/api/auth/me").bearer(token)
    }

    /// How often each kind of entry is in the security trail.
    pub(crate) async fn audit(&self, kind: &str) -> i64 {
        sqlx::query_scalar("select count(*) from audit where kind = $1")
            .bind(kind)
            .fetch_one(&self.db)
            .await
            .unwrap()
    }
}

pub(crate) fn tokens(body: &Value) -> Tokens {
    let text = |key: &str| body["data"][key].as_str().unwrap().to_owned();
    Tokens { access: text("accessToken"), refresh: text("refreshToken") }
}

/// A full profile, different from auth's own copy in every field that the copy lacks.
pub(crate) fn profile(id: UserId, email: &str) -> UserDto {
    UserDto {
        id,
        email: email.to_owned(),
        first_name: Some("미나".to_owned()),
        last_name: Some("김".to_owned()),
        name: "미나 김".to_owned(),
        picture: Some("https://example.com/mina.png".to_owned()),
        info: Some("안녕".to_owned()),
        preferences: None,
        last_conn_time: None,
        status: UserStatus::Active,
        role: Role::User,
        coach_check: true,
        exit_modal_do_not_show_again: true,
        created_at: Some(chrono::Utc::now()),
        updated_at: Some(chrono::Utc::now()),
    }
}

pub(crate) fn keys_of(value: &Value) -> Vec<&str> {
    let mut keys: Vec<_> = value.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

/// A seal key of 32 equal bytes, beside the service keys, so that it goes with them.
pub(crate) fn seal_file(keys: &ServiceKeys, byte: u8) -> PathBuf {
    use base64::Engine as _;
    let path = keys.jwks_file().with_file_name(format!("seal-{byte}"));
    std::fs::write(&path, base64::engine::general_purpose::URL_SAFE_NO_PAD.encode([byte; 32])).unwrap();
    path
}

async fn replica(environment: &BTreeMap<String, String>) -> (TestApp, auth::AppState, Platform) {
    let config = auth::Config::from_env(environment).unwrap();
    let platform = Platform::quiet(config.base.clone()).unwrap();
    let state = auth::state(config, &platform).await.unwrap();
    state.keys.clone().wait_for(Option::is_some).await.unwrap();
    (TestApp::new(auth::app(&platform, state.clone())), state, platform)
}

async fn record(State(records): State<Records>, Path(id): Path<UserId>) -> Response {
    match records.lock().unwrap().get(&id) {
        Some(record) => Json(record).into_response(),
        None => ApiError::new(ErrorCode::UserNotFound).into_response(),
    }
}
