//! Accounts that nobody uses: found, closed, and later without anything that says whose they were.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use contract::user::maintenance::{
    DayStatistics, INACTIVE_USERS, InactiveUser, InactiveUsers, STATISTICS, SettledUsers, Settlement,
    SettlementOutcome,
};
use http::{HeaderName, StatusCode};
use serde_json::{Value, json};
use testkit::{TestRequest, eventually};

use crate::stack::{Account, Stack};

const LIMIT: Duration = Duration::from_secs(10);
const KEY: HeaderName = HeaderName::from_static("idempotency-key");
const MINA: &str = "Mina@Example.com";

fn ago(days: i64) -> DateTime<Utc> {
    Utc::now() - TimeDelta::days(days)
}

/// Words of an outcome: how many were deactivated, pseudonymised, left as they are.
fn counts(settled: &SettledUsers) -> (u64, u64, u64) {
    (settled.deactivated, settled.pseudonymised, settled.unchanged)
}

impl Stack {
    /// Accounts that were last used 1, 2, 3 … hundred days ago: by their sign-up if odd, by their last connection if even.
    async fn with_idle_accounts(count: i32) -> Self {
        let stack = Self::start().await;
        sqlx::query(
            "with users as (
               insert into user_profile (id, email, first_name, last_name, name, created_at, last_conn_time)
               select md5('u' || n)::uuid, n || '@example.com', '미나', '김', '미나 김',
                 now() - interval '100 days' * case when n % 2 = 1 then n else 99 end,
                 case when n % 2 = 0 then now() - interval '100 days' * n end
               from generate_series(1, $1) n
               returning id
             )
             insert into user_role (user_id, role) select id, 'ROLE_USER' from users",
        )
        .bind(count)
        .execute(&stack.user_db)
        .await
        .unwrap();
        stack
    }

    /// Everybody was last here, and closed accounts were closed, so many days ago.
    async fn days_pass(&self, days: i32) {
        sqlx::query(
            "update user_profile
             set last_conn_time = now() - make_interval(days => $1),
               inactive_since = inactive_since - make_interval(days => $1)",
        )
        .bind(days)
        .execute(&self.user_db)
        .await
        .unwrap();
    }

    fn list(&self, query: &str) -> TestRequest {
        self.user.get(&format!("{INACTIVE_USERS}?{query}")).bearer(&self.keys.token("batch", "user"))
    }

    async fn due(&self, more: &str) -> InactiveUsers {
        let [inactive, withdrawn] = [ago(90), ago(730)].map(contract::time::format);
        let list = self.list(&format!("inactiveBefore={inactive}&withdrawnBefore={withdrawn}{more}"));
        list.send().await.expect(StatusCode::OK).parsed()
    }

    fn settle(&self, users: &[InactiveUser]) -> TestRequest {
        let post = self.user.post(INACTIVE_USERS).bearer(&self.keys.token("batch", "user"));
        post.json(&json!({ "users": users }))
    }

    async fn settled(&self, users: &[InactiveUser]) -> SettledUsers {
        self.settle(users).send().await.expect(StatusCode::OK).parsed()
    }

    async fn is_taken(&self, email: &str) -> bool {
        let check = self.user.get(&format!("/api/users/check-email/{email}")).send().await;
        check.expect(StatusCode::OK).json()["data"].as_bool().unwrap()
    }
}

#[tokio::test]
async fn only_batch_and_the_operator_may_ask() {
    let stack = Stack::start().await;
    let admin = stack.admin("ops@example.com").await;
    let query = "inactiveBefore=2026-01-01T00:00:00Z&withdrawnBefore=2024-01-01T00:00:00Z";
    let list = |token: &str| stack.user.get(&format!("{INACTIVE_USERS}?{query}")).bearer(token).send();
    let day = |token: &str| stack.user.get(&format!("{STATISTICS}?day=2026-01-01")).bearer(token).send();
    for (token, expected) in [
        (stack.keys.token("batch", "user"), StatusCode::OK),
        (stack.keys.token("operator", "user"), StatusCode::OK),
        (stack.keys.token("auth", "user"), StatusCode::FORBIDDEN),
        (admin.access, StatusCode::UNAUTHORIZED),
    ] {
        assert_eq!((list(&token).await.status, day(&token).await.status), (expected, expected));
    }
}

