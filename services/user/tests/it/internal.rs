//! The routes for services and operators.

use contract::internal::{SignUpState, UserRecord};
use contract::user::Role;
use http::StatusCode;
use serde_json::json;

use crate::stack::{PASSWORD, Stack, form};

#[tokio::test]
async fn only_the_services_that_need_it_may_ask() {
    let stack = Stack::start().await;
    let mina = stack.account("mina@example.com").await;
    let path = format!("/internal/users/{}", mina.id);
    let token = |issuer| stack.keys.token(issuer, "user");
    let _ = stack.user.get(&path).send().await.expect(StatusCode::UNAUTHORIZED);
    for (token, expected) in [
        (mina.access.clone(), StatusCode::UNAUTHORIZED),
        (stack.keys.token("auth", "chat"), StatusCode::UNAUTHORIZED),
        (token("chat"), StatusCode::FORBIDDEN),
        (token("auth"), StatusCode::OK),
        (token("operator"), StatusCode::OK),
    ] {
        let _ = stack.user.get(&path).bearer(&token).send().await.expect(expected);
    }
    let body = json!({ "email": "x@example.com", "password": PASSWORD, "role": "ROLE_ADMIN" });
    for issuer in ["auth", "gateway", "chat"] {
        let create = stack.user.post("/internal/users").bearer(&token(issuer)).json(&body);
        let _ = create.send().await.expect(StatusCode::FORBIDDEN);
    }
}

#[tokio::test]
async fn a_record_says_how_far_the_sign_up_is() {
    let stack = Stack::start().await;
    let mina = stack.account("mina@example.com").await;
    let token = stack.keys.token("auth", "user");
    let get = || stack.user.get(&format!("/internal/users/{}", mina.id)).bearer(&token).send();
    let record: UserRecord = get().await.expect(StatusCode::OK).parsed();
    assert_eq!((record.sign_up, record.version), (SignUpState::Active, 1));
    sqlx::query("update user_profile set signup_state = 'PENDING'").execute(&stack.user_db).await.unwrap();
    let record: UserRecord = get().await.expect(StatusCode::OK).parsed();
    assert_eq!(record.sign_up, SignUpState::Pending);
    let own = stack.user.get(&format!("/api/users/{}", mina.id)).bearer(&mina.access).send().await;
    let _ = own.expect(StatusCode::NOT_FOUND);
    let nobody = stack.user.get(&format!("/internal/users/{}", uuid::Uuid::now_v7())).bearer(&token);
    assert_eq!(nobody.send().await.expect(StatusCode::NOT_FOUND).json()["errorCode"], "U001");
}

#[tokio::test]
async fn an_operator_creates_an_administrator() {
    let stack = Stack::start().await;
    let admin = stack.admin("ops@example.com").await;
    let user = stack.user.get(&format!("/api/users/{}", admin.id)).bearer(&admin.access).send().await.json();
    assert_eq!((&user["role"], &user["name"]), (&json!(Role::Admin), &json!("ops")));
    let token = stack.keys.token("operator", "user");
    let create = |body| stack.user.post("/internal/users").bearer(&token).json(&body).send();
    let again =
        create(json!({ "email": "OPS@example.com", "password": PASSWORD, "role": "ROLE_USER" })).await;
    assert_eq!(again.expect(StatusCode::CONFLICT).json()["errorCode"], "U002");
    let weak = create(json!({ "email": "x@example.com", "password": "short", "role": "ROLE_USER" })).await;
    assert_eq!(weak.expect(StatusCode::BAD_REQUEST).json()["errorCode"], "U004");
    let unknown_key =
        create(json!({ "email": "x@example.com", "password": PASSWORD, "role": "ROLE_USER", "x": 1 }));
    let _ = unknown_key.await.expect(StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn the_description_has_every_route() {
    let stack = Stack::start().await;
    let docs = stack.user.get("/api-docs").send().await.expect(StatusCode::OK).json();
    let paths: Vec<_> = docs["paths"].as_object().unwrap().keys().map(String::as_str).collect();
    for path in ["/api/users", "/api/users/check-email/{email}", "/api/users/health", "/api/users/{id}"] {
        assert!(paths.contains(&path), "{path} is missing in {paths:?}");
    }
    let health = stack.user.get("/api/users/health").send().await.expect(StatusCode::OK);
    assert!(health.header("content-type").unwrap().starts_with("text/plain"));
    let body = form("mina@example.com").to_string();
    let _ = stack.user.post("/api/users").body(body).send().await.expect(StatusCode::UNSUPPORTED_MEDIA_TYPE);
}
