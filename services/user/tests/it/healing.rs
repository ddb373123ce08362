//! Sign-ups that die after each step, and what becomes of them.

use std::time::Duration;

use auth::healer;
use contract::id::UserId;
use http::StatusCode;
use serde_json::json;
use user::domain;
use user::domain::sign_up::{Form, NewAccount};
use user::error::Error;
use user::sign_up::{self, Healed};

use crate::stack::{PASSWORD, Stack};

const EMAIL: &str = "mina@example.com";
/// Whatever is there counts as left behind.
const AT_ONCE: Duration = Duration::ZERO;

fn account(password: &str) -> NewAccount {
    let form = Form { email: EMAIL, first_name: "미나", last_name: "김", password, ..Form::default() };
    domain::sign_up::check(&form).unwrap()
}

/// Both databases' words for the states, profiles first.
fn states(profiles: &[&str], credentials: &[&str]) -> (Vec<String>, Vec<String>) {
    let owned = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
    (owned(profiles), owned(credentials))
}

async fn reserved(stack: &Stack) -> UserId {
    sign_up::reserve(&stack.user_state, &account(PASSWORD)).await.unwrap()
}

async fn handed_over(stack: &Stack) -> UserId {
    let id = reserved(stack).await;
    sign_up::hand_over(&stack.user_state, id, &account(PASSWORD)).await.unwrap();
    id
}

async fn activated(stack: &Stack) -> UserId {
    let id = handed_over(stack).await;
    sign_up::activate(&stack.user_state, id).await.unwrap();
    id
}

async fn heal(stack: &Stack) -> Healed {
    sign_up::heal(&stack.user_state, AT_ONCE).await.unwrap()
}

#[tokio::test]
async fn killed_after_reserving_the_address_is_free_again() {
    let stack = Stack::start().await;
    reserved(&stack).await;
    assert_eq!(stack.states().await, states(&["PENDING"], &[]));
    assert_eq!(heal(&stack).await, Healed { finished: 0, rolled_back: 1 });
    assert_eq!(stack.states().await, states(&[], &[]));
    let _ = stack.account(EMAIL).await;
}

#[tokio::test]
async fn killed_after_handing_the_password_over_both_sides_are_empty_again() {
    let stack = Stack::start().await;
    handed_over(&stack).await;
    assert_eq!(stack.states().await, states(&["PENDING"], &["PENDING"]));
    let problem = stack.login(EMAIL).send().await.expect(StatusCode::UNAUTHORIZED).json();
    assert_eq!(problem["errorCode"], "U003", "half an account logs nobody in");
    heal(&stack).await;
    assert_eq!(stack.states().await, states(&[], &[]));
    assert!(stack.events().await.is_empty());
}

#[tokio::test]
async fn auth_clears_up_by_itself_when_it_was_away_during_the_roll_back() {
    let mut stack = Stack::start().await;
    handed_over(&stack).await;
    stack.stop_auth().await;
    heal(&stack).await;
    assert_eq!(stack.states().await, states(&[], &["PENDING"]));
    stack.start_auth().await;
    let healed = healer::heal(&stack.auth_state, AT_ONCE).await.unwrap();
    assert_eq!(healed, healer::Healed { confirmed: 0, removed: 1 });
    assert_eq!(stack.states().await, states(&[], &[]));
}

#[tokio::test]
async fn killed_after_activating_the_sign_up_only_goes_on() {
    let stack = Stack::start().await;
    activated(&stack).await;
    assert_eq!(stack.states().await, states(&["ACTIVE"], &["PENDING"]));
    assert_eq!(heal(&stack).await, Healed { finished: 1, rolled_back: 0 });
    assert_eq!(stack.states().await, states(&["CONFIRMED"], &["ACTIVE"]));
    let _ = stack.login(EMAIL).send().await.expect(StatusCode::OK);
    assert_eq!(heal(&stack).await, Healed::default());
    assert_eq!(stack.events().await.len(), 1);
}

