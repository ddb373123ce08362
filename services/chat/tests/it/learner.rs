//! A learner in front of an instance: what tests ask for most.

use std::collections::BTreeMap;

use chassis::Platform;
use chat::Config;
use contract::chat::{Message, Room};
use contract::id::{BotId, RoomId, UserId};
use contract::response::Page;
use contract::user::Role;
use http::StatusCode;
use serde_json::{Value, json};
use sqlx::PgPool;
use testkit::{Issuer, TestApp, TestDb, TestRequest, access_claims};
use uuid::Uuid;

/// An instance without sockets.
pub(crate) struct Chat {
    pub(crate) app: TestApp,
    issuer: Issuer,
}

impl Chat {
    pub(crate) fn new(db: &TestDb) -> Self {
        Self::with(db, Issuer::new(), &[])
    }

    /// With more in its environment.
    pub(crate) fn configured(db: &TestDb, environment: &[(&str, &str)]) -> Self {
        Self::with(db, Issuer::new(), environment)
    }

    fn with(db: &TestDb, issuer: Issuer, environment: &[(&str, &str)]) -> Self {
        let mut variables = BTreeMap::from([("DATABASE_URL".to_owned(), db.url())]);
        variables.extend(environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let config = Config::from_env(&variables).unwrap();
        let platform = Platform::quiet(config.base.clone()).unwrap();
        platform.identity().access.set_keys(&issuer.jwks());
        platform.identity().access.revocations().set_loaded();
        let state = chat::state(&config, &platform).unwrap();
        let app = TestApp::new(chat::app(&platform, state));
        Self { app, issuer }
    }

    pub(crate) fn learner(&self) -> Learner {
        self.somebody(Role::User)
    }

    pub(crate) fn admin(&self) -> Learner {
        self.somebody(Role::Admin)
    }

    fn somebody(&self, role: Role) -> Learner {
        let id = chassis::fresh_id();
        Learner { app: self.app.clone(), id, token: self.issuer.sign(&access_claims(id, role)) }
    }
}

/// Somebody with an access token.
#[derive(Clone)]
pub(crate) struct Learner {
    app: TestApp,
    pub(crate) id: UserId,
    pub(crate) token: String,
}

impl Learner {
    /// The same learner at another instance.
    pub(crate) fn at(&self, chat: &Chat) -> Self {
        Self {
            app: chat.app.clone(),
            id: self.id,
            token: chat.issuer.sign(&access_claims(self.id, Role::User)),
        }
    }

    pub(crate) fn get(&self, path: &str) -> TestRequest {
        self.app.get(path).bearer(&self.token)
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> TestRequest {
        self.app.post(path).bearer(&self.token).json(body)
    }

    pub(crate) fn put(&self, path: &str, body: &Value) -> TestRequest {
        self.app.put(path).bearer(&self.token).json(body)
    }

    pub(crate) fn patch(&self, path: &str, body: &Value) -> TestRequest {
        self.app.patch(path).bearer(&self.token).json(body)
    }

    pub(crate) async fn enter(&self, bot: BotId) -> Room {
        let body = json!({ "chatbotId": bot, "concept": "friend", "intimacyLevel": 2 });
        self.post("/api/chat/chatrooms", &body).send().await.expect(StatusCode::OK).parsed()
    }

    pub(crate) fn say(&self, room: RoomId, body: &Value) -> TestRequest {
        self.post(&format!("/api/chat/chatrooms/{room}/messages"), body)
    }

    /// Stores a message without an answer.
    pub(crate) async fn note(&self, room: RoomId, content: &str) -> Message {
        let body = json!({ "content": content, "respond": false });
        self.say(room, &body).send().await.expect(StatusCode::OK).parsed()
    }

    pub(crate) async fn history(&self, room: RoomId, query: &str) -> Page<Message> {
        let path = format!("/api/chat/chatrooms/{room}/messages{query}");
        self.get(&path).send().await.expect(StatusCode::OK).parsed()
    }
}

/// One of the web client's bots: 1 friend, 2 honey, 3 coworker, 4 senior.
pub(crate) async fn bot(db: &PgPool, digit: u8) -> BotId {
    let id: Uuid = format!("22222222-2222-2222-2222-22222222222{digit}").parse().unwrap();
    let slug = ["friend", "honey", "coworker", "senior"][usize::from(digit) - 1];
    sqlx::query(
        "insert into chatbot (id, name, bot_type, concept, description)
         values ($1, '다정한 이음', $2, upper($2), '') on conflict do nothing",
    )
    .bind(id)
    .bind(slug)
    .execute(db)
    .await
    .unwrap();
    id.into()
}
