//! Accounts that nobody uses are closed, and later say nothing of their users; each is counted once.

use std::collections::BTreeMap;

use batch::engine::Counts;
use batch::engine::work::Run;
use batch::jobs::inactive_user::{self, NAME};
use contract::batch::ExecutionStatus;

use super::instance::{Ground, summary};
use super::people::{Done, People};

const RULES: [(&str, &str); 2] = [("inactiveDays", "90"), ("withdrawnYears", "2")];

impl People {
    /// 120 users who were last here 91 days ago and longer, an administrator too; 60 accounts that were closed two years
    /// ago and longer; 20 users who are here, and 5 accounts that were closed last year.
    async fn with_accounts() -> Self {
        let people = Self::start().await;
        sqlx::raw_sql(
            "insert into user_profile
               (id, email, first_name, last_name, name, created_at, last_conn_time, status, inactive_since)
             select md5('u' || n)::uuid, n || '@example.com', '미나', '김', '미나 김', now() - interval '5 years',
               now() - interval '1 day' * case when n <= 120 then 90 + n when n > 185 then 1 end,
               case when n > 120 and n <= 185 then 'INACTIVE' else 'ACTIVE' end,
               case
                 when n > 120 and n <= 180 then now() - interval '2 years' - interval '1 day' * n
                 when n > 180 and n <= 185 then now() - interval '1 year'
               end
             from generate_series(1, 205) n;
             insert into user_role (user_id, role)
               select id, case when email = '7@example.com' then 'ROLE_ADMIN' else 'ROLE_USER' end from user_profile",
        )
        .execute(&people.user_db)
        .await
        .unwrap();
        people
    }

    /// How many accounts are open, closed, and pseudonymised with an address that stays taken; and events by type.
    async fn accounts(&self) -> ((i64, i64, i64, i64), BTreeMap<String, i64>) {
        let accounts = sqlx::query_as(
            "select
               count(*) filter (where status = 'ACTIVE'),
               count(*) filter (where status = 'INACTIVE'),
               count(*) filter (where pseudonymised_at is not null and email like '%@withdrawn.invalid'),
               (select count(*) from withdrawn_address)
             from user_profile",
        );
        let events = sqlx::query_as("select split_part(event_type, '.', 4), count(*) from outbox group by 1");
        let events: Vec<(String, i64)> = events.fetch_all(&self.user_db).await.unwrap();
        (accounts.fetch_one(&self.user_db).await.unwrap(), events.into_iter().collect())
    }
}

const BEFORE: (i64, i64, i64, i64) = (140, 65, 0, 0);

/// What is there when it is done: once, whoever did what how often.
fn after() -> ((i64, i64, i64, i64), BTreeMap<String, i64>) {
    ((21, 184, 60, 60), summary(&[("status-changed", 119), ("updated", 60)]))
}

fn everything() -> BTreeMap<String, i64> {
    summary(&[("deactivated", 119), ("pseudonymised", 60), ("unchanged", 0)])
}

#[tokio::test]
async fn chunks_that_are_done_twice_are_counted_once() {
    let (ground, people) = (Ground::new().await, People::with_accounts().await);
    let run = ground.instance(NAME, &RULES).await;
    let done = Done::by(&people.job(&ground, inactive_user::job), &run, 50, 2).await.unwrap();
    assert_eq!((done.counts, done.summary), (Counts { read: 179, filtered: 0, written: 179 }, everything()));
    assert_eq!(people.accounts().await, after());
    let told: Vec<_> = done.rows.iter().map(|row| (&row["action"], &row["outcome"])).collect();
    assert_eq!(told.len(), 179);
    assert!(told.iter().all(|(_, outcome)| *outcome == "APPLIED"), "{told:?}");
    assert!(told[..119].iter().all(|(action, _)| *action == "DEACTIVATE"));
}

#[tokio::test]
async fn who_is_killed_between_the_write_and_the_commit_is_followed_without_a_trace() {
    let (ground, people) = (Ground::new().await, People::with_accounts().await);
    // In chunk 2 of 50 the last are closed and the first pseudonymised.
    let ended = people.killed_behind_a_write(&ground, inactive_user::job, 50, &RULES).await;
    assert_eq!((ended.status, &*ended.message), (ExecutionStatus::Completed, ""));
    assert_eq!((ended.summary, people.accounts().await), (everything(), after()));
    let table = ground.table("reports/inactive-user").await;
    assert_eq!(table.lines().count(), 180);
}

#[tokio::test]
async fn a_dry_run_lists_accounts_and_changes_none() {
    let (ground, people) = (Ground::new().await, People::with_accounts().await);
    let run = Run { dry_run: true, ..ground.instance(NAME, &RULES).await };
    let done = Done::by(&people.job(&ground, inactive_user::job), &run, 50, 2).await.unwrap();
    assert_eq!((done.counts.read, done.counts.written, done.summary), (179, 0, everything()));
    assert!(done.rows.len() == 179 && done.rows.iter().all(|row| row["outcome"] == "PLANNED"));
    assert_eq!(people.accounts().await, (BEFORE, BTreeMap::new()));
    let kept: i64 =
        sqlx::query_scalar("select count(*) from idempotency_key").fetch_one(&people.user_db).await.unwrap();
    assert_eq!(kept, 0, "not even a key is left behind");
}

#[tokio::test]
async fn a_second_run_finds_nothing_to_do() {
    let (ground, people) = (Ground::new().await, People::with_accounts().await);
    let job = people.job(&ground, inactive_user::job);
    for expected in [179, 0] {
        let run = ground.instance(NAME, &RULES).await;
        assert_eq!(Done::by(&job, &run, 100, 1).await.unwrap().counts.written, expected);
        ground.end(&run).await;
    }
    assert_eq!(people.accounts().await, after());
}

#[tokio::test]
async fn rules_that_are_none_fail_at_once() {
    let (ground, people) = (Ground::new().await, People::with_accounts().await);
    let job = people.job(&ground, inactive_user::job);
    for (name, value) in [
        ("inactiveDays", "0"),
        ("inactiveDays", "99999999999999"),
        ("withdrawnYears", "-2"),
        ("withdrawnYears", "4294967295"),
    ] {
        let parameters = RULES.map(|(known, default)| (known, if known == name { value } else { default }));
        let run = ground.instance(NAME, &parameters).await;
        let fault = Done::by(&job, &run, 50, 1).await.unwrap_err();
        assert!(fault.to_string().contains(&format!("{name} must be")), "{value}: {fault}");
    }
    assert_eq!(people.accounts().await.0, BEFORE);
}
