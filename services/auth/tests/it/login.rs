//! Login: its shapes, its refusals, its throttle.

use std::time::Duration;

use argon2::{Algorithm, Argon2, Params, PasswordHasher as _, Version};
use contract::internal::SignUpState;
use contract::user::UserStatus;
use http::StatusCode;
use http::header::{ACCEPT_LANGUAGE, AUTHORIZATION};
use serde_json::{Value, json};
use testkit::{TestResponse, eventually};

use crate::service::{Auth, EMAIL, PASSWORD, X_REAL_IP, keys_of, profile};

const LIMIT: Duration = Duration::from_secs(10);

impl Auth {
    /// Logs in until the answer is the one that hangs on what user says: it may take too long to say it.
    async fn answers(&self, status: StatusCode) -> TestResponse {
        eventually(LIMIT, || async {
            let answer = self.login(EMAIL, PASSWORD).send().await;
            if answer.status == status { Ok(answer) } else { Err(answer.status) }
        })
        .await
    }
}

#[tokio::test]
async fn a_login_answers_tokens_and_the_whole_user() {
    let auth = Auth::start().await;
    let id = auth.account(EMAIL).await;
    let request =
        auth.login(" \tMINA@example.com\u{3000}\n", PASSWORD).header(AUTHORIZATION, "Bearer dead.dead.dead");
    let body = request.send().await.expect(StatusCode::OK).json();
    assert_eq!(keys_of(&body), ["data", "errorCode", "message", "success", "timestamp"]);
    let data = &body["data"];
    assert_eq!(keys_of(data), ["accessToken", "expiresIn", "refreshToken", "tokenType", "user"]);
    assert_eq!((&data["tokenType"], &data["expiresIn"]), (&json!("Bearer"), &json!(3600)));
    let user = data["user"].clone();
    let mut expected = serde_json::to_value(profile(id, EMAIL)).unwrap();
    expected["createdAt"] = user["createdAt"].clone();
    expected["updatedAt"] = user["updatedAt"].clone();
    assert_eq!(user, expected);

    let claims = claims(data["accessToken"].as_str().unwrap());
    assert_eq!(keys_of(&claims), ["aud", "email", "exp", "iat", "iss", "jti", "name", "role", "sid", "sub"]);
    assert_eq!((&claims["sub"], &claims["role"]), (&json!(id), &json!("ROLE_USER")));
    assert_eq!(claims["iss"], "http://localhost:8080/api/auth");
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 3600);
    assert_eq!(auth.audit("LOGIN_SUCCEEDED").await, 1);
}

#[tokio::test]
async fn unknown_addresses_and_wrong_passwords_get_the_same_answer_for_the_same_work() {
    let auth = Auth::start().await;
    auth.account(EMAIL).await;
    let before = auth.state.passwords.hashes();
    let mut wrong = auth.login(EMAIL, "hunter23").send().await.expect(StatusCode::UNAUTHORIZED).json();
    let after_wrong = auth.state.passwords.hashes();
    let mut unknown =
        auth.login("no@example.com", PASSWORD).send().await.expect(StatusCode::UNAUTHORIZED).json();
    assert_eq!(after_wrong - before, 1);
    assert_eq!(auth.state.passwords.hashes() - after_wrong, 1, "one hash, as for a known address");
    for body in [&mut wrong, &mut unknown] {
        for key in ["timestamp", "traceId"] {
            assert!(body.as_object_mut().unwrap().remove(key).is_some());
        }
    }
    assert_eq!(wrong, unknown);
    assert_eq!(wrong["errorCode"], "U003");
    let korean = wrong["message"].as_str().unwrap();
    assert!(korean.contains("이메일") && korean.contains("비밀번호"), "{korean}");
    let english = auth.login(EMAIL, "hunter23").header(ACCEPT_LANGUAGE, "en-US").send().await.json();
    let english = english["message"].as_str().unwrap();
    assert!(english.contains("email") && english.contains("password"), "{english}");
}

#[tokio::test]
async fn an_account_that_is_not_active_is_told_so_only_to_its_owner() {
    let auth = Auth::start().await;
    let id = auth.account(EMAIL).await;
    for status in [UserStatus::Suspended, UserStatus::Inactive] {
        let mut records = auth.records.lock().unwrap().clone();
        let record = records.get_mut(&id).unwrap();
        record.user.status = status;
        record.version += 1;
        *auth.records.lock().unwrap() = records;
        let _ = auth.login(EMAIL, "hunter23").send().await.expect(StatusCode::UNAUTHORIZED);
        let refused = auth.answers(StatusCode::FORBIDDEN).await.json();
        assert_eq!(refused["errorCode"], "A003", "{status}");
        assert!(refused["data"].is_null());
    }
    assert_eq!(auth.audit("LOGIN_REFUSED").await, 2);
}

#[tokio::test]
async fn without_the_user_service_auths_own_copy_answers() {
    let mut auth = Auth::start().await;
    let id = auth.account(EMAIL).await;
    auth.stop_user().await;
    let user = auth.login(EMAIL, PASSWORD).send().await.expect(StatusCode::OK).json()["data"]["user"].clone();
    let expected = json!({
        "id": id, "email": EMAIL, "name": "미나", "role": "ROLE_USER", "status": "ACTIVE",
        "firstName": null, "lastName": null, "picture": null, "info": null, "preferences": null,
        "lastConnTime": null, "createdAt": null, "updatedAt": null,
        "coachCheck": false, "exitModalDoNotShowAgain": false,
    });
    assert_eq!(user, expected);
}

