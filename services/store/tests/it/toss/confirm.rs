//! Confirming a payment.

use serde_json::json;
use store::payment::{Authorisation, Change, Charge};

use super::expected::{Act, Expected, changed, confirmation, question, refuse, say};
use super::stage::{AMOUNT, Stage, TOKEN, charge};

async fn authorise(expected: impl IntoIterator<Item = Expected>) -> Authorisation {
    let stage = Stage::new(expected).await;
    stage.provider.authorise(&charge()).await
}

fn captured() -> Authorisation {
    Authorisation::Captured { reference: TOKEN.to_owned() }
}

fn declined(code: &str) -> Authorisation {
    Authorisation::Declined { code: code.to_owned() }
}

fn is_unknown(authorisation: &Authorisation) -> bool {
    matches!(authorisation, Authorisation::Unknown { .. })
}

#[tokio::test]
async fn a_confirmation_takes_the_money_at_once() {
    let stage = Stage::new([confirmation(say("payment_done"))]).await;
    assert_eq!(stage.provider.authorise(&charge()).await, captured());
    assert_eq!(stage.provider.capture(&charge()).await, Change::Done, "there is nothing left to take");
}

#[tokio::test]
async fn a_repeat_has_the_same_key() {
    let stage = Stage::new([
        confirmation(refuse(409, "IDEMPOTENT_REQUEST_PROCESSING")),
        confirmation(say("payment_done")),
    ])
    .await;
    assert!(is_unknown(&stage.provider.authorise(&charge()).await));
    assert_eq!(stage.provider.authorise(&charge()).await, captured());
    let keys = stage.fake.keys();
    assert_eq!(keys[0], keys[1]);
}

#[tokio::test]
async fn a_payment_that_was_turned_down_is_declined_with_the_providers_word_for_it() {
    for (status, code) in [
        (403, "REJECT_CARD_PAYMENT"),
        (403, "REJECT_ACCOUNT_PAYMENT"),
        (400, "INVALID_STOPPED_CARD"),
        (403, "EXCEED_MAX_AMOUNT"),
        (400, "INVALID_REQUEST"),
        (404, "NOT_FOUND_PAYMENT"),
        (404, "NOT_FOUND_PAYMENT_SESSION"),
    ] {
        assert_eq!(authorise([confirmation(refuse(status, code))]).await, declined(code));
    }
}

#[tokio::test]
async fn what_may_have_happened_is_unknown() {
    for (status, code) in [
        (409, "IDEMPOTENT_REQUEST_PROCESSING"),
        (400, "PROVIDER_ERROR"),
        (500, "FAILED_PAYMENT_INTERNAL_SYSTEM_PROCESSING"),
        (500, "FAILED_INTERNAL_SYSTEM_PROCESSING"),
        (500, "SOMETHING_NEW"),
        (429, "TOO_MANY_REQUESTS"),
    ] {
        let answer = authorise([confirmation(refuse(status, code))]).await;
        assert!(is_unknown(&answer), "{code}: {answer:?}");
    }
}

#[tokio::test]
async fn a_key_that_is_not_accepted_declines_nobody() {
    for (status, code) in [(401, "UNAUTHORIZED_KEY"), (400, "INVALID_API_KEY"), (403, "FORBIDDEN_REQUEST")] {
        let answer = authorise([confirmation(refuse(status, code))]).await;
        assert!(is_unknown(&answer), "{code}: {answer:?}");
    }
}

#[tokio::test]
async fn a_payment_that_was_processed_before_is_asked_for() {
    for (document, expected) in [
        ("payment_done", captured()),
        ("payment_partial_canceled", captured()),
        ("payment_canceled", declined("CANCELLED")),
        ("payment_aborted", declined("REJECT_CARD_PAYMENT")),
        ("payment_expired", declined("EXPIRED")),
    ] {
        let processed = confirmation(refuse(400, "ALREADY_PROCESSED_PAYMENT"));
        assert_eq!(authorise([processed, question(say(document))]).await, expected, "{document}");
    }
    for act in [say("payment_in_progress"), say("payment_waiting_for_deposit"), refuse(500, "COMMON_ERROR")] {
        let processed = confirmation(refuse(400, "ALREADY_PROCESSED_PAYMENT"));
        let answer = authorise([processed, question(act.clone())]).await;
        assert!(is_unknown(&answer), "{act:?}: {answer:?}");
    }
}

