//! Reading and changing a profile.

use http::StatusCode;
use http::header::IF_MATCH;
use serde_json::{Value, json};

use crate::stack::Stack;

#[tokio::test]
async fn one_sees_oneself_bare_with_a_version() {
    let stack = Stack::start().await;
    let mina = stack.account("mina@example.com").await;
    let answer = stack.user.get(&format!("/api/users/{}", mina.id)).bearer(&mina.access).send().await;
    let answer = answer.expect(StatusCode::OK);
    assert_eq!(answer.header("etag"), Some("\"1\""));
    let user = answer.json();
    assert_eq!(user["id"], mina.id);
    assert_eq!((&user["coachCheck"], &user["exitModalDoNotShowAgain"]), (&json!(false), &json!(false)));
    assert!(user.get("data").is_none());
}

#[tokio::test]
async fn somebody_else_is_nobodys_business_but_an_administrators() {
    let stack = Stack::start().await;
    let mina = stack.account("mina@example.com").await;
    let juno = stack.account("juno@example.com").await;
    let admin = stack.admin("ops@example.com").await;
    let path = format!("/api/users/{}", mina.id);
    let nobody = format!("/api/users/{}", uuid::Uuid::now_v7());
    for (path, token, expected) in [
        (&path, &juno.access, StatusCode::FORBIDDEN),
        (&nobody, &juno.access, StatusCode::FORBIDDEN),
        (&path, &admin.access, StatusCode::OK),
        (&nobody, &admin.access, StatusCode::NOT_FOUND),
    ] {
        let _ = stack.user.get(path).bearer(token).send().await.expect(expected);
        let change = stack.user.put(path).bearer(token).json(&json!({ "info": "x" }));
        let _ = change.send().await.expect(expected);
    }
    let anonymous = stack.user.get(&path).send().await.expect(StatusCode::UNAUTHORIZED);
    assert_eq!(anonymous.json()["errorCode"], "A002");
    let _ = stack
        .user
        .get("/api/users/not-an-id")
        .bearer(&juno.access)
        .send()
        .await
        .expect(StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_change_touches_what_was_sent_and_is_published_once() {
    let stack = Stack::start().await;
    let mina = stack.account("mina@example.com").await;
    let path = format!("/api/users/{}", mina.id);
    let put = |body: Value| stack.user.put(&path).bearer(&mina.access).json(&body).send();
    let body = json!({
        "coachCheck": true, "exitModalDoNotShowAgain": true, "info": "안녕하세요", "lastName": null,
        "email": "MINA@example.com", "role": "ROLE_USER", "status": "ACTIVE", "unknown": [1],
    });
    let answer = put(body).await.expect(StatusCode::OK);
    assert_eq!(answer.header("etag"), Some("\"2\""));
    let user = answer.json();
    assert_eq!((&user["coachCheck"], &user["exitModalDoNotShowAgain"]), (&json!(true), &json!(true)));
    assert_eq!((&user["info"], &user["lastName"]), (&json!("안녕하세요"), &json!("김")));
    assert_eq!(user["email"], "mina@example.com");
    assert_ne!(user["updatedAt"], user["createdAt"]);

    let again = put(json!({ "coachCheck": true })).await.expect(StatusCode::OK);
    assert_eq!(again.header("etag"), Some("\"2\""), "nothing changed");
    let created = ("com.dorandoran.user.created.v1".to_owned(), 1);
    assert_eq!(stack.events().await, [created, ("com.dorandoran.user.updated.v1".to_owned(), 2)]);
}

#[tokio::test]
async fn nobody_makes_oneself_an_administrator() {
    let stack = Stack::start().await;
    let mina = stack.account("mina@example.com").await;
    let path = format!("/api/users/{}", mina.id);
    for body in [json!({ "role": "ROLE_ADMIN" }), json!({ "status": "SUSPENDED", "info": "x" })] {
        let problem = stack.user.put(&path).bearer(&mina.access).json(&body).send().await;
        assert_eq!(problem.expect(StatusCode::FORBIDDEN).json()["errorCode"], "A003");
    }
    let user = stack.user.get(&path).bearer(&mina.access).send().await.json();
    assert_eq!((&user["role"], &user["info"]), (&json!("ROLE_USER"), &Value::Null));
}

#[tokio::test]
async fn an_administrator_sets_role_and_status_and_the_next_tokens_say_so() {
    let stack = Stack::start().await;
    let mina = stack.account("mina@example.com").await;
    let admin = stack.admin("ops@example.com").await;
    let path = format!("/api/users/{}", mina.id);
    let put = |body: Value| stack.user.put(&path).bearer(&admin.access).json(&body).send();
    let user = put(json!({ "role": "ROLE_ADMIN", "info": "x" })).await.expect(StatusCode::OK);
    assert_eq!((user.header("etag"), &user.json()["role"]), (Some("\"3\""), &json!("ROLE_ADMIN")));
    let events: Vec<_> = stack.events().await.into_iter().skip(2).collect();
    let expected = [
        ("com.dorandoran.user.updated.v1".to_owned(), 2),
        ("com.dorandoran.user.role-changed.v1".to_owned(), 3),
    ];
    assert_eq!(events, expected);

    let promoted = stack.logged_in("mina@example.com").await;
    let other = format!("/api/users/{}", admin.id);
    let _ = stack.user.get(&other).bearer(&promoted.access).send().await.expect(StatusCode::OK);

    let _ = put(json!({ "role": "ROLE_USER", "status": "SUSPENDED" })).await.expect(StatusCode::OK);
    let refused = stack.login("mina@example.com").send().await.expect(StatusCode::FORBIDDEN);
    assert_eq!(refused.json()["errorCode"], "A003");
    let body = json!({ "refreshToken": promoted.refresh });
    let _ = stack.auth.post("/api/auth/refresh").json(&body).send().await.expect(StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_change_on_top_of_a_stale_version_is_refused() {
    let stack = Stack::start().await;
    let mina = stack.account("mina@example.com").await;
    let path = format!("/api/users/{}", mina.id);
    let put = |info: &str, tag: &str| {
        let request = stack.user.put(&path).bearer(&mina.access).header(IF_MATCH, tag);
        request.json(&json!({ "info": info })).send()
    };
    let _ = put("one", "\"1\"").await.expect(StatusCode::OK);
    let _ = put("two", "\"1\"").await.expect(StatusCode::PRECONDITION_FAILED);
    let _ = put("three", "*").await.expect(StatusCode::OK);
    let user = stack.user.get(&path).bearer(&mina.access).send().await.json();
    assert_eq!(user["info"], "three");
}

#[tokio::test]
async fn the_address_stays_until_auth_can_change_it_too() {
    let stack = Stack::start().await;
    let mina = stack.account("mina@example.com").await;
    let _ = stack.account("juno@example.com").await;
    let path = format!("/api/users/{}", mina.id);
    let put =
        |email: &str| stack.user.put(&path).bearer(&mina.access).json(&json!({ "email": email })).send();
    let taken = put("JUNO@example.com").await.expect(StatusCode::CONFLICT);
    assert_eq!(taken.json()["errorCode"], "U002");
    let fixed = put("new@example.com").await.expect(StatusCode::BAD_REQUEST).json();
    assert_eq!((&fixed["errorCode"], &fixed["errors"][0]["field"]), (&json!("E003"), &json!("email")));
}

#[tokio::test]
async fn two_changes_at_once_both_happen() {
    let stack = Stack::start().await;
    let mina = stack.account("mina@example.com").await;
    let path = format!("/api/users/{}", mina.id);
    let put = |body: Value| stack.user.put(&path).bearer(&mina.access).json(&body).send();
    let (one, two) = tokio::join!(put(json!({ "info": "x" })), put(json!({ "coachCheck": true })));
    assert_eq!((one.status, two.status), (StatusCode::OK, StatusCode::OK));
    let user = stack.user.get(&path).bearer(&mina.access).send().await.json();
    assert_eq!((&user["info"], &user["coachCheck"]), (&json!("x"), &json!(true)));
    let sequences: Vec<_> = stack.events().await.into_iter().map(|(_, sequence)| sequence).collect();
    assert_eq!(sequences, [1, 2, 3]);
}
