//! From sign-up to logout, through both services.

use http::StatusCode;
use serde_json::{Value, json};

use crate::stack::Stack;

#[tokio::test]
async fn sign_up_login_me_refresh_and_logout() {
    let stack = Stack::start().await;
    let mina = stack.account("mina@example.com").await;
    let me = |token: String| stack.auth.get("/api/auth/me").bearer(&token).send();
    let refresh =
        |token: &str| stack.auth.post("/api/auth/refresh").json(&json!({ "refreshToken": token })).send();

    let profile = stack.user.get(&format!("/api/users/{}", mina.id)).bearer(&mina.access).send().await;
    let seen = me(mina.access.clone()).await.expect(StatusCode::OK).json();
    assert_eq!(seen["data"], profile.json(), "auth shows what user knows");

    let refreshed = refresh(&mina.refresh).await.expect(StatusCode::OK).json();
    let access = refreshed["data"]["accessToken"].as_str().unwrap().to_owned();
    let successor = refreshed["data"]["refreshToken"].as_str().unwrap().to_owned();
    assert_ne!(successor, mina.refresh);
    let _ = me(access.clone()).await.expect(StatusCode::OK);

    let out = stack.auth.post("/api/auth/logout").bearer(&access).send().await.expect(StatusCode::OK).json();
    assert_eq!((&out["success"], &out["data"]), (&json!(true), &Value::Null));
    for token in [access, mina.access] {
        assert_eq!(me(token).await.expect(StatusCode::UNAUTHORIZED).json()["errorCode"], "A002");
    }
    let _ = refresh(&successor).await.expect(StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_changed_profile_shows_in_the_next_login() {
    let stack = Stack::start().await;
    let mina = stack.account("mina@example.com").await;
    let change = stack.user.put(&format!("/api/users/{}", mina.id)).bearer(&mina.access);
    let _ = change.json(&json!({ "name": "민", "coachCheck": true })).send().await.expect(StatusCode::OK);
    let user = &stack.login("mina@example.com").send().await.json()["data"]["user"];
    assert_eq!((&user["name"], &user["coachCheck"]), (&json!("민"), &json!(true)));
    let copy: (String, i64) = sqlx::query_as("select name, profile_version from auth_user")
        .fetch_one(&stack.auth_db)
        .await
        .unwrap();
    assert_eq!(copy, ("민".to_owned(), 2), "auth's own copy is as new");
}
