//! Logging out, suspending and changing a role, as the other services see it.

use std::time::Duration;

use chassis::Platform;
use chassis::identity::TokenError;
use http::StatusCode;
use serde_json::{Value, json};
use testkit::{TestApp, eventually};

use crate::stack::{Account, Stack};

const LIMIT: Duration = Duration::from_secs(10);
const MINA: &str = "mina@example.com";
const REVOKED: Result<(), TokenError> = Err(TokenError::Invalid("revoked"));

/// What another service makes of a token.
async fn judged(service: &Platform, token: &str) -> Result<(), TokenError> {
    service.identity().access.verify(token).await.map(|_| ())
}

/// The same, once the service knows keys and revocations: while it still loads them, it waits a moment only.
async fn judged_once_loaded(service: &Platform, token: &str) -> Result<(), TokenError> {
    eventually(LIMIT, || async {
        let verdict = judged(service, token).await;
        (verdict != Err(TokenError::Unavailable)).then_some(verdict)
    })
    .await
}

impl Stack {
    fn profile(&self, account: &Account, token: &str) -> testkit::TestRequest {
        self.user.get(&format!("/api/users/{}", account.id)).bearer(token)
    }

    async fn change(&self, admin: &Account, account: &Account, body: Value) {
        let path = format!("/api/users/{}", account.id);
        let _ = self.user.put(&path).bearer(&admin.access).json(&body).send().await.expect(StatusCode::OK);
    }

    /// Every service refuses the token, each by itself.
    async fn is_refused(&self, service: &Platform, account: &Account) {
        eventually(LIMIT, || async { judged(service, &account.access).await == REVOKED }).await;
        let at_user = || async { self.profile(account, &account.access).send().await.status };
        eventually(LIMIT, || async { at_user().await == StatusCode::UNAUTHORIZED }).await;
        let at_auth = || self.auth.get("/api/auth/me").bearer(&account.access).send();
        eventually(LIMIT, || async { at_auth().await.status == StatusCode::UNAUTHORIZED }).await;
        assert_eq!(at_auth().await.json()["errorCode"], "A002");
        let at_user = self.profile(account, &account.access).send().await;
        assert_eq!(at_user.json()["errorCode"], "A002");
    }

    async fn is_accepted(&self, service: &Platform, account: &Account) {
        assert_eq!(judged_once_loaded(service, &account.access).await, Ok(()));
        let at_user = eventually(LIMIT, || async {
            let status = self.profile(account, &account.access).send().await.status;
            (status != StatusCode::SERVICE_UNAVAILABLE).then_some(status)
        });
        assert_eq!(at_user.await, StatusCode::OK);
        let _ = self.auth.get("/api/auth/me").bearer(&account.access).send().await.expect(StatusCode::OK);
    }

    async fn refreshed(&self, account: &Account) -> Result<Account, StatusCode> {
        let request = self
            .auth
            .post("/api/auth/refresh")
            .json(&json!({ "refreshToken": account.refresh }))
            .send()
            .await;
        if request.status != StatusCode::OK {
            return Err(request.status);
        }
        let body = request.json();
        let text = |key: &str| body["data"][key].as_str().unwrap().to_owned();
        Ok(Account { id: account.id.clone(), access: text("accessToken"), refresh: text("refreshToken") })
    }
}

async fn log_out(auth: &TestApp, account: &Account) {
    let _ = auth.post("/api/auth/logout").bearer(&account.access).send().await.expect(StatusCode::OK);
}

#[tokio::test]
async fn a_logout_is_heard_by_every_service_and_other_sessions_live() {
    let stack = Stack::with_events().await;
    let here = stack.account(MINA).await;
    let elsewhere = stack.logged_in(MINA).await;
    let service = stack.another_service();
    for account in [&here, &elsewhere] {
        stack.is_accepted(&service, account).await;
    }
    log_out(&stack.auth, &here).await;
    stack.is_refused(&service, &here).await;
    stack.is_accepted(&service, &elsewhere).await;
    assert_eq!(
        judged_once_loaded(&stack.another_service(), &here.access).await,
        REVOKED,
        "also by one that starts later"
    );
}

