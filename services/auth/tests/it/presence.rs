//! What auth tells of users who are here.

use futures_util::future::join_all;
use http::StatusCode;

use crate::service::{Auth, EMAIL, PASSWORD};

const STARTED: &str = "com.dorandoran.auth.session-started.v1";

impl Auth {
    /// Type and sequence of every event, session by session, in the order in which they were written.
    async fn told(&self) -> Vec<(String, i64)> {
        sqlx::query_as("select event_type, sequence from outbox where aggregate_type = 'session' order by id")
            .fetch_all(&self.db)
            .await
            .unwrap()
    }

    /// As if the last event was that long ago.
    async fn minutes_pass(&self, minutes: i32) {
        sqlx::query("update session_start set told_at = told_at - make_interval(mins => $1)")
            .bind(minutes)
            .execute(&self.db)
            .await
            .unwrap();
    }
}

fn started(sequence: i64) -> (String, i64) {
    (STARTED.to_owned(), sequence)
}

#[tokio::test]
async fn that_a_user_is_here_is_told_once_an_hour() {
    let auth = Auth::start().await;
    let id = auth.account(EMAIL).await;
    let first = auth.logged_in(EMAIL).await;
    auth.logged_in(EMAIL).await;
    let first = auth.refreshed(&first.refresh).await;
    assert_eq!(auth.told().await, [started(1)]);
    auth.minutes_pass(59).await;
    let first = auth.refreshed(&first.refresh).await;
    assert_eq!(auth.told().await, [started(1)]);
    auth.minutes_pass(1).await;
    let first = auth.refreshed(&first.refresh).await;
    assert_eq!(auth.told().await, [started(1), started(2)], "a refresh tells, too");

    auth.minutes_pass(60).await;
    let other = auth.logged_in(EMAIL).await;
    assert_eq!(auth.told().await, [started(1), started(2), started(1)], "another session counts by itself");
    let (sub, subject, is_now): (String, bool, bool) = sqlx::query_as(
        "select payload ->> 'sub', payload ->> 'sid' = aggregate_id::text,
           (payload ->> 'at')::timestamptz between now() - interval '1 minute' and now()
         from outbox order by id desc limit 1",
    )
    .fetch_one(&auth.db)
    .await
    .unwrap();
    assert_eq!((sub, subject, is_now), (id.to_string(), true, true));
    for tokens in [first, other] {
        let logout = auth.app.post("/api/auth/logout").bearer(&tokens.access);
        let _ = logout.send().await.expect(StatusCode::OK);
    }
    let sequences: Vec<i64> = auth.told().await.into_iter().map(|(_, sequence)| sequence).collect();
    assert_eq!(sequences, [1, 2, 1, 3, 2], "the end is the last event of each session");
}

#[tokio::test]
async fn logins_at_the_same_moment_tell_once() {
    let auth = Auth::start().await;
    auth.account(EMAIL).await;
    for round in 1..=2 {
        auth.minutes_pass(60).await;
        let answers = join_all((0..6).map(|_| auth.login(EMAIL, PASSWORD).send())).await;
        assert!(answers.iter().all(|answer| answer.status == StatusCode::OK));
        assert_eq!(auth.told().await.len(), round);
    }
}

#[tokio::test]
async fn a_login_that_fails_tells_nothing() {
    let auth = Auth::start().await;
    auth.account(EMAIL).await;
    let _ = auth.login(EMAIL, "wrong").send().await.expect(StatusCode::UNAUTHORIZED);
    let _ = auth.refresh("nonsense").send().await.expect(StatusCode::UNAUTHORIZED);
    assert!(auth.told().await.is_empty());
}
