//! Tickets: for browsers, for one room, for one use.

use contract::id::{RoomId, UserId};
use contract::user::Role;
use futures_util::future::join_all;
use http::StatusCode;
use serde_json::{Value, json};
use sqlx::PgPool;
use testkit::{Issuer, TestApp, TestDb, access_claims};

use crate::client::{Client, Refusal};
use crate::stack::{Instance, room};

struct Stage {
    db: PgPool,
    issuer: Issuer,
    instance: Instance,
    user: UserId,
    room: RoomId,
    _database: TestDb,
}

impl Stage {
    async fn set() -> Self {
        let (database, issuer) = (TestDb::new("chat_db").await, Issuer::new());
        let instance = Instance::start(&database, &issuer).await;
        let (db, user) = (database.pool(), chassis::fresh_id());
        let room = room(&db, user).await;
        Self { db, issuer, instance, user, room, _database: database }
    }

    fn app(&self) -> TestApp {
        TestApp::new(chat::app(&self.instance.platform, self.instance.state.clone()))
    }

    async fn ask(&self, room: RoomId, token: &str) -> testkit::TestResponse {
        self.app().post(&format!("/api/chat/chatrooms/{room}/ticket")).bearer(token).send().await
    }

    async fn ticket(&self) -> String {
        let answer = self
            .ask(self.room, &self.issuer.token(self.user, Role::User))
            .await
            .expect(StatusCode::OK)
            .json();
        answer["ticket"].as_str().unwrap().to_owned()
    }

    async fn enter(&self, room: RoomId, ticket: &str) -> Result<Client, Refusal> {
        Client::try_open(&self.instance, &format!("/ws/chat/{room}?ticket={ticket}"), &[]).await
    }

    async fn stored(&self) -> i64 {
        sqlx::query_scalar("select count(*) from socket_ticket").fetch_one(&self.db).await.unwrap()
    }
}

#[track_caller]
fn refused(entered: Result<Client, Refusal>) {
    let Err(refusal) = entered else { panic!("it opened") };
    assert_eq!(refusal.status, StatusCode::UNAUTHORIZED);
    assert_eq!(refusal.problem["errorCode"], "A002");
}

#[tokio::test]
async fn a_ticket_opens_its_room_once_and_only_its_hash_is_stored() {
    let stage = Stage::set().await;
    let ticket = stage.ticket().await;
    let row: Value =
        sqlx::query_scalar("select to_jsonb(t) from socket_ticket t").fetch_one(&stage.db).await.unwrap();
    assert!(!row.to_string().contains(&ticket));
    let mut client = stage.enter(stage.room, &ticket).await.unwrap();
    assert_eq!(client.next().await, json!({ "type": "ready", "lastSequence": 0 }));
    assert_eq!(client.protocol, None, "nothing was offered");
    refused(stage.enter(stage.room, &ticket).await);
    assert_eq!(stage.stored().await, 0);
}

#[tokio::test]
async fn of_many_who_show_the_same_ticket_at_once_one_comes_in() {
    let stage = Stage::set().await;
    for _ in 0..3 {
        let ticket = stage.ticket().await;
        let entered = join_all((0..16).map(|_| stage.enter(stage.room, &ticket))).await;
        assert_eq!(entered.iter().filter(|entered| entered.is_ok()).count(), 1);
    }
}

#[tokio::test]
async fn a_ticket_that_does_not_fit_opens_nothing_and_is_gone() {
    let stage = Stage::set().await;
    let other = room(&stage.db, stage.user).await;
    let ticket = stage.ticket().await;
    refused(stage.enter(other, &ticket).await);
    refused(stage.enter(stage.room, &ticket).await);
    refused(stage.enter(stage.room, "made-up").await);
    let ticket = stage.ticket().await;
    sqlx::query("update socket_ticket set expires_at = now()").execute(&stage.db).await.unwrap();
    refused(stage.enter(stage.room, &ticket).await);
}

#[tokio::test]
async fn the_ticket_of_a_revoked_token_opens_nothing() {
    let stage = Stage::set().await;
    let claims = access_claims(stage.user, Role::User);
    let answer = stage.ask(stage.room, &stage.issuer.sign(&claims)).await.expect(StatusCode::OK).json();
    stage.instance.revoke(&claims);
    refused(stage.enter(stage.room, answer["ticket"].as_str().unwrap()).await);
}

#[tokio::test]
async fn a_ticket_does_not_outlive_its_token() {
    let stage = Stage::set().await;
    let mut claims = access_claims(stage.user, Role::User);
    claims.exp = chrono::Utc::now().timestamp() + 10;
    let answer = stage.ask(stage.room, &stage.issuer.sign(&claims)).await.expect(StatusCode::OK).json();
    let expires: chrono::DateTime<chrono::Utc> = answer["expiresAt"].as_str().unwrap().parse().unwrap();
    assert_eq!(expires.timestamp(), claims.exp);
}

#[tokio::test]
async fn only_the_rooms_owner_gets_one() {
    let stage = Stage::set().await;
    let stranger = stage.issuer.somebody(Role::User);
    let answer = stage.ask(stage.room, &stranger).await.expect(StatusCode::FORBIDDEN);
    assert_eq!(answer.json()["errorCode"], "A003");
    let answer = stage.ask(chassis::fresh_id(), &stranger).await.expect(StatusCode::NOT_FOUND);
    assert_eq!(answer.json()["errorCode"], "C001");
    let _ = stage.ask(stage.room, "no-token").await.expect(StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn tickets_that_nobody_used_are_removed_when_new_ones_are_made() {
    let stage = Stage::set().await;
    sqlx::query(
        "insert into socket_ticket (hash, room_id, claims, expires_at)
         select sha256(n::text::bytea), $1, '{}', now() - interval '1 minute' from generate_series(1, 70) n",
    )
    .bind(stage.room.as_uuid())
    .execute(&stage.db)
    .await
    .unwrap();
    stage.ticket().await;
    assert_eq!(stage.stored().await, 21, "fifty at a time");
    stage.ticket().await;
    assert_eq!(stage.stored().await, 2);
}
