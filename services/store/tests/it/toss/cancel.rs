//! Giving money back.

use serde_json::json;
use store::payment::Change;

use super::expected::{Act, Expected, cancellation, changed, question, refuse, say};
use super::stage::{AMOUNT, Stage, charge, paid};

const VOID: &str = "void-1";
const WHY: &str = "주문 취소";
const REFUND: &str = "refund-1";
const DAMAGED: &str = "한 권이 파본입니다";

fn refused(code: &str) -> Change {
    Change::Refused { code: code.to_owned() }
}

fn is_unknown(change: &Change) -> bool {
    matches!(change, Change::Unknown { .. })
}

/// The whole, of a charge of which nobody has heard that it was paid.
async fn void(expected: impl IntoIterator<Item = Expected>) -> Change {
    let stage = Stage::new(expected).await;
    stage.provider.cancel(&charge(), None, VOID, WHY).await
}

/// A part of what was paid.
async fn refund(expected: impl IntoIterator<Item = Expected>) -> Change {
    let stage = Stage::new(expected).await;
    stage.provider.cancel(&paid(), Some(4000), REFUND, DAMAGED).await
}

fn whole(act: Act) -> Expected {
    cancellation(VOID, WHY, None, AMOUNT, act)
}

fn part(balance: i64, act: Act) -> Expected {
    cancellation(REFUND, DAMAGED, Some(4000), balance, act)
}

#[tokio::test]
async fn the_whole_goes_back() {
    assert_eq!(void([question(say("payment_done")), whole(say("payment_canceled"))]).await, Change::Done);
}

#[tokio::test]
async fn a_part_goes_back() {
    let expected = [question(say("payment_done")), part(AMOUNT, say("payment_partial_canceled"))];
    assert_eq!(refund(expected).await, Change::Done);
}

#[tokio::test]
async fn what_is_back_already_is_not_given_back_again() {
    assert_eq!(void([question(say("payment_canceled"))]).await, Change::Done);
    assert_eq!(refund([question(say("payment_partial_canceled"))]).await, Change::Done);
}

#[tokio::test]
async fn a_lost_answer_costs_a_question() {
    let stage = Stage::new([
        question(say("payment_done")),
        part(AMOUNT, Act::Cut),
        question(say("payment_partial_canceled")),
    ])
    .await;
    assert!(is_unknown(&stage.provider.cancel(&paid(), Some(4000), REFUND, DAMAGED).await));
    assert_eq!(stage.provider.cancel(&paid(), Some(4000), REFUND, DAMAGED).await, Change::Done);
}

#[tokio::test]
async fn another_part_of_the_same_size_is_another_refund() {
    let key = "refund-2";
    let mut twice = changed("payment_partial_canceled", &json!({ "balanceAmount": 7000 }));
    let mut second = twice["cancels"][0].clone();
    second["cancelReason"] = json!(format!("{DAMAGED} [{key}]"));
    twice["cancels"].as_array_mut().unwrap().push(second);
    let stage = Stage::new([
        question(say("payment_partial_canceled")),
        cancellation(key, DAMAGED, Some(4000), 11_000, Act::Say(200, twice)),
    ])
    .await;
    assert_eq!(stage.provider.cancel(&paid(), Some(4000), key, DAMAGED).await, Change::Done);
}

#[tokio::test]
async fn a_repeat_of_the_same_request_has_the_same_key() {
    let stage = Stage::new([
        question(say("payment_done")),
        whole(refuse(409, "IDEMPOTENT_REQUEST_PROCESSING")),
        question(say("payment_done")),
        whole(say("payment_canceled")),
    ])
    .await;
    assert!(is_unknown(&stage.provider.cancel(&charge(), None, VOID, WHY).await));
    assert_eq!(stage.provider.cancel(&charge(), None, VOID, WHY).await, Change::Done);
    let keys = stage.fake.keys();
    let without_time = |key: &str| key.rsplit_once('.').unwrap().0.to_owned();
    assert_eq!(without_time(&keys[0]), without_time(&keys[1]));
}

#[tokio::test]
async fn a_payment_that_can_still_be_confirmed_is_not_known_to_be_void() {
    for document in ["payment_ready", "payment_in_progress"] {
        assert!(is_unknown(&void([question(say(document))]).await), "{document}");
    }
}

#[tokio::test]
async fn where_nothing_was_taken_nothing_goes_back() {
    for act in [say("payment_expired"), say("payment_aborted"), refuse(404, "NOT_FOUND_PAYMENT")] {
        assert_eq!(void([question(act.clone())]).await, Change::Done, "{act:?}");
        let missing = refund([question(act.clone())]).await;
        assert_eq!(missing, refused("NOT_FOUND_PAYMENT"), "we know that it was paid: {act:?}");
    }
}

#[tokio::test]
async fn somebody_elses_payment_is_left_alone() {
    let theirs = || question(Act::Say(200, changed("payment_done", &json!({ "orderId": "not-ours-1" }))));
    assert_eq!(void([theirs()]).await, Change::Done);
    assert_eq!(refund([theirs()]).await, refused("NOT_FOUND_PAYMENT"));
}

