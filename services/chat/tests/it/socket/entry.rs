//! Who comes in, and by what.

use chrono::Utc;
use contract::user::Role;
use http::StatusCode;
use serde_json::json;
use testkit::TestApp;

use super::stage::Stage;
use crate::client::{Client, Refusal};
use crate::stack::{Instance, room};

async fn refused(instance: &Instance, path: &str, headers: &[(&'static str, String)]) -> Refusal {
    let Err(refusal) = Client::try_open(instance, path, headers).await else { panic!("it opened") };
    assert_eq!(refusal.content_type, "application/problem+json");
    refusal
}

fn bearer(token: &str) -> [(&'static str, String); 1] {
    [("authorization", format!("Bearer {token}"))]
}

#[tokio::test]
async fn whoever_may_not_enter_is_told_before_the_upgrade() {
    let stage = Stage::set().await;
    let instance = stage.instance().await;
    let path = format!("/ws/chat/{}", stage.room);
    let mut late = stage.claims.clone();
    late.exp = Utc::now().timestamp() - 1;
    for (headers, code) in [
        (vec![], "A002"),
        (bearer("nonsense").to_vec(), "A002"),
        (bearer(&stage.issuer.sign(&late)).to_vec(), "A001"),
        (vec![("sec-websocket-protocol", "dorandoran.v1".to_owned())], "A002"),
        (vec![("sec-websocket-protocol", "bearer.nonsense".to_owned())], "A002"),
    ] {
        let refusal = refused(&instance, &path, &headers).await;
        assert_eq!(refusal.status, StatusCode::UNAUTHORIZED, "{headers:?}");
        assert_eq!(refusal.problem["errorCode"], code, "{headers:?}");
    }
    let stranger = bearer(&stage.issuer.somebody(Role::User));
    let refusal = refused(&instance, &path, &stranger).await;
    assert_eq!((refusal.status, &refusal.problem["errorCode"]), (StatusCode::FORBIDDEN, &json!("A003")));
    let nowhere = format!("/ws/chat/{}", uuid::Uuid::now_v7());
    let refusal = refused(&instance, &nowhere, &bearer(&stage.token)).await;
    assert_eq!((refusal.status, &refusal.problem["errorCode"]), (StatusCode::NOT_FOUND, &json!("C001")));
    sqlx::query("update chat_room set deleted_at = now()").execute(&stage.db).await.unwrap();
    let refusal = refused(&instance, &path, &bearer(&stage.token)).await;
    assert_eq!((refusal.status, &refusal.problem["errorCode"]), (StatusCode::NOT_FOUND, &json!("C001")));
    instance.revoke(&stage.claims);
    let refusal = refused(&instance, &path, &bearer(&stage.token)).await;
    assert_eq!(refusal.problem["errorCode"], "A002");
}

#[tokio::test]
async fn what_is_no_handshake_is_a_problem_like_any_other() {
    let stage = Stage::set().await;
    let instance = stage.instance().await;
    let app = TestApp::new(chat::app(&instance.platform, instance.state.clone()));
    let request = app.get(&format!("/ws/chat/{}", stage.room)).bearer(&stage.token);
    let answer = request.send().await.expect(StatusCode::BAD_REQUEST);
    assert_eq!(answer.json()["errorCode"], "E002");
    let request = app.get("/ws/chat/not-an-id").bearer(&stage.token);
    assert_eq!(request.send().await.expect(StatusCode::BAD_REQUEST).json()["errorCode"], "E002");
}

#[tokio::test]
async fn a_browser_shows_its_token_among_its_protocols_and_is_answered_one_of_them() {
    let stage = Stage::set().await;
    let instance = stage.instance().await;
    let (path, token) = (format!("/ws/chat/{}", stage.room), &stage.token);
    for (offer, answer) in [
        (format!("dorandoran.v1, bearer.{token}"), "dorandoran.v1".to_owned()),
        (format!("bearer, {token}, dorandoran.v1"), "dorandoran.v1".to_owned()),
        (format!("bearer, {token}"), "bearer".to_owned()),
        (format!("bearer.{token}"), format!("bearer.{token}")),
        (token.clone(), token.clone()),
    ] {
        let offered = [("sec-websocket-protocol", offer.clone())];
        let mut client = Client::try_open(&instance, &path, &offered).await.unwrap();
        assert_eq!(client.protocol.as_ref(), Some(&answer), "{offer}");
        assert_eq!(client.next().await, json!({ "type": "ready", "lastSequence": 0 }));
    }
}

#[tokio::test]
async fn one_learner_has_rooms_of_their_own_and_hears_of_each_only_there() {
    let stage = Stage::set().await;
    let instance = stage.instance().await;
    let other = room(&stage.db, stage.user).await;
    let mut here = stage.client(&instance).await;
    let mut there = Client::open(&instance, &format!("/ws/chat/{other}"), &stage.token).await;
    here.say("여기", "h").await;
    there.say("저기", "t").await;
    for (client, content) in [(&mut here, "여기"), (&mut there, "저기")] {
        let frame = client.until("message").await;
        assert_eq!(frame["message"]["content"], content);
        assert_eq!(frame["message"]["sequenceNumber"], 1);
    }
}
