//! Who a token belongs to, and logging out.

use std::time::Duration;

use contract::claims::{ACCESS_AUDIENCE, AccessClaims, issuer};
use contract::user::{Role, UserStatus};
use http::StatusCode;
use serde_json::Value;
use testkit::eventually;

use crate::service::{Auth, EMAIL, keys_of};

const LIMIT: Duration = Duration::from_secs(10);

#[tokio::test]
async fn me_and_validate_answer_the_user() {
    let auth = Auth::start().await;
    let id = auth.account(EMAIL).await;
    let tokens = auth.logged_in(EMAIL).await;
    for path in ["/api/auth/me", "/api/auth/validate"] {
        // Auth's own copy says less; it answers when user takes too long.
        let body = eventually(LIMIT, || async {
            let answer = auth.app.get(path).bearer(&tokens.access).send().await;
            let body = answer.expect(StatusCode::OK).json();
            if body["data"]["name"] == "미나 김" { Ok(body) } else { Err(body) }
        })
        .await;
        assert_eq!(keys_of(&body), ["data", "errorCode", "message", "success", "timestamp"]);
        assert_eq!(body["data"]["id"], id.to_string());
        let _ = auth.app.get(path).send().await.expect(StatusCode::UNAUTHORIZED);
        let refused =
            auth.app.get(path).bearer("dead.dead.dead").send().await.expect(StatusCode::UNAUTHORIZED);
        assert_eq!(refused.json()["errorCode"], "A002");
    }
}

#[tokio::test]
async fn logout_kills_the_session_its_refresh_tokens_and_its_access_token() {
    let auth = Auth::start().await;
    auth.account(EMAIL).await;
    let (here, elsewhere) = (auth.logged_in(EMAIL).await, auth.logged_in(EMAIL).await);
    for _ in 0..2 {
        let out =
            auth.app.post("/api/auth/logout").bearer(&here.access).send().await.expect(StatusCode::OK).json();
        assert_eq!((&out["success"], &out["data"]), (&Value::Bool(true), &Value::Null));
    }
    let _ = auth.me(&here.access).send().await.expect(StatusCode::UNAUTHORIZED);
    let _ = auth.refresh(&here.refresh).send().await.expect(StatusCode::UNAUTHORIZED);
    let _ = auth.me(&elsewhere.access).send().await.expect(StatusCode::OK);
    assert_eq!(auth.audit("LOGOUT").await, 1);
    let events: Vec<Value> =
        sqlx::query_scalar("select payload from outbox where event_type like '%.token-revoked.v1'")
            .fetch_all(&auth.db)
            .await
            .unwrap();
    assert_eq!(events.len(), 1);
    assert_eq!(keys_of(&events[0]), ["reason", "sid", "sub"]);
}

#[tokio::test]
async fn logout_is_never_refused() {
    let auth = Auth::start().await;
    let out = |request: testkit::TestRequest| async { request.send().await.expect(StatusCode::OK) };
    let _ = out(auth.app.post("/api/auth/logout")).await;
    let _ = out(auth.app.post("/api/auth/logout").bearer("dead.dead.dead")).await;
    let _ =
        out(auth.app.post("/api/auth/logout").header(http::header::CONTENT_TYPE, "application/json")).await;
    assert_eq!(auth.audit("LOGOUT").await, 0);
}

#[tokio::test]
async fn an_expired_token_still_ends_its_session() {
    let auth = Auth::start().await;
    let id = auth.account(EMAIL).await;
    let tokens = auth.logged_in(EMAIL).await;
    let sid: uuid::Uuid = sqlx::query_scalar("select id from session").fetch_one(&auth.db).await.unwrap();
    let claims = AccessClaims {
        iss: issuer("http://localhost:8080"),
        aud: ACCESS_AUDIENCE.to_owned(),
        sub: id,
        sid: sid.into(),
        jti: chassis::fresh_id(),
        iat: 1_700_000_000,
        exp: 1_700_003_600,
        email: EMAIL.to_owned(),
        name: "미나".to_owned(),
        role: Role::User,
    };
    let expired = auth.state.keyring().unwrap().sign(&claims).unwrap();
    let refused = auth.me(&expired).send().await.expect(StatusCode::UNAUTHORIZED);
    assert_eq!(refused.json()["errorCode"], "A001");
    let _ = auth.app.post("/api/auth/logout").bearer(&expired).send().await.expect(StatusCode::OK);
    let _ = auth.me(&tokens.access).send().await.expect(StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_suspended_users_tokens_stop_working_as_soon_as_auth_hears_of_it() {
    let auth = Auth::start().await;
    let id = auth.account(EMAIL).await;
    let tokens = auth.logged_in(EMAIL).await;
    if let Some(record) = auth.records.lock().unwrap().get_mut(&id) {
        record.user.status = UserStatus::Suspended;
        record.version = 2;
    }
    let me = || async { auth.me(&tokens.access).send().await.status };
    eventually(LIMIT, || async { me().await == StatusCode::UNAUTHORIZED }).await;
    let _ = auth.refresh(&tokens.refresh).send().await.expect(StatusCode::UNAUTHORIZED);
    eventually(LIMIT, || async {
        let copy: String =
            sqlx::query_scalar("select status from auth_user").fetch_one(&auth.db).await.unwrap();
        copy == "SUSPENDED"
    })
    .await;
}
