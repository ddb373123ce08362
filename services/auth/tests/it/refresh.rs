//! Rotation of refresh tokens, races, and reuse.

use http::StatusCode;
use serde_json::json;
use tokio::task::JoinSet;

use crate::service::{Auth, EMAIL, tokens};

/// Lets so many seconds pass for every rotation so far.
async fn age_rotations(auth: &Auth, seconds: f64) {
    sqlx::query("update token set rotated_at = rotated_at - make_interval(secs => $1)")
        .bind(seconds)
        .execute(&auth.db)
        .await
        .unwrap();
}

async fn count(auth: &Auth, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(&auth.db).await.unwrap()
}

#[tokio::test]
async fn each_refresh_gives_the_next_token_of_the_same_session() {
    let auth = Auth::start().await;
    auth.account(EMAIL).await;
    let mut current = auth.logged_in(EMAIL).await;
    for _ in 0..3 {
        let next = auth.refreshed(&current.refresh).await;
        assert_ne!(next.refresh, current.refresh);
        assert_ne!(next.access, current.access);
        let _ = auth.me(&next.access).send().await.expect(StatusCode::OK);
        current = next;
    }
    assert_eq!(count(&auth, "select count(*) from session").await, 1);
    assert_eq!(count(&auth, "select count(*) from token").await, 4);
}

#[tokio::test]
async fn fifty_refreshes_of_one_token_at_once_agree_on_one_successor() {
    let auth = Auth::start().await;
    auth.account(EMAIL).await;
    let first = auth.logged_in(EMAIL).await;
    let mut tries = JoinSet::new();
    for _ in 0..50 {
        tries.spawn(auth.refresh(&first.refresh).send());
    }
    let answers = tries.join_all().await;
    let successors: Vec<_> =
        answers.into_iter().map(|answer| tokens(&answer.expect(StatusCode::OK).json()).refresh).collect();
    assert!(successors.iter().all(|successor| *successor == successors[0]));
    assert_eq!(count(&auth, "select count(*) from token").await, 2, "one successor");
    assert_eq!(
        count(&auth, "select count(*) from session where ended_at is null").await,
        1,
        "nobody is logged out"
    );
    let _ = auth.refreshed(&successors[0]).await;
}

#[tokio::test]
async fn within_ten_seconds_a_used_token_gives_the_same_successor_on_every_replica() {
    let auth = Auth::start().await;
    auth.account(EMAIL).await;
    let first = auth.logged_in(EMAIL).await;
    // First, because it takes a while.
    let (other, _) = auth.another().await;
    let second = auth.refreshed(&first.refresh).await;
    age_rotations(&auth, 5.0).await;
    let again = other.post("/api/auth/refresh").json(&json!({ "refreshToken": first.refresh })).send().await;
    let again = tokens(&again.expect(StatusCode::OK).json());
    assert_eq!(again.refresh, second.refresh);
    assert_ne!(again.access, second.access);
}

#[tokio::test]
async fn a_token_used_again_after_the_grace_ends_its_whole_family() {
    let auth = Auth::start().await;
    auth.account(EMAIL).await;
    let elsewhere = auth.logged_in(EMAIL).await;
    let first = auth.logged_in(EMAIL).await;
    let second = auth.refreshed(&first.refresh).await;
    age_rotations(&auth, 11.0).await;
    let reused = auth.refresh(&first.refresh).send().await.expect(StatusCode::UNAUTHORIZED);
    assert_eq!(reused.json()["errorCode"], "A002");
    let _ = auth.refresh(&second.refresh).send().await.expect(StatusCode::UNAUTHORIZED);
    let _ = auth.me(&second.access).send().await.expect(StatusCode::UNAUTHORIZED);
    assert_eq!(auth.audit("REFRESH_REUSED").await, 1);
    let revoked = "select count(*) from outbox where event_type = 'com.dorandoran.auth.token-revoked.v1'
        and payload ->> 'reason' = 'REUSE'";
    assert_eq!(count(&auth, revoked).await, 1);
    let _ = auth.refreshed(&elsewhere.refresh).await;
}

#[tokio::test]
async fn expired_unknown_and_empty_tokens_are_refused() {
    let auth = Auth::start().await;
    auth.account(EMAIL).await;
    let first = auth.logged_in(EMAIL).await;
    sqlx::query("update token set expires_at = now()").execute(&auth.db).await.unwrap();
    for (token, code) in
        [(first.refresh.as_str(), "A001"), (first.access.as_str(), "A002"), ("nonsense", "A002")]
    {
        let token = &token[..token.len().min(512)];
        let refused = auth.refresh(token).send().await.expect(StatusCode::UNAUTHORIZED);
        assert_eq!(refused.json()["errorCode"], code);
    }
    let _ = auth.refresh("").send().await.expect(StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_refresh_extends_the_seven_days() {
    let auth = Auth::start().await;
    auth.account(EMAIL).await;
    let first = auth.logged_in(EMAIL).await;
    sqlx::query("update token set expires_at = now() + interval '1 minute'").execute(&auth.db).await.unwrap();
    let _ = auth.refreshed(&first.refresh).await;
    let days = "select count(*) from token where expires_at > now() + interval '6 days 23 hours'";
    assert_eq!(count(&auth, days).await, 1);
}

#[tokio::test]
async fn only_hashes_of_tokens_are_stored() {
    let auth = Auth::start().await;
    auth.account(EMAIL).await;
    let first = auth.logged_in(EMAIL).await;
    let second = auth.refreshed(&first.refresh).await;
    let dump: Vec<String> = sqlx::query_scalar(
        "select t::text || encode(t.hash, 'escape') from token t union all select s::text from session s",
    )
    .fetch_all(&auth.db)
    .await
    .unwrap();
    let dump = dump.join("\n");
    for token in [first, second] {
        assert!(!dump.contains(&token.refresh) && !dump.contains(&token.access));
    }
}