#[tokio::test]
async fn who_was_not_here_for_long_is_listed_the_longest_first() {
    let stack = Stack::with_idle_accounts(7).await;
    sqlx::raw_sql(
        "update user_profile set last_conn_time = now() where id = md5('u7')::uuid;
         update user_profile set signup_state = 'PENDING' where id = md5('u6')::uuid;
         update user_profile set status = 'SUSPENDED' where id = md5('u5')::uuid;
         update user_role set role = 'ROLE_ADMIN' where user_id = md5('u4')::uuid;
         update user_profile set status = 'INACTIVE', inactive_since = now() - interval '800 days'
           where id = md5('u3')::uuid",
    )
    .execute(&stack.user_db)
    .await
    .unwrap();
    let found = stack.due("").await;
    let actions: Vec<_> = found.users.iter().map(|user| (user.action, user.since < ago(750))).collect();
    let expected =
        [(Settlement::Deactivate, false), (Settlement::Deactivate, false), (Settlement::Pseudonymise, true)];
    assert_eq!((actions, found.total, found.next), (expected.to_vec(), Some(3), None));
    assert!(found.users[0].since < found.users[1].since);

    // One by one it is the same list.
    let mut one_by_one = Vec::new();
    let mut after = String::new();
    loop {
        let chunk = stack.due(&format!("&limit=1{after}")).await;
        assert_eq!(chunk.total.is_some(), after.is_empty(), "counted once");
        one_by_one.extend(chunk.users);
        match chunk.next {
            Some(next) => after = format!("&after={next}"),
            None => break,
        }
    }
    assert_eq!(one_by_one, found.users);
}

#[tokio::test]
async fn only_what_is_as_it_was_seen_is_closed() {
    let stack = Stack::with_idle_accounts(6).await;
    let found = stack.due("").await.users;
    assert_eq!(found.len(), 6);
    sqlx::raw_sql(
        "update user_profile set last_conn_time = now() where id = md5('u6')::uuid;
         update user_profile set version = 2 where id = md5('u5')::uuid;
         insert into user_role (user_id, role) values (md5('u4')::uuid, 'ROLE_ADMIN');
         update user_profile set status = 'SUSPENDED' where id = md5('u3')::uuid",
    )
    .execute(&stack.user_db)
    .await
    .unwrap();
    let mut changing = stack.user_db.begin().await.unwrap();
    sqlx::query("update user_profile set info = 'x' where id = md5('u2')::uuid")
        .execute(&mut *changing)
        .await
        .unwrap();
    let settled = stack.settled(&found).await;
    changing.rollback().await.unwrap();
    assert_eq!(counts(&settled), (1, 0, 5));
    let applied: Vec<_> =
        settled.users.iter().filter(|user| user.outcome == SettlementOutcome::Applied).collect();
    assert_eq!(
        (applied.len(), applied[0].id),
        (1, found[5].id),
        "the first account, which is the last in the list"
    );
    assert_eq!(
        settled.users.iter().map(|user| user.id).collect::<Vec<_>>(),
        found.iter().map(|user| user.id).collect::<Vec<_>>()
    );
    assert_eq!(stack.events().await, [("com.dorandoran.user.status-changed.v1".to_owned(), 2)]);
    assert_eq!(
        counts(&stack.settled(&found).await),
        (1, 0, 5),
        "now the second, which nobody is changing any more"
    );
}

#[tokio::test]
async fn what_comes_again_under_its_key_is_settled_once_and_answered_again() {
    let stack = Stack::with_idle_accounts(8).await;
    let users = stack.due("&limit=5").await.users;
    let settle = async || stack.settle(&users).header(KEY, "chunk-1").send().await.expect(StatusCode::OK);
    let (done, again) = (settle().await, settle().await);
    assert_eq!(again.body, done.body);
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!((counts(&again.parsed()), stack.events().await.len()), ((5, 0, 0), 5));
    assert_eq!(stack.due("").await.users.len(), 3);
    let others = stack.settle(&users[1..]).header(KEY, "chunk-1").send().await;
    assert_eq!(others.status, StatusCode::UNPROCESSABLE_ENTITY);
}

impl Stack {
    /// The account of a user with a profile, a preference and a login, who was away for long and then was closed.
    async fn with_closed_account() -> (Self, Account) {
        let stack = Self::with_events().await;
        let mina = stack.account(MINA).await;
        sqlx::raw_sql(
            "update user_profile
               set picture = 'https://example.com/mina.png', info = '안녕', coach_check = true;
             insert into preference (user_id, key, value) select id, 'language', '\"ko\"' from user_profile",
        )
        .execute(&stack.user_db)
        .await
        .unwrap();
        // The event of the login has been taken, so that it does not come later than what follows.
        eventually(LIMIT, || async {
            stack.due("").await.total == Some(0) && stack.was_here(&mina.id).await
        })
        .await;
        stack.days_pass(100).await;
        assert_eq!(counts(&stack.settled(&stack.due("").await.users).await), (1, 0, 0));
        eventually(LIMIT, || async {
            let refresh = stack.auth.post("/api/auth/refresh").json(&json!({ "refreshToken": mina.refresh }));
            let refused = refresh.send().await.status == StatusCode::UNAUTHORIZED;
            refused && stack.login(MINA).send().await.status == StatusCode::FORBIDDEN
        })
        .await;
        (stack, mina)
    }

