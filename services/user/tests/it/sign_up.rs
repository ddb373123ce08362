//! Sign-up and check-email, in the shapes that the web client reads.

use http::StatusCode;
use http::header::{ACCEPT_LANGUAGE, AUTHORIZATION};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::stack::{Stack, form, keys_of};

const USER_KEYS: [&str; 15] = [
    "coachCheck",
    "createdAt",
    "email",
    "exitModalDoNotShowAgain",
    "firstName",
    "id",
    "info",
    "lastConnTime",
    "lastName",
    "name",
    "picture",
    "preferences",
    "role",
    "status",
    "updatedAt",
];

#[tokio::test]
async fn a_sign_up_answers_the_whole_user_and_nothing_more() {
    let stack = Stack::start().await;
    let body = stack.sign_up(" Mina@Example.com ").send().await.expect(StatusCode::OK).json();
    assert_eq!(keys_of(&body), ["data", "errorCode", "message", "success", "timestamp"]);
    assert_eq!((&body["success"], &body["errorCode"]), (&json!(true), &Value::Null));
    let user = &body["data"];
    assert_eq!(keys_of(user), USER_KEYS);
    assert_eq!(user["email"], "Mina@Example.com");
    assert_eq!(user["name"], "미나 김");
    assert_eq!((&user["role"], &user["status"]), (&json!("ROLE_USER"), &json!("ACTIVE")));
    assert_eq!((&user["coachCheck"], &user["exitModalDoNotShowAgain"]), (&json!(false), &json!(false)));
    for key in ["picture", "info", "preferences", "lastConnTime"] {
        assert!(user[key].is_null(), "{key}");
    }
    let created = user["createdAt"].as_str().unwrap();
    assert!(created.ends_with('Z') && created.len() == "2026-11-22T03:04:05.678901Z".len(), "{created}");
    assert_eq!(stack.states().await, (vec!["CONFIRMED".to_owned()], vec!["ACTIVE".to_owned()]));
    assert_eq!(stack.events().await, [("com.dorandoran.user.created.v1".to_owned(), 1)]);
}

#[tokio::test]
async fn an_old_clients_dead_token_and_extra_keys_do_not_matter() {
    let stack = Stack::start().await;
    let mut form = form("mina@example.com");
    form["role"] = json!("ROLE_ADMIN");
    form["status"] = json!("SUSPENDED");
    form["newsletter"] = json!(true);
    form["picture"] = Value::Null;
    let request = stack.user.post("/api/users").header(AUTHORIZATION, "Bearer dead.dead.dead").json(&form);
    let user = request.send().await.expect(StatusCode::OK).json();
    assert_eq!(user["data"]["role"], "ROLE_USER");
    assert_eq!(user["data"]["status"], "ACTIVE");
}

#[tokio::test]
async fn broken_rules_are_listed_by_field() {
    let stack = Stack::start().await;
    let send = |body: Value| stack.user.post("/api/users").json(&body).send();
    let problem =
        send(json!({ "email": "nobody", "password": "short" })).await.expect(StatusCode::BAD_REQUEST);
    assert_eq!(problem.header("content-type"), Some("application/problem+json"));
    let problem = problem.json();
    assert_eq!(problem["errorCode"], "E003");
    let fields: Vec<_> =
        problem["errors"].as_array().unwrap().iter().map(|e| e["field"].as_str().unwrap()).collect();
    assert_eq!(fields, ["email", "firstName", "lastName", "password"]);

    let mut weak = form("mina@example.com");
    weak["password"] = json!("onlyletters");
    let problem = send(weak).await.expect(StatusCode::BAD_REQUEST).json();
    assert_eq!(problem["errorCode"], "U004");
    assert_eq!(stack.states().await, (vec![], vec![]));
}

#[tokio::test]
async fn a_taken_address_is_a_conflict_in_any_spelling() {
    let stack = Stack::start().await;
    let _ = stack.sign_up("mina@example.com").send().await.expect(StatusCode::OK);
    let request = stack.sign_up(" MINA@example.COM").header(ACCEPT_LANGUAGE, "en-US,en;q=0.9");
    let problem = request.send().await.expect(StatusCode::CONFLICT).json();
    assert_eq!(problem["errorCode"], "U002");
    assert_eq!(problem["message"], "This email is already in use.");
}

#[tokio::test]
async fn of_a_hundred_sign_ups_for_one_address_exactly_one_succeeds() {
    let stack = Stack::start().await;
    let mut tries = JoinSet::new();
    for n in 0..100 {
        let email = if n % 2 == 0 { "mina@example.com" } else { "MINA@example.com" };
        tries.spawn(stack.sign_up(email).send());
    }
    let answers = tries.join_all().await;
    let (won, lost): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == StatusCode::OK);
    assert_eq!(won.len(), 1);
    for answer in lost {
        assert_eq!((answer.status, &answer.json()["errorCode"]), (StatusCode::CONFLICT, &json!("U002")));
    }
    assert_eq!(stack.states().await, (vec!["CONFIRMED".to_owned()], vec!["ACTIVE".to_owned()]));
    let _ = stack.login("mina@example.com").send().await.expect(StatusCode::OK);
}

#[tokio::test]
async fn without_auth_nothing_is_kept_and_the_same_sign_up_works_later() {
    let mut stack = Stack::start().await;
    stack.stop_auth().await;
    let down = stack.sign_up("mina@example.com").send().await.expect(StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(down.json()["errorCode"], "G002");
    assert!(down.header("retry-after").is_some());
    assert_eq!(stack.states().await, (vec![], vec![]));
    stack.start_auth().await;
    let _ = stack.account("mina@example.com").await;
}

#[tokio::test]
async fn check_email_says_true_for_taken() {
    let stack = Stack::start().await;
    let _ = stack.sign_up("100%+a@example.com").send().await.expect(StatusCode::OK);
    sqlx::query("update user_profile set status = 'INACTIVE'").execute(&stack.user_db).await.unwrap();
    for (path, taken) in [
        ("100%25%2Ba%40example.com", true),
        ("%20100%25%2BA@EXAMPLE.com", true),
        ("free%40example.com", false),
        ("%EB%8F%84%EB%9E%80%40%EB%8F%84%EB%9E%80.%ED%95%9C%EA%B5%AD", false),
    ] {
        let request = stack.user.get(&format!("/api/users/check-email/{path}"));
        let body = request.header(AUTHORIZATION, "Bearer dead").send().await.expect(StatusCode::OK).json();
        assert_eq!(body["data"], taken, "{path}");
    }
    let problem =
        stack.user.get("/api/users/check-email/nonsense").send().await.expect(StatusCode::BAD_REQUEST);
    assert!(!problem.json()["message"].as_str().unwrap().is_empty());
}

#[tokio::test]
async fn a_long_address_in_korean_can_be_signed_up_and_logged_in_with() {
    let stack = Stack::start().await;
    let email = format!("{}@{}.한국", "도".repeat(64), "란".repeat(180));
    assert!(email.len() > 700);
    let account = stack.account(&email).await;
    assert!(!account.access.is_empty());
}

#[tokio::test]
async fn a_character_that_no_database_stores_is_a_bad_request() {
    let stack = Stack::start().await;
    for field in ["firstName", "lastName", "name", "picture", "info"] {
        let mut form = form("mina@example.com");
        form[field] = json!("a\0b");
        let request = stack.user.post("/api/users").json(&form);
        let problem = request.send().await.expect(StatusCode::BAD_REQUEST).json();
        assert_eq!(problem["errorCode"], "E002", "{field}");
    }
    assert_eq!(stack.states().await, (vec![], vec![]));
}
