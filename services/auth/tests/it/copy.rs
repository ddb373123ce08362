//! What auth does about the events of user.

use std::time::Duration;

use auth::copy::Copies;
use chassis::event::{Failure, Handler as _};
use contract::claims::AccessClaims;
use contract::event::CloudEvent;
use contract::id::UserId;
use contract::user::{Role, UserStatus, event};
use http::StatusCode;
use serde_json::json;
use testkit::eventually;

use crate::service::{Auth, EMAIL, Tokens};

const LIMIT: Duration = Duration::from_secs(10);

/// A user as of some version.
#[derive(Clone)]
struct Told {
    id: UserId,
    version: i64,
    status: UserStatus,
    role: Role,
    email: &'static str,
}

impl Told {
    fn of(id: UserId, version: i64) -> Self {
        Self { id, version, status: UserStatus::Active, role: Role::User, email: EMAIL }
    }

    fn event(&self, kind: &str) -> CloudEvent {
        let id = self.id.to_string();
        let position = self.version.to_string();
        serde_json::from_value(json!({
            "specversion": "1.0", "id": uuid::Uuid::now_v7(), "source": "/user", "type": kind, "subject": id,
            "time": chrono::Utc::now(), "datacontenttype": "application/json",
            "dataschema": contract::event::schema_urn(kind), "sequence": position, "position": position,
            "partitionkey": id,
            "data": {
                "id": id, "email": self.email, "name": "민", "role": self.role, "status": self.status,
                "version": self.version,
            },
        }))
        .unwrap()
    }
}

impl Auth {
    async fn hears(&self, told: &Told, kind: &str) -> Result<(), Failure> {
        let mut tx = self.db.begin().await.unwrap();
        Copies.apply(&mut tx, &told.event(kind)).await?;
        tx.commit().await.unwrap();
        Ok(())
    }

    /// A session that runs is remembered for less than a second, and user may be too slow to be asked.
    async fn refuses(&self, tokens: &Tokens) {
        let me = || async { self.me(&tokens.access).send().await.status };
        eventually(LIMIT, || async { me().await == StatusCode::UNAUTHORIZED }).await;
    }

    /// What the user service answers from now on, so that nobody is told the old state again.
    fn user_says(&self, told: &Told) {
        if let Some(record) = self.records.lock().unwrap().get_mut(&told.id) {
            record.version = told.version;
            record.user.status = told.status;
            record.user.role = told.role;
        }
    }

    /// Reason and sequence of each revocation by user.
    async fn revocations(&self) -> Vec<(String, i64)> {
        sqlx::query_as(
            "select payload ->> 'reason', sequence from outbox where aggregate_type = 'user' order by id",
        )
        .fetch_all(&self.db)
        .await
        .unwrap()
    }

    async fn live_sessions(&self) -> i64 {
        let sql = "select count(*) from session where ended_at is null";
        sqlx::query_scalar(sql).fetch_one(&self.db).await.unwrap()
    }

    async fn claims(&self, tokens: &Tokens) -> AccessClaims {
        (*self.state.identity.access.verify(&tokens.access).await.unwrap()).clone()
    }

    /// The second that tokens of the user must not be older than.
    async fn not_before(&self) -> i64 {
        let sql = "select extract(epoch from max(tokens_not_before))::bigint from auth_user";
        sqlx::query_scalar(sql).fetch_one(&self.db).await.unwrap()
    }
}

fn one(reason: &str) -> Vec<(String, i64)> {
    vec![(reason.to_owned(), 1)]
}

#[tokio::test]
async fn whoever_is_suspended_or_leaves_has_no_session_left() {
    for status in [UserStatus::Suspended, UserStatus::Inactive] {
        let auth = Auth::start().await;
        let id = auth.account(EMAIL).await;
        let (here, elsewhere) = (auth.logged_in(EMAIL).await, auth.logged_in(EMAIL).await);
        let out = Told { status, ..Told::of(id, 2) };
        // The same event again, and one more of the same state, change nothing.
        for told in [&out, &out, &Told { version: 3, ..out.clone() }] {
            auth.hears(told, event::STATUS_CHANGED).await.unwrap();
        }
        assert_eq!(auth.live_sessions().await, 0);
        for tokens in [here, elsewhere] {
            auth.refuses(&tokens).await;
            let _ = auth.refresh(&tokens.refresh).send().await.expect(StatusCode::UNAUTHORIZED);
        }
        assert_eq!(auth.revocations().await, one("STATUS"));
        assert_eq!(auth.audit("TOKENS_REVOKED").await, 1);
    }
}

#[tokio::test]
async fn an_older_event_never_overwrites_a_newer_copy() {
    let auth = Auth::start().await;
    let id = auth.account(EMAIL).await;
    auth.hears(&Told { role: Role::Admin, ..Told::of(id, 3) }, event::ROLE_CHANGED).await.unwrap();
    auth.hears(&Told::of(id, 2), event::UPDATED).await.unwrap();
    let copy: (String, i64) =
        sqlx::query_as("select role, profile_version from auth_user").fetch_one(&auth.db).await.unwrap();
    assert_eq!(copy, ("ROLE_ADMIN".to_owned(), 3));
    assert_eq!(auth.revocations().await, one("ROLE"));
}

