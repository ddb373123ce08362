//! What batch removes, and what it counts.

use chrono::{DateTime, TimeDelta, Utc};
use contract::auth::maintenance::{DayStatistics, PURGE, PurgedTokens, STATISTICS};
use futures_util::future::join_all;
use http::{HeaderName, StatusCode};
use serde_json::{Value, json};
use testkit::{TestRequest, TestResponse};

use crate::service::{Auth, EMAIL};

const KEY: HeaderName = HeaderName::from_static("idempotency-key");

fn ago(days: i64) -> DateTime<Utc> {
    Utc::now() - TimeDelta::days(days)
}

fn before(days: i64) -> Value {
    json!({ "expiredBefore": ago(days) })
}

impl Auth {
    /// So many sessions that were over 1, 2, 3 … days ago, every second one by a logout, with three tokens each; and one
    /// that is used, with a token that expired long ago, one that was exchanged a moment ago, and its present one.
    async fn with_sessions(count: i32) -> Self {
        let auth = Self::start().await;
        auth.account(EMAIL).await;
        sqlx::query(
            "with mina as (select id from auth_user),
             over as (
               insert into session (id, user_id, created_at, expires_at, ended_at, end_reason)
               select md5('s' || n)::uuid, mina.id, now() - interval '400 days',
                 now() - interval '1 day' * case when n % 2 = 0 then n else 0 end + interval '1 hour' * (n % 2),
                 case when n % 2 = 1 then now() - interval '1 day' * n end,
                 case when n % 2 = 1 then 'LOGOUT' end
               from mina, generate_series(1, $1) n
               returning id, expires_at
             ),
             used as (
               insert into session (id, user_id, expires_at)
               select md5('used')::uuid, id, now() + interval '7 days' from mina
             ),
             tokens as (
               insert into token (hash, session_id, expires_at)
               select sha256((over.id::text || n)::bytea), over.id, over.expires_at
               from over, generate_series(1, 3) n
             )
             select count(*) from over",
        )
        .bind(count)
        .execute(&auth.db)
        .await
        .unwrap();
        sqlx::query(
            "insert into token (hash, session_id, expires_at, rotated_at)
             select sha256(('u' || n)::bytea), md5('used')::uuid, now() + interval '1 day' * n, now()
             from unnest(array[-50, 6, 7]) n",
        )
        .execute(&auth.db)
        .await
        .unwrap();
        auth
    }

    fn purge(&self, query: &str, body: &Value) -> TestRequest {
        self.app.post(&format!("{PURGE}{query}")).bearer(&self.keys.token("batch", "auth")).json(body)
    }

    async fn purged(&self, query: &str, body: &Value) -> PurgedTokens {
        self.purge(query, body).send().await.expect(StatusCode::OK).parsed()
    }

    /// Sessions and tokens.
    async fn left(&self) -> (i64, i64) {
        sqlx::query_as("select (select count(*) from session), (select count(*) from token)")
            .fetch_one(&self.db)
            .await
            .unwrap()
    }
}