#[tokio::test]
async fn an_active_account_can_log_in_before_anybody_healed_it() {
    let stack = Stack::start().await;
    activated(&stack).await;
    let _ = stack.login(EMAIL).send().await.expect(StatusCode::OK);
    assert_eq!(stack.states().await, states(&["ACTIVE"], &["ACTIVE"]));
    heal(&stack).await;
    assert_eq!(stack.states().await, states(&["CONFIRMED"], &["ACTIVE"]));
}

#[tokio::test]
async fn auth_finishes_an_active_account_when_user_does_not() {
    let stack = Stack::start().await;
    activated(&stack).await;
    let healed = healer::heal(&stack.auth_state, AT_ONCE).await.unwrap();
    assert_eq!(healed, healer::Healed { confirmed: 1, removed: 0 });
    let _ = stack.login(EMAIL).send().await.expect(StatusCode::OK);
}

#[tokio::test]
async fn killed_between_both_halves_of_the_confirmation_it_is_confirmed_once_more() {
    let stack = Stack::start().await;
    let id = activated(&stack).await;
    healer::confirm(&stack.auth_state, id).await.unwrap();
    assert_eq!(stack.states().await, states(&["ACTIVE"], &["ACTIVE"]));
    heal(&stack).await;
    assert_eq!(stack.states().await, states(&["CONFIRMED"], &["ACTIVE"]));
}

#[tokio::test]
async fn a_sign_up_that_was_taken_back_cannot_come_back() {
    let stack = Stack::start().await;
    let id = handed_over(&stack).await;
    heal(&stack).await;
    let late = sign_up::activate(&stack.user_state, id).await;
    assert!(matches!(late, Err(Error::SignUpTookTooLong)), "{late:?}");
    assert_eq!(stack.states().await, states(&[], &[]));
}

#[tokio::test]
async fn a_password_that_arrives_after_the_roll_back_harms_nobody() {
    let stack = Stack::start().await;
    let old = reserved(&stack).await;
    heal(&stack).await;
    // The call of the old sign-up was stuck somewhere, and arrives now.
    sign_up::hand_over(&stack.user_state, old, &account("hunter33")).await.unwrap();
    assert_eq!(stack.states().await, states(&[], &["PENDING"]));
    let _ = stack.account(EMAIL).await;
    let again = sign_up::hand_over(&stack.user_state, old, &account("hunter33")).await;
    assert!(matches!(again, Err(Error::EmailTaken)), "{again:?}");
    let _ = stack.login(EMAIL).send().await.expect(StatusCode::OK);
    let body = json!({ "email": EMAIL, "password": "hunter33" });
    let _ = stack.auth.post("/api/auth/login").json(&body).send().await.expect(StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_late_password_loses_against_a_newer_sign_up_that_is_still_pending() {
    let stack = Stack::start().await;
    let old = reserved(&stack).await;
    heal(&stack).await;
    let new = handed_over(&stack).await;
    let late = sign_up::hand_over(&stack.user_state, old, &account("hunter33")).await;
    assert!(matches!(late, Err(Error::EmailTaken)), "{late:?}");
    sign_up::activate(&stack.user_state, new).await.unwrap();
    sign_up::confirm(&stack.user_state, new).await.unwrap();
    let _ = stack.login(EMAIL).send().await.expect(StatusCode::OK);
}

#[tokio::test]
async fn sign_ups_under_way_are_left_alone() {
    let stack = Stack::start().await;
    handed_over(&stack).await;
    assert_eq!(sign_up::heal(&stack.user_state, sign_up::LEFT_BEHIND).await.unwrap(), Healed::default());
    let healed = healer::heal(&stack.auth_state, AT_ONCE).await.unwrap();
    assert_eq!(healed, healer::Healed::default(), "user says that it is still pending");
    assert_eq!(stack.states().await, states(&["PENDING"], &["PENDING"]));
}