#[tokio::test]
async fn a_virtual_account_is_closed() {
    let expected = [question(say("payment_waiting_for_deposit")), whole(say("payment_canceled"))];
    assert_eq!(void(expected).await, Change::Done);
}

#[tokio::test]
async fn what_comes_back_better_by_itself_is_unknown() {
    for (status, code) in [
        (409, "IDEMPOTENT_REQUEST_PROCESSING"),
        (403, "FORBIDDEN_CONSECUTIVE_REQUEST"),
        (400, "PROVIDER_ERROR"),
        (500, "FAILED_REFUND_PROCESS"),
        (500, "FAILED_PARTIAL_REFUND"),
        (401, "UNAUTHORIZED_KEY"),
        (429, "TOO_MANY_REQUESTS"),
    ] {
        let change = refund([question(say("payment_done")), part(AMOUNT, refuse(status, code))]).await;
        assert!(is_unknown(&change), "{code}: {change:?}");
    }
}

#[tokio::test]
async fn a_refusal_is_final_when_the_books_are_as_they_were() {
    for (status, code) in [
        (403, "NOT_CANCELABLE_PAYMENT"),
        (403, "EXCEED_MAX_REFUND_DUE"),
        (403, "NOT_ALLOWED_PARTIAL_REFUND"),
        (400, "REFUND_REJECTED"),
        (400, "INVALID_REQUEST"),
        (400, "SOMETHING_NEW"),
    ] {
        let expected = [
            question(say("payment_done")),
            part(AMOUNT, refuse(status, code)),
            question(say("payment_done")),
        ];
        assert_eq!(refund(expected).await, refused(code));
    }
}

#[tokio::test]
async fn a_refusal_because_it_is_so_already_is_no_refusal() {
    for (status, code) in [(400, "ALREADY_CANCELED_PAYMENT"), (403, "NOT_CANCELABLE_AMOUNT")] {
        let expected =
            [question(say("payment_done")), whole(refuse(status, code)), question(say("payment_canceled"))];
        assert_eq!(void(expected).await, Change::Done, "{code}");
    }
}

#[tokio::test]
async fn a_refund_that_crossed_another_one_is_tried_again_on_the_new_balance() {
    let mut other = changed("payment_partial_canceled", &json!({}));
    other["cancels"][0]["cancelReason"] = json!("다른 환불 [refund-0]");
    for code in ["NOT_MATCHES_REFUNDABLE_AMOUNT", "SOMETHING_NEW"] {
        let expected = [
            question(say("payment_done")),
            part(AMOUNT, refuse(400, code)),
            question(Act::Say(200, other.clone())),
        ];
        assert!(is_unknown(&refund(expected).await), "{code}");
    }
    let mut both = other.clone();
    both["balanceAmount"] = json!(7000);
    let ours = changed("payment_partial_canceled", &json!({}))["cancels"][0].clone();
    both["cancels"].as_array_mut().unwrap().push(ours);
    let again = [question(Act::Say(200, other)), part(11_000, Act::Say(200, both))];
    assert_eq!(refund(again).await, Change::Done);
}

#[tokio::test]
async fn a_bank_that_sleeps_is_asked_again_another_time() {
    let expected = [
        question(say("payment_done")),
        part(AMOUNT, refuse(403, "NOT_AVAILABLE_BANK")),
        question(say("payment_done")),
    ];
    assert!(is_unknown(&refund(expected).await));
}

#[tokio::test]
async fn more_than_is_left_is_refused_without_asking_for_it() {
    let little = changed("payment_done", &json!({ "status": "PARTIAL_CANCELED", "balanceAmount": 3999 }));
    assert_eq!(refund([question(Act::Say(200, little))]).await, refused("NOT_CANCELABLE_AMOUNT"));
}

#[tokio::test]
async fn a_key_that_gave_back_another_amount_is_refused() {
    let mut other = changed("payment_partial_canceled", &json!({}));
    other["cancels"][0]["cancelAmount"] = json!(3000);
    assert_eq!(refund([question(Act::Say(200, other))]).await, refused("CANCELLED_ANOTHER_AMOUNT"));
}

#[tokio::test]
async fn a_cancellation_that_is_under_way_is_waited_for_and_one_that_failed_is_made_again() {
    let with = |status: &str, balance: i64| {
        let mut payment = changed("payment_partial_canceled", &json!({ "balanceAmount": balance }));
        payment["cancels"][0]["cancelStatus"] = json!(status);
        question(Act::Say(200, payment))
    };
    assert!(is_unknown(&refund([with("IN_PROGRESS", 11_000)]).await));
    let expected = [with("ABORTED", AMOUNT), part(AMOUNT, say("payment_partial_canceled"))];
    assert_eq!(refund(expected).await, Change::Done);
}

#[tokio::test]
async fn an_answer_without_the_cancellation_is_no_answer() {
    let expected = [question(say("payment_done")), whole(say("payment_done"))];
    assert!(is_unknown(&void(expected).await));
}

#[tokio::test]
async fn nothing_is_sent_when_the_question_is_not_answered() {
    for act in [refuse(500, "COMMON_ERROR"), Act::Page(404), Act::Cut] {
        assert!(is_unknown(&void([question(act.clone())]).await), "{act:?}");
    }
}
