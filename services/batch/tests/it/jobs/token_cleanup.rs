//! Sessions and tokens that are over go, each counted once.

use batch::engine::Counts;
use batch::engine::work::Run;
use batch::jobs::token_cleanup::{self, NAME};
use contract::batch::ExecutionStatus;

use super::instance::{Ground, summary};
use super::people::{Done, People};

const KEEP: [(&str, &str); 2] = [("keepDays", "30"), ("keepAuditDays", "730")];

impl People {
    /// 260 sessions that were over 31 to 290 days ago with two tokens each, 10 that are used; 40 entries of the trail,
    /// half of them from four years ago.
    async fn with_sessions() -> Self {
        let people = Self::start().await;
        sqlx::raw_sql(
            "insert into auth_user (id, email, password_hash, name)
               values (md5('mina')::uuid, 'mina@example.com', '', '미나');
             insert into session (id, user_id, expires_at)
               select md5('s' || n)::uuid, md5('mina')::uuid,
                 now() + interval '1 day' * case when n <= 260 then -30 - n else 7 end
               from generate_series(1, 270) n;
             insert into token (hash, session_id, expires_at)
               select sha256((id::text || n)::bytea), id, expires_at from session, generate_series(1, 2) n;
             insert into audit (at, kind)
               select now() - interval '4 years' * (n % 2), 'LOGOUT' from generate_series(1, 40) n",
        )
        .execute(&people.auth_db)
        .await
        .unwrap();
        people
    }

    /// Sessions, tokens, entries of the trail.
    async fn left(&self) -> (i64, i64, i64) {
        let sql = "select (select count(*) from session), (select count(*) from token), (select count(*) from audit)";
        sqlx::query_as(sql).fetch_one(&self.auth_db).await.unwrap()
    }
}

fn everything() -> std::collections::BTreeMap<String, i64> {
    summary(&[("auditEntries", 20), ("buckets", 0), ("sessions", 260), ("tokens", 520)])
}

#[tokio::test]
async fn chunks_that_are_done_twice_are_counted_once() {
    let (ground, people) = (Ground::new().await, People::with_sessions().await);
    let run = ground.instance(NAME, &KEEP).await;
    let done = Done::by(&people.job(&ground, token_cleanup::job), &run, 50, 2).await.unwrap();
    assert_eq!((done.counts, done.summary), (Counts { read: 280, filtered: 0, written: 280 }, everything()));
    assert_eq!((done.rows.len(), people.left().await), (0, (10, 20, 20)));
}

#[tokio::test]
async fn who_is_killed_between_the_write_and_the_commit_is_followed_without_a_trace() {
    let (ground, people) = (Ground::new().await, People::with_sessions().await);
    let ended = people.killed_behind_a_write(&ground, token_cleanup::job, 50, &KEEP).await;
    assert_eq!((ended.status, &*ended.message), (ExecutionStatus::Completed, ""));
    assert_eq!((ended.summary, people.left().await), (everything(), (10, 20, 20)));
}

#[tokio::test]
async fn a_dry_run_lists_sessions_and_removes_nothing() {
    let (ground, people) = (Ground::new().await, People::with_sessions().await);
    let run = Run { dry_run: true, ..ground.instance(NAME, &KEEP).await };
    let done = Done::by(&people.job(&ground, token_cleanup::job), &run, 100, 2).await.unwrap();
    assert_eq!((done.counts.read, done.counts.written, done.summary), (280, 0, everything()));
    assert_eq!((done.rows.len(), people.left().await), (260, (270, 540, 40)));
    assert_eq!(done.rows[0]["tokens"], 2);
    let kept: i64 =
        sqlx::query_scalar("select count(*) from idempotency_key").fetch_one(&people.auth_db).await.unwrap();
    assert_eq!(kept, 0, "not even a key is left behind");
}

#[tokio::test]
async fn days_that_are_none_fail_at_once() {
    let (ground, people) = (Ground::new().await, People::with_sessions().await);
    let job = people.job(&ground, token_cleanup::job);
    for (name, days) in
        [("keepDays", "0"), ("keepDays", "-1"), ("keepAuditDays", "x"), ("keepDays", "99999999999999")]
    {
        let parameters = KEEP.map(|(known, default)| (known, if known == name { days } else { default }));
        let run = ground.instance(NAME, &parameters).await;
        let fault = Done::by(&job, &run, 50, 1).await.unwrap_err();
        assert!(fault.to_string().contains(&format!("{name} must be")), "{days}: {fault}");
    }
    assert_eq!(people.left().await, (270, 540, 40));
}