#[tokio::test]
async fn a_change_that_auth_was_told_when_it_asked_has_the_same_effect() {
    let auth = Auth::start().await;
    let id = auth.account(EMAIL).await;
    let tokens = auth.logged_in(EMAIL).await;
    let suspended = Told { status: UserStatus::Suspended, ..Told::of(id, 2) };
    auth.user_says(&suspended);
    auth.refuses(&tokens).await;
    assert_eq!((auth.live_sessions().await, auth.revocations().await), (0, one("STATUS")));
    auth.hears(&suspended, event::STATUS_CHANGED).await.unwrap();
    assert_eq!(auth.revocations().await.len(), 1, "the event has nothing left to do");
}

#[tokio::test]
async fn tokens_from_after_a_change_of_role_are_never_taken_for_older_ones() {
    let auth = Auth::start().await;
    let id = auth.account(EMAIL).await;
    let mut tokens = auth.logged_in(EMAIL).await;
    for (version, role) in [(2, Role::Admin), (3, Role::User), (4, Role::Admin)] {
        let old = auth.claims(&tokens).await;
        let told = Told { role, ..Told::of(id, version) };
        auth.hears(&told, event::ROLE_CHANGED).await.unwrap();
        auth.user_says(&told);
        let not_before = auth.not_before().await;
        assert!(old.iat < not_before, "{old:?} is revoked");
        auth.refuses(&tokens).await;
        tokens = auth.refreshed(&tokens.refresh).await;
        let new = auth.claims(&tokens).await;
        assert!(new.iat >= not_before, "{new:?} is not");
        assert_eq!((new.role, new.sid), (role, old.sid));
        let _ = auth.me(&tokens.access).send().await.expect(StatusCode::OK);
    }
    let numbers: Vec<i64> = auth.revocations().await.into_iter().map(|(_, number)| number).collect();
    assert_eq!((numbers, auth.live_sessions().await), (vec![1, 2, 3], 1));
}

/// The password was right and user said that all is well; then, before the session is there, it is not.
#[tokio::test]
async fn a_login_does_not_slip_past_a_suspension() {
    let auth = Auth::start().await;
    let id = auth.account(EMAIL).await;
    let _ = auth.logged_in(EMAIL).await;
    let mut suspension = auth.db.begin().await.unwrap();
    let told = Told { status: UserStatus::Suspended, ..Told::of(id, 2) };
    Copies.apply(&mut suspension, &told.event(event::STATUS_CHANGED)).await.unwrap();
    let login = auth.login(EMAIL, crate::service::PASSWORD).send();
    let commit = async {
        eventually(LIMIT, || async {
            let sql = "select exists (select from pg_locks l join pg_stat_activity a using (pid)
                       where not l.granted and a.datname = current_database())";
            sqlx::query_scalar::<_, bool>(sql).fetch_one(&auth.db).await.unwrap()
        })
        .await;
        suspension.commit().await.unwrap();
    };
    let (answer, ()) = tokio::join!(login, commit);
    let _ = answer.expect(StatusCode::FORBIDDEN);
    assert_eq!(auth.live_sessions().await, 0);
}

#[tokio::test]
async fn a_new_address_is_taken_over_and_the_old_tokens_name_is_gone() {
    let auth = Auth::start().await;
    let id = auth.account(EMAIL).await;
    auth.hears(&Told { email: "new@example.com", ..Told::of(id, 2) }, event::UPDATED).await.unwrap();
    assert_eq!(auth.revocations().await, one("EMAIL"));
}

#[tokio::test]
async fn an_address_that_is_taken_here_does_not_keep_a_suspension_away() {
    let auth = Auth::start().await;
    let id = auth.account(EMAIL).await;
    let _ = auth.account("juno@example.com").await;
    let told = Told { email: "juno@example.com", status: UserStatus::Suspended, ..Told::of(id, 2) };
    auth.hears(&told, event::STATUS_CHANGED).await.unwrap();
    let sql = "select email, status from auth_user where id = $1";
    let copy: (String, String) = sqlx::query_as(sql).bind(id.as_uuid()).fetch_one(&auth.db).await.unwrap();
    assert_eq!(copy, (EMAIL.to_owned(), "SUSPENDED".to_owned()));
    assert_eq!(auth.revocations().await, one("STATUS"));
}

#[tokio::test]
async fn events_of_strangers_and_of_other_kinds_change_nothing() {
    let auth = Auth::start().await;
    let id = auth.account(EMAIL).await;
    let suspended = Told { status: UserStatus::Suspended, ..Told::of(id, 2) };
    auth.hears(&Told { id: chassis::fresh_id(), ..suspended.clone() }, event::STATUS_CHANGED).await.unwrap();
    auth.hears(&suspended, "com.dorandoran.user.waved.v1").await.unwrap();
    assert!(auth.revocations().await.is_empty());
    let mut event = suspended.event(event::STATUS_CHANGED);
    event.data = json!({ "id": id });
    let refused = Copies.apply(&mut auth.db.acquire().await.unwrap(), &event).await;
    assert!(matches!(refused, Err(Failure::Permanent(_))), "{refused:?}");
}