#[tokio::test]
async fn after_ten_failures_the_eleventh_has_to_wait_but_not_for_other_networks() {
    let auth = Auth::start().await;
    auth.account(EMAIL).await;
    let from = |address: &str, password: &str| auth.login(EMAIL, password).header(X_REAL_IP, address).send();
    for _ in 0..10 {
        let _ = from("10.0.0.1", "hunter23").await.expect(StatusCode::UNAUTHORIZED);
    }
    let refused = from("10.0.0.2", PASSWORD).await.expect(StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.json()["errorCode"], "G001");
    let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=30).contains(&wait), "{wait}");
    let _ = from("10.0.1.1", PASSWORD).await.expect(StatusCode::OK);
    assert_eq!(auth.audit("LOGIN_THROTTLED").await, 1);

    sqlx::query("update login_throttle set updated_at = updated_at - interval '10 minutes'")
        .execute(&auth.db)
        .await
        .unwrap();
    let _ = from("10.0.0.1", PASSWORD).await.expect(StatusCode::OK);
}

#[tokio::test]
async fn a_success_clears_earlier_failures_and_successes_cost_nothing() {
    let auth = Auth::start().await;
    auth.account(EMAIL).await;
    for _ in 0..3 {
        for _ in 0..9 {
            let _ = auth.login(EMAIL, "hunter23").send().await.expect(StatusCode::UNAUTHORIZED);
        }
        let _ = auth.login(EMAIL, PASSWORD).send().await.expect(StatusCode::OK);
    }
    for _ in 0..15 {
        let _ = auth.login(EMAIL, PASSWORD).send().await.expect(StatusCode::OK);
    }
}

#[tokio::test]
async fn a_hash_with_old_parameters_is_replaced_at_login() {
    let auth = Auth::start().await;
    let id = auth.account(EMAIL).await;
    let weak = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(8192, 1, 1, None).unwrap());
    let old = weak.hash_password(PASSWORD.as_bytes()).unwrap().to_string();
    let store =
        sqlx::query("update auth_user set password_hash = $2 where id = $1").bind(id.as_uuid()).bind(&old);
    store.execute(&auth.db).await.unwrap();
    let stored = || async {
        let hash: String =
            sqlx::query_scalar("select password_hash from auth_user").fetch_one(&auth.db).await.unwrap();
        hash
    };
    let _ = auth.login(EMAIL, "hunter23").send().await.expect(StatusCode::UNAUTHORIZED);
    assert_eq!(stored().await, old);
    let _ = auth.login(EMAIL, PASSWORD).send().await.expect(StatusCode::OK);
    assert!(stored().await.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
    let _ = auth.login(EMAIL, PASSWORD).send().await.expect(StatusCode::OK);
}

#[tokio::test]
async fn a_pending_sign_up_logs_in_only_when_user_says_that_it_is_active() {
    let auth = Auth::start().await;
    let id = auth.pending(EMAIL).await;
    auth.know(id, EMAIL, SignUpState::Pending);
    let refused = auth.login(EMAIL, PASSWORD).send().await.expect(StatusCode::UNAUTHORIZED).json();
    assert_eq!(refused["errorCode"], "U003");
    auth.know(id, EMAIL, SignUpState::Active);
    let _ = auth.login(EMAIL, "hunter23").send().await.expect(StatusCode::UNAUTHORIZED);
    let _ = auth.answers(StatusCode::OK).await;
    assert_eq!(auth.audit("ACCOUNT_CREATED").await, 1);
}

#[tokio::test]
async fn the_trail_and_the_buckets_name_nobody() {
    let auth = Auth::start().await;
    auth.account(EMAIL).await;
    let _ = auth.login(EMAIL, "hunter23").header(X_REAL_IP, "10.0.0.1").send().await;
    let _ = auth.logged_in(EMAIL).await;
    let dump: Vec<String> = sqlx::query_scalar(
        "select a::text from audit a union all select t::text from login_throttle t union all select o::text from outbox o",
    )
    .fetch_all(&auth.db)
    .await
    .unwrap();
    let dump = dump.join("\n");
    assert!(!dump.is_empty() && !dump.contains("mina") && !dump.contains("hunter"), "{dump}");
}

#[tokio::test]
async fn nonsense_is_a_bad_request() {
    let auth = Auth::start().await;
    let unstorable = json!({ "email": "mi\0na@example.com", "password": "x" });
    for body in [
        json!({}),
        json!({ "email": EMAIL }),
        json!({ "email": 1, "password": "x" }),
        Value::Null,
        unstorable,
    ] {
        let _ = auth.app.post("/api/auth/login").json(&body).send().await.expect(StatusCode::BAD_REQUEST);
    }
}

/// The claims of a token, unverified.
fn claims(token: &str) -> Value {
    use base64::Engine as _;
    let part = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}