#[tokio::test]
async fn a_refusal_that_is_on_no_list_is_believed_once_the_payment_is_seen_not_to_be_done() {
    let new = || confirmation(refuse(400, "SOMETHING_NEW"));
    for (act, expected) in [
        (say("payment_done"), captured()),
        (say("payment_in_progress"), declined("SOMETHING_NEW")),
        (say("payment_ready"), declined("SOMETHING_NEW")),
        (say("payment_aborted"), declined("REJECT_CARD_PAYMENT")),
        (refuse(404, "NOT_FOUND_PAYMENT"), declined("SOMETHING_NEW")),
    ] {
        assert_eq!(authorise([new(), question(act.clone())]).await, expected, "{act:?}");
    }
    for act in [refuse(500, "COMMON_ERROR"), Act::Page(404), say("payment_waiting_for_deposit")] {
        let answer = authorise([new(), question(act.clone())]).await;
        assert!(is_unknown(&answer), "{act:?}: {answer:?}");
    }
}

#[tokio::test]
async fn a_payment_that_is_not_over_yet_is_unknown() {
    for document in ["payment_in_progress", "payment_waiting_for_deposit"] {
        assert!(is_unknown(&authorise([confirmation(say(document))]).await), "{document}");
    }
    let strange = Act::Say(200, changed("payment_done", &json!({ "status": "ON_HOLD" })));
    assert!(is_unknown(&authorise([confirmation(strange)]).await));
}

#[tokio::test]
async fn somebody_elses_payment_pays_for_nothing() {
    let other = json!({ "orderId": "01890000-0000-7000-8000-0000000000ff" });
    let processed = confirmation(refuse(400, "ALREADY_PROCESSED_PAYMENT"));
    let theirs = Act::Say(200, changed("payment_done", &other));
    assert_eq!(authorise([processed, question(theirs.clone())]).await, declined("PAYMENT_MISMATCH"));
    assert!(is_unknown(&authorise([confirmation(theirs)]).await), "an answer about another payment");
}

#[tokio::test]
async fn another_amount_than_was_owed_confirms_no_order() {
    for changes in [json!({ "totalAmount": AMOUNT - 1 }), json!({ "currency": "USD", "totalAmount": 11.5 })] {
        let answer = authorise([confirmation(Act::Say(200, changed("payment_done", &changes)))]).await;
        assert!(is_unknown(&answer), "money was taken and has to go back: {answer:?}");
        let refused = confirmation(refuse(400, "ALREADY_PROCESSED_PAYMENT"));
        let never = question(Act::Say(200, changed("payment_in_progress", &changes)));
        assert_eq!(authorise([refused, never]).await, declined("AMOUNT_MISMATCH"));
    }
}

#[tokio::test]
async fn what_cannot_be_a_payments_key_is_not_sent_anywhere() {
    let long = "a".repeat(201);
    for token in ["", "../../v1/transactions", "key?x=1", "key/cancel", "결제", &long] {
        let stage = Stage::new([]).await;
        let charge = Charge { token: token.to_owned(), ..charge() };
        assert_eq!(stage.provider.authorise(&charge).await, declined("INVALID_TOKEN"), "{token}");
        assert_eq!(stage.provider.find(&charge).await, Ok(None));
        assert_eq!(stage.provider.cancel(&charge, None, "void-1", "취소").await, Change::Done);
    }
}

#[tokio::test]
async fn a_currency_with_other_minor_units_is_declined() {
    let stage = Stage::new([]).await;
    let charge = Charge { currency: "USD".to_owned(), ..charge() };
    assert_eq!(stage.provider.authorise(&charge).await, declined("UNSUPPORTED_CURRENCY"));
}
