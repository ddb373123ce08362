//! A provider, or a network, that misbehaves: nothing is concluded from it, and nothing is told that is secret.

use std::collections::BTreeMap;

use chassis::{HasBase as _, Platform};
use store::Config;
use store::payment::{Authorisation, Provider};
use tokio::net::TcpListener;

use super::expected::{Act, confirmation, refuse};
use super::fake::FakeToss;
use super::stage::{SECRET, Stage, TOKEN, charge, provider};

/// Enough to connect to this machine, whatever runs on it.
const SHORT: [(&str, &str); 1] = [("DORAN_PAYMENT_TOSS_TIMEOUT_MS", "1500")];

fn reason(authorisation: Authorisation) -> String {
    match authorisation {
        Authorisation::Unknown { reason } => reason,
        other => panic!("it is known: {other:?}"),
    }
}

#[tokio::test]
async fn nothing_is_concluded_from_an_answer_that_is_none() {
    for (act, expected) in [
        (Act::Silent, "the payment provider did not answer in time"),
        (Act::Cut, "the answer of the payment provider broke off"),
        (Act::Endless, "the answer of the payment provider is too long"),
        (Act::Page(200), "the payment provider does not speak the API"),
        (Act::Page(403), "the payment provider answered 403 Forbidden"),
        (Act::Page(404), "the payment provider answered 404 Not Found"),
        (Act::Page(502), "the payment provider answered 502 Bad Gateway"),
        (Act::Throttle("3"), "the payment provider answered 429 Too Many Requests"),
        (refuse(500, "COMMON_ERROR"), "the payment provider answered 500 Internal Server Error COMMON_ERROR"),
    ] {
        let stage = Stage::with([confirmation(act.clone())], &SHORT).await;
        assert_eq!(reason(stage.provider.authorise(&charge()).await), expected, "{act:?}");
    }
}

#[tokio::test]
async fn a_document_without_what_it_must_have_is_no_answer() {
    for key in ["paymentKey", "orderId", "status", "totalAmount", "balanceAmount", "currency"] {
        let mut document = super::expected::recorded("payment_done");
        document.as_object_mut().unwrap().remove(key);
        let stage = Stage::new([confirmation(Act::Say(200, document))]).await;
        let reason = reason(stage.provider.authorise(&charge()).await);
        assert_eq!(reason, "the payment provider does not speak the API", "without {key}");
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = FakeToss::start([]).await;
    let to = format!("{}/v1/payments/confirm", elsewhere.url);
    let stage = Stage::new([confirmation(Act::Redirect(to))]).await;
    let reason = reason(stage.provider.authorise(&charge()).await);
    assert_eq!(reason, "the payment provider answered 307 Temporary Redirect");
}

#[tokio::test]
async fn a_provider_that_is_not_there_is_unknown() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let reason = reason(provider(&url, &[]).authorise(&charge()).await);
    assert_eq!(reason, "the payment provider is not reachable");
}

#[tokio::test]
async fn no_reason_tells_the_key_or_the_token() {
    for act in [refuse(401, "UNAUTHORIZED_KEY"), refuse(500, "test_sk_doran0123456789"), Act::Cut] {
        let stage = Stage::new([confirmation(act)]).await;
        let reason = reason(stage.provider.authorise(&charge()).await);
        assert!(!reason.contains(SECRET) && !reason.contains(TOKEN), "{reason}");
    }
}

#[tokio::test]
async fn a_provider_that_keeps_failing_is_cut_off_and_operators_see_it() {
    let fake = FakeToss::start((0..10).map(|_| confirmation(Act::Page(502)))).await;
    let env: BTreeMap<_, _> = [
        ("DATABASE_URL", "postgres://localhost/store_db"),
        ("DORAN_PAYMENT_PROVIDER", "toss"),
        ("DORAN_PAYMENT_TOSS_URL", &*fake.url),
        ("DORAN_PAYMENT_TOSS_SECRET_KEY", SECRET),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    let config = Config::from_env(&env).unwrap();
    let platform = Platform::quiet(config.base().clone()).unwrap();
    let provider = Provider::new(&config.payment, &platform).unwrap();
    for _ in 0..10 {
        assert!(reason(provider.authorise(&charge()).await).contains("502"));
    }
    assert_eq!(reason(provider.authorise(&charge()).await), "the payment provider is cut off");
    let breaker = platform.breakers().find("toss").unwrap().breaker;
    assert_eq!(breaker.snapshot().state, resilience::breaker::State::Open);
}

#[tokio::test]
async fn declined_cards_cut_nobody_off() {
    let stage = Stage::new((0..12).map(|_| confirmation(refuse(403, "REJECT_CARD_PAYMENT")))).await;
    for _ in 0..12 {
        let answer = stage.provider.authorise(&charge()).await;
        assert_eq!(answer, Authorisation::Declined { code: "REJECT_CARD_PAYMENT".to_owned() });
    }
}