#[tokio::test]
async fn a_logout_at_one_replica_of_auth_is_heard_from_another() {
    let stack = Stack::with_events().await;
    let mina = stack.account(MINA).await;
    let service = stack.another_service();
    stack.is_accepted(&service, &mina).await;
    log_out(&stack.another_auth().await, &mina).await;
    stack.is_refused(&service, &mina).await;
}

#[tokio::test]
async fn a_suspended_user_is_out_everywhere_until_reinstated() {
    let stack = Stack::with_events().await;
    let admin = stack.admin("ops@example.com").await;
    let (here, juno) = (stack.account(MINA).await, stack.account("juno@example.com").await);
    let elsewhere = stack.logged_in(MINA).await;
    let service = stack.another_service();
    for account in [&here, &elsewhere, &juno, &admin] {
        stack.is_accepted(&service, account).await;
    }

    stack.change(&admin, &here, json!({ "status": "SUSPENDED" })).await;
    for account in [&here, &elsewhere] {
        stack.is_refused(&service, account).await;
        assert_eq!(stack.refreshed(account).await.err(), Some(StatusCode::UNAUTHORIZED));
    }
    let login = stack.login(MINA).send().await.expect(StatusCode::FORBIDDEN);
    assert_eq!(login.json()["errorCode"], "A003");
    for account in [&juno, &admin] {
        stack.is_accepted(&service, account).await;
    }

    stack.change(&admin, &here, json!({ "status": "ACTIVE" })).await;
    eventually(LIMIT, || async { stack.login(MINA).send().await.status == StatusCode::OK }).await;
    let again = stack.logged_in(MINA).await;
    stack.is_accepted(&service, &again).await;
    stack.is_refused(&service, &here).await;
    assert_eq!(stack.refreshed(&elsewhere).await.err(), Some(StatusCode::UNAUTHORIZED));
}

#[tokio::test]
async fn a_new_role_comes_with_the_next_refresh_and_the_old_one_goes_at_once() {
    let stack = Stack::with_events().await;
    let admin = stack.admin("ops@example.com").await;
    let mut mina = stack.account(MINA).await;
    let service = stack.another_service();
    stack.is_accepted(&service, &mina).await;
    // Twice in what is probably the same second.
    for role in ["ROLE_ADMIN", "ROLE_USER"] {
        stack.change(&admin, &mina, json!({ "role": role })).await;
        stack.is_refused(&service, &mina).await;
        mina = stack.refreshed(&mina).await.expect("the session lives on");
        stack.is_accepted(&service, &mina).await;
        let claims = service.identity().access.verify(&mina.access).await.unwrap();
        assert_eq!(claims.role.as_str(), role);
    }
    let events: Vec<(String, i64)> = sqlx::query_as(
        "select payload ->> 'reason', sequence from outbox where aggregate_type = 'user' order by id",
    )
    .fetch_all(&stack.auth_db)
    .await
    .unwrap();
    assert_eq!(events, [("ROLE".to_owned(), 1), ("ROLE".to_owned(), 2)]);
}

#[tokio::test]
async fn what_was_revoked_stays_revoked_when_auth_is_gone() {
    let mut stack = Stack::with_events().await;
    let (mina, juno) = (stack.account(MINA).await, stack.account("juno@example.com").await);
    let service = stack.another_service();
    log_out(&stack.auth, &mina).await;
    stack.is_refused(&service, &mina).await;
    stack.is_accepted(&service, &juno).await;
    stack.kill_auth().await;
    assert_eq!(judged(&service, &mina.access).await, REVOKED);
    assert_eq!(judged(&service, &juno.access).await, Ok(()), "nobody is logged out because auth is down");
    let late = stack.another_service();
    assert_eq!(
        judged(&late, &juno.access).await,
        Err(TokenError::Unavailable),
        "knows neither keys nor list"
    );
    stack.start_auth().await;
    eventually(LIMIT, || async { judged(&late, &juno.access).await == Ok(()) }).await;
    assert_eq!(judged(&late, &mina.access).await, REVOKED);
}