    /// Two years later.
    async fn with_pseudonym() -> (Self, Account) {
        let (stack, mina) = Box::pin(Self::with_closed_account()).await;
        stack.days_pass(800).await;
        assert_eq!(counts(&stack.settled(&stack.due("").await.users).await), (0, 1, 0));
        (stack, mina)
    }

    /// Every line of user's tables that could say who somebody is.
    async fn everything(&self) -> String {
        sqlx::query_scalar(
            "select string_agg(line, ' ')
             from (
               select p::text as line from user_profile p
               union all select f::text from preference f
               union all select w::text from withdrawn_address w
             ) lines",
        )
        .fetch_one(&self.user_db)
        .await
        .unwrap()
    }
}

fn pseudonym(id: &str) -> String {
    format!("{id}@withdrawn.invalid")
}

#[tokio::test]
async fn an_account_that_is_closed_for_long_says_nothing_any_more() {
    let (stack, mina) = Box::pin(Stack::with_pseudonym()).await;
    let record = stack.user.get(&format!("/internal/users/{}", mina.id));
    let record = record.bearer(&stack.keys.token("operator", "user")).send().await.expect(StatusCode::OK);
    let user = &record.json()["user"];
    let said: Vec<&Value> =
        ["email", "picture", "info", "preferences", "coachCheck", "status"].map(|key| &user[key]).into();
    assert_eq!(json!(said), json!([pseudonym(&mina.id), null, null, null, false, "INACTIVE"]));
    let everything = stack.everything().await;
    for word in ["ina@", "example", "미나", "김", "안녕"] {
        assert!(!everything.contains(word), "{word}: {everything}");
    }
}

#[tokio::test]
async fn auth_forgets_the_address_of_who_is_pseudonymised() {
    let (stack, mina) = Box::pin(Stack::with_pseudonym()).await;
    let pseudonym = pseudonym(&mina.id);
    eventually(LIMIT, || async {
        let copy: (String, String) = sqlx::query_as("select email, password_hash from auth_user")
            .fetch_one(&stack.auth_db)
            .await
            .unwrap();
        copy == (pseudonym.clone(), String::new())
    })
    .await;
    // The old address is nobody's, and the new one opens nothing.
    for email in [MINA, &pseudonym] {
        let login = stack.login(email).send().await.expect(StatusCode::UNAUTHORIZED);
        assert_eq!(login.json()["errorCode"], "U003");
    }
    let live: i64 = sqlx::query_scalar("select count(*) from session where ended_at is null")
        .fetch_one(&stack.auth_db)
        .await
        .unwrap();
    assert_eq!(live, 0);
}

#[tokio::test]
async fn the_address_of_who_is_pseudonymised_stays_taken() {
    let (stack, mina) = Box::pin(Stack::with_pseudonym()).await;
    assert!(stack.is_taken("%20mina@EXAMPLE.com").await && !stack.is_taken("nina@example.com").await);
    let again = stack.sign_up("mina@example.com").send().await.expect(StatusCode::CONFLICT);
    assert_eq!(again.json()["errorCode"], "U002");
    assert_eq!(stack.states().await.0.len(), 1, "nothing of the refused sign-up is left");

    let admin = stack.admin("ops@example.com").await;
    let reopen = stack.user.put(&format!("/api/users/{}", mina.id)).bearer(&admin.access);
    let reopen = reopen.json(&json!({ "status": "ACTIVE" })).send().await.expect(StatusCode::CONFLICT);
    assert_eq!(reopen.json()["errorCode"], "U005");
}

impl Stack {
    /// Since the sign-up.
    async fn was_here(&self, id: &str) -> bool {
        sqlx::query_scalar(
            "select coalesce(last_conn_time > created_at, false) from user_profile where id = $1::uuid",
        )
        .bind(id)
        .fetch_one(&self.user_db)
        .await
        .unwrap()
    }
}