#[tokio::test]
async fn only_batch_and_the_operator_may_ask() {
    let auth = Auth::start().await;
    for (service, expected) in [
        ("batch", StatusCode::OK),
        ("operator", StatusCode::OK),
        ("user", StatusCode::FORBIDDEN),
        ("gateway", StatusCode::FORBIDDEN),
    ] {
        let token = auth.keys.token(service, "auth");
        let purge = auth.app.post(PURGE).bearer(&token).json(&before(1));
        let _ = purge.send().await.expect(expected);
        let day = auth.app.get(&format!("{STATISTICS}?day=2026-01-01")).bearer(&token);
        let _ = day.send().await.expect(expected);
    }
    let _ = auth.app.post(PURGE).json(&before(1)).send().await.expect(StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn what_was_over_long_ago_goes_and_what_is_used_stays() {
    let auth = Auth::with_sessions(60).await;
    let done = auth.purged("", &before(30)).await;
    assert_eq!((done.sessions, done.tokens, done.processed), (31, 94, 32), "{done:?}");
    assert_eq!((done.dry_run, &done.next, done.expired.len()), (false, &None, 0));
    assert_eq!(auth.left().await, (30, 89), "29 sessions of three tokens, one with two");
    let used: i64 = sqlx::query_scalar("select count(*) from token where session_id = md5('used')::uuid")
        .fetch_one(&auth.db)
        .await
        .unwrap();
    assert_eq!(used, 2);
    assert_eq!(auth.purged("", &before(30)).await, PurgedTokens::default(), "nothing is left to do");
}

#[tokio::test]
async fn a_rehearsal_lists_what_would_go_and_changes_nothing() {
    let auth = Auth::with_sessions(40).await;
    let mut chunks = Vec::new();
    let mut after = String::new();
    loop {
        let query = format!("?dryRun=true&limit=4{after}");
        let chunk = auth.purged(&query, &before(30)).await;
        after = chunk.next.as_ref().map(|next| format!("&after={next}")).unwrap_or_default();
        chunks.push(chunk);
        if after.is_empty() {
            break;
        }
    }
    let listed: Vec<_> = chunks.iter().flat_map(|chunk| &chunk.expired).collect();
    assert_eq!((listed.len(), auth.left().await), (11, (41, 123)));
    assert!(listed.is_sorted_by_key(|session| session.over_at), "the oldest first");
    assert!(listed.iter().all(|session| session.tokens == 3));
    let sum = |count: fn(&PurgedTokens) -> u64| chunks.iter().map(count).sum::<u64>();
    let rehearsed = (sum(|chunk| chunk.sessions), sum(|chunk| chunk.tokens), sum(|chunk| chunk.processed));
    let done = auth.purged("", &before(30)).await;
    assert_eq!(
        (done.sessions, done.tokens, done.processed),
        rehearsed,
        "then it is done as it was rehearsed"
    );
}

#[tokio::test]
async fn a_chunk_under_its_key_is_done_once_and_answered_again() {
    let auth = Auth::with_sessions(40).await;
    let body = before(30);
    let send = |query: &'static str| auth.purge(query, &body).header(KEY, "chunk-1").send();
    let first = send("?limit=5").await.expect(StatusCode::OK);
    let again: Vec<TestResponse> = join_all((0..3).map(|_| send("?limit=5"))).await;
    for answer in &again {
        assert_eq!((answer.status, &answer.body), (StatusCode::OK, &first.body));
        assert_eq!(answer.header("idempotency-replayed"), Some("true"));
    }
    assert_eq!(auth.left().await.0, 36, "five are gone, not twenty");
    let other = send("?limit=6").await;
    assert_eq!(other.status, StatusCode::UNPROCESSABLE_ENTITY, "another chunk has another key");

    let rehearsal = auth.purge("?limit=5&dryRun=true", &body).header(KEY, "rehearsal").send().await;
    let _ = rehearsal.expect(StatusCode::OK);
    let kept: i64 =
        sqlx::query_scalar("select count(*) from idempotency_key").fetch_one(&auth.db).await.unwrap();
    assert_eq!(kept, 1, "a rehearsal leaves nothing behind");
}

#[tokio::test]
async fn purges_at_once_do_the_work_once() {
    let auth = Auth::with_sessions(60).await;
    let body = before(30);
    let every = join_all((0..4).map(|_| auth.purged("?limit=1000", &body))).await;
    assert_eq!(every.iter().map(|done| done.sessions).sum::<u64>(), 31);
    assert_eq!(auth.left().await, (30, 89));
}

#[tokio::test]
async fn a_session_that_is_being_refreshed_is_left_alone() {
    let auth = Auth::with_sessions(40).await;
    let mut refreshing = auth.db.begin().await.unwrap();
    sqlx::query("select id from session where id = md5('s40')::uuid for update")
        .execute(&mut *refreshing)
        .await
        .unwrap();
    assert_eq!(auth.purged("", &before(30)).await.sessions, 10);
    refreshing.rollback().await.unwrap();
    assert_eq!(auth.purged("", &before(30)).await.sessions, 1);
}

#[tokio::test]
async fn empty_buckets_and_old_entries_of_the_trail_go_when_asked() {
    let auth = Auth::start().await;
    sqlx::raw_sql(
        "insert into login_throttle (key, level, updated_at)
           select sha256(n::text::bytea), 1, now() - interval '1 day' * (n % 2) from generate_series(1, 6) n;
         insert into audit (at, kind) select now() - interval '1 day' * n, 'LOGOUT' from generate_series(1, 20) n",
    )
    .execute(&auth.db)
    .await
    .unwrap();
    let trail = async || {
        sqlx::query_scalar::<_, i64>("select count(*) from audit").fetch_one(&auth.db).await.unwrap()
    };
    let wanted = json!({ "expiredBefore": ago(30), "auditBefore": ago(10) });
    let rehearsed = auth.purged("?dryRun=true", &wanted).await;
    assert_eq!((rehearsed.buckets, rehearsed.audit, trail().await), (3, 11, 20));
    let without = auth.purged("", &before(30)).await;
    assert_eq!((without.buckets, without.audit, trail().await), (3, 0, 20));
    let mut audit = 0;
    let mut after = String::new();
    while audit < 11 {
        let done = auth.purged(&format!("?limit=4{after}"), &wanted).await;
        audit += done.audit;
        after = done.next.map(|next| format!("&after={next}")).unwrap_or_default();
    }
    assert_eq!((audit, trail().await), (11, 9));
}

#[tokio::test]
async fn what_is_no_purge_is_refused() {
    let auth = Auth::start().await;
    for query in ["?limit=0", "?limit=5001", "?after=x", "?limi=1", "?dryRun=perhaps"] {
        let _ = auth.purge(query, &before(1)).send().await.expect(StatusCode::BAD_REQUEST);
    }
    for body in [
        before(-1),
        json!({ "expiredBefore": ago(1), "auditBefore": ago(-1) }),
        json!({ "expiredBefore": ago(1), "force": true }),
        json!({}),
    ] {
        let _ = auth.purge("", &body).send().await.expect(StatusCode::BAD_REQUEST);
    }
}

#[tokio::test]
async fn a_day_is_counted_as_the_tables_know_it() {
    let auth = Auth::with_sessions(4).await;
    sqlx::raw_sql(
        "delete from audit;
         insert into audit (at, kind, user_id)
           select '2026-01-02 12:00Z'::timestamptz + interval '1 day' * day, kind, md5('u' || person)::uuid
           from (values
             (0, 'LOGIN_SUCCEEDED', 1), (0, 'LOGIN_SUCCEEDED', 1), (0, 'LOGIN_SUCCEEDED', 2), (0, 'LOGIN_FAILED', 3),
             (0, 'LOGIN_REFUSED', 4), (0, 'LOGIN_THROTTLED', null), (0, 'LOGIN_THROTTLED', null),
             (1, 'LOGIN_SUCCEEDED', 5), (-1, 'LOGIN_FAILED', 6)
           ) given (day, kind, person);
         update session
           set created_at = '2026-01-01', last_used_at = '2026-01-02 00:00Z', expires_at = '2026-01-09',
             ended_at = null, end_reason = null;
         update session set ended_at = '2026-01-02 23:59:59Z', end_reason = 'LOGOUT' where id = md5('s1')::uuid;
         update session set ended_at = '2026-01-02 01:00Z', end_reason = 'STATUS' where id = md5('s2')::uuid;
         update session set ended_at = '2026-01-02 01:00Z', end_reason = 'REUSE' where id = md5('s3')::uuid;
         update session
           set expires_at = '2026-01-02 01:00Z', ended_at = '2026-01-05', end_reason = 'STATUS'
           where id = md5('s4')::uuid",
    )
    .execute(&auth.db)
    .await
    .unwrap();
    let day = async |day: &str| {
        let path = format!("{STATISTICS}?day={day}");
        let get = auth.app.get(&path).bearer(&auth.keys.token("batch", "auth"));
        get.send().await.expect(StatusCode::OK).parsed::<DayStatistics>()
    };
    let counted = serde_json::to_value(day("2026-01-02").await).unwrap();
    assert_eq!(
        counted,
        json!({
            "day": "2026-01-02",
            "logins": { "succeeded": 3, "failed": 1, "refused": 1, "throttled": 2 },
            "sessions": { "begun": 3, "loggedOut": 1, "reused": 1, "revoked": 1, "expired": 1 },
            "activeUsers": 3,
        })
    );
    let next = day("2026-01-03").await;
    assert_eq!((next.logins.succeeded, next.sessions.expired, next.active_users), (1, 0, 1));
    let token = auth.keys.token("batch", "auth");
    for day in ["", "?day=2026-13-01", "?day=yesterday"] {
        let get = auth.app.get(&format!("{STATISTICS}{day}")).bearer(&token);
        let _ = get.send().await.expect(StatusCode::BAD_REQUEST);
    }
}
