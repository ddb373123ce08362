//! Asking what became of a payment.

use contract::payment::Status;
use serde_json::json;
use store::payment::{Booked, Unanswered};

use super::expected::{Act, changed, question, refuse, say};
use super::stage::{AMOUNT, Stage, TOKEN, charge};

async fn find(act: Act) -> Result<Option<Booked>, Unanswered> {
    let stage = Stage::new([question(act)]).await;
    stage.provider.find(&charge()).await
}

fn booked(status: Status, captured: i64, refunded: i64, decline_code: Option<&str>) -> Booked {
    Booked {
        payment: charge().payment,
        reference: TOKEN.to_owned(),
        status,
        captured,
        refunded,
        decline_code: decline_code.map(str::to_owned),
    }
}

#[tokio::test]
async fn each_of_their_statuses_is_one_of_ours() {
    for (document, expected) in [
        ("payment_waiting_for_deposit", booked(Status::Pending, 0, 0, None)),
        ("payment_done", booked(Status::Captured, AMOUNT, 0, None)),
        ("payment_partial_canceled", booked(Status::PartiallyRefunded, AMOUNT, 4000, None)),
        ("payment_canceled", booked(Status::Cancelled, AMOUNT, AMOUNT, None)),
        ("payment_aborted", booked(Status::Declined, 0, 0, Some("REJECT_CARD_PAYMENT"))),
        ("payment_expired", booked(Status::Declined, 0, 0, Some("EXPIRED"))),
    ] {
        assert_eq!(find(say(document)).await, Ok(Some(expected)), "{document}");
    }
}

#[tokio::test]
async fn a_payment_that_nobody_has_confirmed_has_not_arrived_unless_it_never_can() {
    for document in ["payment_ready", "payment_in_progress"] {
        assert_eq!(find(say(document)).await, Ok(None), "{document}");
        let other = changed(document, &json!({ "totalAmount": AMOUNT + 1 }));
        let never = booked(Status::Declined, 0, 0, Some("AMOUNT_MISMATCH"));
        assert_eq!(find(Act::Say(200, other)).await, Ok(Some(never)), "{document}");
    }
}

#[tokio::test]
async fn all_given_back_in_parts_is_cancelled() {
    let nothing_left = changed("payment_partial_canceled", &json!({ "balanceAmount": 0 }));
    let expected = booked(Status::Cancelled, AMOUNT, AMOUNT, None);
    assert_eq!(find(Act::Say(200, nothing_left)).await, Ok(Some(expected)));
}

#[tokio::test]
async fn a_payment_for_another_order_took_nothing_for_this_one() {
    let theirs = changed("payment_done", &json!({ "orderId": "not-ours-1" }));
    let expected = booked(Status::Declined, 0, 0, Some("PAYMENT_MISMATCH"));
    assert_eq!(find(Act::Say(200, theirs)).await, Ok(Some(expected)));
}

#[tokio::test]
async fn only_the_providers_own_word_says_that_there_is_no_such_payment() {
    assert_eq!(find(refuse(404, "NOT_FOUND_PAYMENT")).await, Ok(None));
    for act in [Act::Page(404), refuse(404, "NOT_FOUND"), refuse(401, "UNAUTHORIZED_KEY")] {
        assert!(find(act.clone()).await.is_err(), "{act:?}");
    }
}