#[tokio::test]
async fn who_logs_in_is_here_and_stays_at_the_same_version() {
    let stack = Stack::with_events().await;
    let mina = stack.account(MINA).await;
    eventually(LIMIT, || async { stack.was_here(&mina.id).await }).await;
    let profile = stack.user.get(&format!("/api/users/{}", mina.id)).bearer(&mina.access).send().await;
    assert_eq!(profile.header("etag"), Some("\"1\""));
    let seen: DateTime<Utc> = profile.json()["lastConnTime"].as_str().unwrap().parse().unwrap();
    assert!((Utc::now() - seen).abs() < TimeDelta::minutes(1));
    assert_eq!(stack.events().await.len(), 1, "only the sign-up");
    let unchanged: bool = sqlx::query_scalar("select updated_at < last_conn_time from user_profile")
        .fetch_one(&stack.user_db)
        .await
        .unwrap();
    assert!(unchanged, "being here is no change of the profile");
}

#[tokio::test]
async fn an_older_event_never_takes_a_later_connection_back() {
    let stack = Stack::with_idle_accounts(1).await;
    let id: uuid::Uuid =
        sqlx::query_scalar("select id from user_profile").fetch_one(&stack.user_db).await.unwrap();
    let mut db = stack.user_db.acquire().await.unwrap();
    for at in [ago(5), ago(3), ago(4)] {
        user::repository::profile::seen(&mut db, id.into(), at).await.unwrap();
    }
    let seen: DateTime<Utc> = sqlx::query_scalar("select last_conn_time from user_profile")
        .fetch_one(&stack.user_db)
        .await
        .unwrap();
    assert!((ago(3) - seen).abs() < TimeDelta::minutes(1), "{seen}");
}

#[tokio::test]
async fn since_when_an_account_is_closed_is_noted_whoever_closes_it() {
    let stack = Stack::with_idle_accounts(1).await;
    let since = async || {
        sqlx::query_scalar::<_, Option<DateTime<Utc>>>("select inactive_since from user_profile")
            .fetch_one(&stack.user_db)
            .await
            .unwrap()
    };
    for (status, noted) in [("INACTIVE", true), ("SUSPENDED", false), ("INACTIVE", true), ("ACTIVE", false)] {
        sqlx::query("update user_profile set status = $1")
            .bind(status)
            .execute(&stack.user_db)
            .await
            .unwrap();
        assert_eq!(since().await.is_some(), noted, "{status}");
    }
}

#[tokio::test]
async fn what_is_no_question_is_refused() {
    let stack = Stack::with_idle_accounts(1).await;
    let (past, future) = (contract::time::format(ago(1)), contract::time::format(ago(-1)));
    for query in [
        format!("inactiveBefore={past}"),
        format!("inactiveBefore={future}&withdrawnBefore={past}"),
        format!("inactiveBefore={past}&withdrawnBefore={future}"),
        format!("inactiveBefore={past}&withdrawnBefore={past}&limit=501"),
        format!("inactiveBefore={past}&withdrawnBefore={past}&after=x"),
    ] {
        let _ = stack.list(&query).send().await.expect(StatusCode::BAD_REQUEST);
    }
    let one = stack.due("").await.users;
    for users in [vec![], vec![one[0].clone(); 501]] {
        let _ = stack.settle(&users).send().await.expect(StatusCode::BAD_REQUEST);
    }
}

#[tokio::test]
async fn a_day_is_counted_as_the_table_knows_it() {
    let stack = Stack::with_idle_accounts(6).await;
    sqlx::raw_sql(
        "update user_profile set created_at = '2026-01-01', last_conn_time = null;
         update user_profile set created_at = '2026-01-02 12:00Z' where id in (md5('u1')::uuid, md5('u2')::uuid);
         update user_profile set created_at = '2026-01-02 13:00Z', signup_state = 'PENDING' where id = md5('u3')::uuid;
         update user_profile set last_conn_time = '2026-01-02 00:00Z' where id = md5('u4')::uuid;
         update user_profile set status = 'INACTIVE', inactive_since = '2026-01-02 01:00Z' where id = md5('u5')::uuid;
         update user_profile
           set status = 'INACTIVE', inactive_since = '2024-01-01', pseudonymised_at = '2026-01-02 02:00Z'
           where id = md5('u6')::uuid",
    )
    .execute(&stack.user_db)
    .await
    .unwrap();
    let get =
        stack.user.get(&format!("{STATISTICS}?day=2026-01-02")).bearer(&stack.keys.token("batch", "user"));
    let counted: DayStatistics = get.send().await.expect(StatusCode::OK).parsed();
    assert_eq!(
        serde_json::to_value(counted).unwrap(),
        json!({
            "day": "2026-01-02", "signUps": 2, "deactivated": 1, "pseudonymised": 1, "lastSeen": 1,
            "users": { "active": 3, "inactive": 2, "suspended": 0 },
        })
    );
}
