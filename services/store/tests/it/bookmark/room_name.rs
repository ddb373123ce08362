//! The room's name, which chat tells when a bookmark is saved.

use std::path::Path;

use axum::Router;
use axum::extract;
use axum::routing::{any, get};
use chassis::{Platform, Service};
use contract::chat::Room;
use contract::store::Bookmark;
use http::StatusCode;
use serde_json::{Value, json};
use testkit::{Issuer, ServiceKeys, TestApp, TestDb};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use uuid::Uuid;

use super::keeper::{FRIEND, Keeper, Store, message};
use crate::introduce;

/// Something on a free port of loopback that is asked for rooms. Ends with the test.
struct Upstream {
    url: String,
    keys: ServiceKeys,
    serving: JoinSet<()>,
}

impl Upstream {
    async fn fake(router: Router) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let mut serving = JoinSet::new();
        serving.spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, keys: testkit::keys(), serving }
    }

    /// Who answers every question about a room with this.
    async fn answering(status: StatusCode, body: Value) -> Self {
        Self::fake(Router::new().fallback(any(async move || (status, axum::Json(body.clone()))))).await
    }

    async fn store(&self, issuer: Issuer) -> Store {
        let key = path(&self.keys.key_file("store"));
        Store::with(issuer, &[("DORAN_CHAT_URLS", &self.url), ("DORAN_SERVICE_KEY_FILE", &key)]).await
    }
}

fn path(path: &Path) -> String {
    path.display().to_string()
}

/// The real chat.
struct Chat {
    app: TestApp,
    upstream: Upstream,
    _database: TestDb,
}

impl Chat {
    async fn start(issuer: &Issuer) -> Self {
        let (database, keys) = (TestDb::new("chat_db").await, testkit::keys());
        sqlx::query(
            "insert into chatbot (id, name, bot_type, concept, description)
             values ($1::uuid, '단짝 하루', 'friend', 'FRIEND', '')",
        )
        .bind(FRIEND)
        .execute(&database.pool())
        .await
        .unwrap();
        let (url, jwks) = (database.url(), path(&keys.jwks_file()));
        let config = chat::Config::from_env(&[("DATABASE_URL", &*url), ("DORAN_SERVICE_JWKS_FILE", &*jwks)]);
        let config = config.unwrap();
        let platform = Platform::quiet(config.base.clone()).unwrap();
        introduce(issuer, &platform);
        let router = chat::app(&platform, chat::state(&config, &platform).unwrap());
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (app, service) = (TestApp::new(router.clone()), Service::from(router));
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            chassis::server::serve(listener, service, platform.drain().clone()).await.unwrap();
        });
        Self { app, upstream: Upstream { url, keys, serving }, _database: database }
    }

    /// The user's room with the friend.
    async fn enter(&self, user: &Keeper, name: &str) -> Room {
        let body = json!({ "chatbotId": FRIEND, "concept": "FRIEND", "name": name });
        let entering = self.app.post("/api/chat/chatrooms").bearer(&user.token).json(&body);
        entering.send().await.expect(StatusCode::OK).parsed()
    }

    async fn post(&self, user: &Keeper, path: &str) {
        let _ = self.app.post(path).bearer(&user.token).send().await.expect(StatusCode::NO_CONTENT);
    }
}

async fn keep(user: &Keeper, room: impl ToString) -> Bookmark {
    let mut sent = message();
    sent["chatroomId"] = json!(room.to_string());
    user.keep(&sent).await
}

#[tokio::test]
async fn a_bookmark_has_the_name_that_its_users_room_had() {
    let issuer = Issuer::new();
    let chat = Chat::start(&issuer).await;
    let store = chat.upstream.store(issuer).await;
    let (user, other) = (store.user(), store.user());
    let room = chat.enter(&user, "학교 이야기").await;
    let kept = keep(&user, room.id).await;
    assert_eq!(kept.chatroom_name.as_deref(), Some("학교 이야기"));
    assert_eq!(keep(&other, room.id).await.chatroom_name, None, "a stranger does not learn it");
    assert_eq!(keep(&user, Uuid::now_v7()).await.chatroom_name, None, "there is no such room");

    let renaming = chat.app.patch(&format!("/api/chat/rooms/{}", room.id)).bearer(&user.token);
    let _ = renaming.json(&json!({ "name": "여행 이야기" })).send().await.expect(StatusCode::OK);
    chat.post(&user, &format!("/api/chat/chatrooms/{}/leave", room.id)).await;
    assert_eq!(
        keep(&user, room.id).await.chatroom_name.as_deref(),
        Some("여행 이야기"),
        "also once it is left"
    );
    let listed: Vec<Bookmark> =
        user.get(&format!("/chatroom/{}", room.id)).send().await.expect(StatusCode::OK).parsed();
    let names: Vec<_> = listed.iter().map(|bookmark| bookmark.chatroom_name.as_deref().unwrap()).collect();
    assert_eq!(names, ["여행 이야기", "학교 이야기"], "what was saved stays");
}

#[tokio::test]
async fn nobody_waits_for_chat_to_list_or_to_save() {
    let issuer = Issuer::new();
    let mut chat = Chat::start(&issuer).await;
    let store = chat.upstream.store(issuer).await;
    let user = store.user();
    let room = chat.enter(&user, "방").await;
    let kept = keep(&user, room.id).await;
    chat.upstream.serving.shutdown().await;
    let later = keep(&user, room.id).await;
    let listed: Vec<Bookmark> =
        user.get(&format!("/chatroom/{}", room.id)).send().await.expect(StatusCode::OK).parsed();
    assert_eq!(listed.iter().map(|bookmark| bookmark.id).collect::<Vec<_>>(), [later.id, kept.id]);
    assert_eq!(listed[1].chatroom_name.as_deref(), Some("방"));
}

/// How often store has gone on without a name for this reason.
fn fallbacks(metrics: &str, reason: &str) -> f64 {
    let lines = metrics.lines().filter(|line| {
        line.starts_with("service_client_fallbacks_total{")
            && ["store->chat", "no name of the room", reason].iter().all(|word| line.contains(word))
    });
    lines.map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()).sum()
}

#[tokio::test]
async fn a_chat_that_fails_costs_the_name_and_nothing_else() {
    let metrics = chassis::metrics::install();
    let hangs = Router::new().fallback(any(async || std::future::pending::<()>().await));
    let record = |room: extract::Path<Uuid>| async move {
        // Without the name that was agreed.
        axum::Json(json!({ "id": room.0, "userId": room.0 }))
    };
    let broken = Router::new().route("/internal/rooms/{id}", get(record));
    for (upstream, reason) in [
        (Upstream::fake(hangs).await, "timeout"),
        (Upstream::fake(broken).await, "broken"),
        (Upstream::answering(StatusCode::INTERNAL_SERVER_ERROR, Value::Null).await, "refused"),
        (Upstream::answering(StatusCode::FORBIDDEN, Value::Null).await, "refused"),
        (Upstream::answering(StatusCode::NOT_FOUND, Value::Null).await, "refused"),
    ] {
        let store = upstream.store(Issuer::new()).await;
        let user = store.user();
        let before = fallbacks(&metrics.render(), reason);
        assert_eq!(keep(&user, Uuid::now_v7()).await.chatroom_name, None, "{reason}");
        assert!(fallbacks(&metrics.render(), reason) > before, "{reason}");
        assert_eq!(user.page("").await.total_elements, 1);
    }
    let alone = Store::new().await;
    assert_eq!(keep(&alone.user(), Uuid::now_v7()).await.chatroom_name, None);
    assert!(fallbacks(&metrics.render(), "no_instance") > 0.0);
}
