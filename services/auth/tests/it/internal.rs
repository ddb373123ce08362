//! Credentials of sign-ups, and what is reachable at all.

use std::cell::Cell;
use std::time::Duration;

use auth::healer::{self, Healed};
use contract::internal::SignUpState;
use http::{Method, StatusCode};
use testkit::eventually;

use crate::service::{Auth, EMAIL, PASSWORD};

const LIMIT: Duration = Duration::from_secs(10);

#[tokio::test]
async fn only_user_hands_over_credentials() {
    let auth = Auth::start().await;
    let id = auth.account(EMAIL).await;
    let access = auth.logged_in(EMAIL).await.access;
    for (method, path) in [
        (Method::PUT, format!("/internal/credentials/{id}")),
        (Method::DELETE, format!("/internal/credentials/{id}")),
        (Method::POST, format!("/internal/credentials/{id}/confirm")),
    ] {
        let send = |token: Option<&str>| {
            let request = auth.app.request(method.clone(), &path);
            match token {
                Some(token) => request.bearer(token).send(),
                None => request.send(),
            }
        };
        let _ = send(None).await.expect(StatusCode::UNAUTHORIZED);
        let _ = send(Some(&access)).await.expect(StatusCode::UNAUTHORIZED);
        let _ = send(Some(&auth.keys.token("user", "chat"))).await.expect(StatusCode::UNAUTHORIZED);
        for issuer in ["chat", "gateway", "operator"] {
            let _ = send(Some(&auth.keys.token(issuer, "auth"))).await.expect(StatusCode::FORBIDDEN);
        }
    }
}

#[tokio::test]
async fn handing_over_twice_is_the_same_as_once() {
    let auth = Auth::start().await;
    let id = auth.pending(EMAIL).await;
    let again = auth.put_credentials(id, EMAIL, PASSWORD).send().await.expect(StatusCode::OK).json();
    assert_eq!((again["state"].as_str(), again["role"].as_str()), (Some("pending"), Some("ROLE_USER")));
    auth.know(id, EMAIL, SignUpState::Active);
    for _ in 0..2 {
        let confirm =
            auth.app.post(&format!("/internal/credentials/{id}/confirm")).bearer(&auth.users_token());
        assert_eq!(confirm.send().await.expect(StatusCode::OK).json()["state"], "confirmed");
    }
    let _ = auth.logged_in(EMAIL).await;
}

#[tokio::test]
async fn confirmed_credentials_are_neither_replaced_nor_removed() {
    let auth = Auth::start().await;
    let id = auth.account(EMAIL).await;
    let replace = auth.put_credentials(id, EMAIL, "hunter33").send().await.expect(StatusCode::CONFLICT);
    assert_eq!(replace.json()["errorCode"], "U002");
    let other = auth.put_credentials(chassis::fresh_id(), "MINA@example.com", "hunter33");
    let _ = other.send().await.expect(StatusCode::CONFLICT);
    let delete = auth.app.delete(&format!("/internal/credentials/{id}")).bearer(&auth.users_token());
    let _ = delete.send().await.expect(StatusCode::NO_CONTENT);
    let _ = auth.logged_in(EMAIL).await;
}

#[tokio::test]
async fn nobody_confirms_what_was_never_handed_over() {
    let auth = Auth::start().await;
    let id: contract::id::UserId = chassis::fresh_id();
    let confirm = auth.app.post(&format!("/internal/credentials/{id}/confirm")).bearer(&auth.users_token());
    assert_eq!(confirm.send().await.expect(StatusCode::NOT_FOUND).json()["errorCode"], "U001");
    let delete = auth.app.delete(&format!("/internal/credentials/{id}")).bearer(&auth.users_token());
    let _ = delete.send().await.expect(StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn what_is_left_pending_is_asked_about_once_it_is_old() {
    let mut auth = Auth::start().await;
    let finished = auth.pending("one@example.com").await;
    let under_way = auth.pending("two@example.com").await;
    auth.pending("three@example.com").await;
    auth.know(finished, "one@example.com", SignUpState::Active);
    auth.know(under_way, "two@example.com", SignUpState::Pending);
    assert_eq!(healer::heal(&auth.state, healer::LEFT_BEHIND).await.unwrap(), Healed::default());
    let records = auth.records.clone();
    auth.stop_user().await;
    assert_eq!(healer::heal(&auth.state, Duration::ZERO).await.unwrap(), Healed::default(), "nobody to ask");

    let states = || async {
        let states: Vec<String> = sqlx::query_scalar("select signup_state from auth_user order by email")
            .fetch_all(&auth.db)
            .await
            .unwrap();
        states
    };
    assert_eq!(states().await, ["PENDING", "PENDING", "PENDING"]);
    assert_eq!(records.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn healing_confirms_active_sign_ups_and_removes_those_without_a_profile() {
    let auth = Auth::start().await;
    let finished = auth.pending("one@example.com").await;
    auth.pending("two@example.com").await;
    auth.know(finished, "one@example.com", SignUpState::Active);
    let total = Cell::new(Healed::default());
    // Who cannot be asked about because user takes too long is left for the next round.
    eventually(LIMIT, || async {
        let round = healer::heal(&auth.state, Duration::ZERO).await.unwrap();
        let Healed { confirmed, removed } = total.get();
        let healed = Healed { confirmed: confirmed + round.confirmed, removed: removed + round.removed };
        total.set(healed);
        if healed == (Healed { confirmed: 1, removed: 1 }) { Ok(()) } else { Err(healed) }
    })
    .await;
    let _ = auth.logged_in("one@example.com").await;
    let _ = auth.login("two@example.com", PASSWORD).send().await.expect(StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn the_description_has_every_route_and_later_ones_are_absent() {
    let auth = Auth::start().await;
    let docs = auth.app.get("/api-docs").send().await.expect(StatusCode::OK).json();
    let paths: Vec<_> = docs["paths"].as_object().unwrap().keys().map(String::as_str).collect();
    for route in ["login", "refresh", "logout", "me", "validate", "health", ".well-known/jwks.json"] {
        let path = format!("/api/auth/{route}");
        assert!(paths.contains(&path.as_str()), "{path} is missing in {paths:?}");
    }
    let _ = auth.app.post("/api/auth/password/change").send().await.expect(StatusCode::NOT_FOUND);
}
