//! A provider that does not answer, or not as it should.

use std::time::Duration;

use contract::payment::Status;
use contract::store::{FailureCode, OrderStatus, PaymentStatus};
use store::saga::{Settings, Settled};
use testkit::eventually;

use super::provider::{Fault, Op};
use super::stage::{LIMIT, PRICE, QUICK, Stage};

#[tokio::test]
async fn a_lost_answer_is_asked_for_and_the_money_is_held_once() {
    let stage = Stage::set().await;
    let item = stage.item(PRICE, 5).await;
    let store = stage.instance(QUICK).await;
    stage.provider.fail(Op::Authorise, Fault::Lost);
    let (id, settled) = store.buy(chassis::fresh_id(), item, "tok_approve", LIMIT).await;
    assert_eq!((settled, stage.order(id).await.status), (Settled::Finished, OrderStatus::Confirmed));
    assert!(stage.provider.asked(Op::Find) > 0, "it was asked what had become of it");
    assert_eq!(stage.provider.payments().len(), 1);
    stage.proven().await;
}

#[tokio::test]
async fn a_capture_whose_answer_is_lost_is_repeated_until_it_is_known() {
    let stage = Stage::set().await;
    let item = stage.item(PRICE, 5).await;
    let store = stage.instance(QUICK).await;
    stage.provider.fail(Op::Capture, Fault::Lost);
    let (id, settled) = store.buy(chassis::fresh_id(), item, "tok_approve", Duration::ZERO).await;
    assert_eq!(settled, Settled::Running);
    eventually(LIMIT, || async { stage.provider.asked(Op::Capture) >= 3 }).await;
    assert_eq!(stage.order(id).await.status, OrderStatus::Confirmed, "after the pivot there is only forward");
    stage.provider.heal();
    stage.proven().await;
    assert_eq!(stage.order(id).await.payment.unwrap().status, PaymentStatus::Captured);
}

#[tokio::test]
async fn what_the_provider_decides_later_is_unknown_until_then() {
    let stage = Stage::set().await;
    let item = stage.item(PRICE, 5).await;
    let store = stage.instance(QUICK).await;
    stage.provider.fail(Op::Authorise, Fault::Undecided);
    let (paid, _) = store.buy(chassis::fresh_id(), item, "tok_approve", Duration::ZERO).await;
    let (declined, _) = store.buy(chassis::fresh_id(), item, "tok_approve", Duration::ZERO).await;
    for order in [paid, declined] {
        eventually(LIMIT, || async {
            stage.order(order).await.payment.unwrap().status == PaymentStatus::Unknown
        })
        .await;
    }
    stage.provider.decide(stage.payment_of(paid).await, Status::Authorised);
    stage.provider.decide(stage.payment_of(declined).await, Status::Declined);
    stage.proven().await;
    assert_eq!(stage.order(paid).await.status, OrderStatus::Confirmed);
    assert_eq!(stage.order(declined).await.failure_code, Some(FailureCode::PaymentDeclined));
}

/// The next attempt is an hour away; the webhook makes it due at once.
#[tokio::test]
async fn a_webhook_makes_the_saga_ask_at_once() {
    let stage = Stage::set().await;
    let item = stage.item(PRICE, 5).await;
    let slow = Settings { backoff: Duration::from_secs(30), deadline: Duration::from_hours(1), ..QUICK };
    let store = stage.instance(slow).await;
    stage.provider.fail(Op::Authorise, Fault::Undecided);
    let (id, _) = store.buy(chassis::fresh_id(), item, "tok_approve", Duration::ZERO).await;
    let payment = stage.payment_of(id).await;
    eventually(LIMIT, || async { stage.order(id).await.payment.unwrap().status == PaymentStatus::Unknown })
        .await;
    stage.provider.decide(payment, Status::Authorised);
    let tell = async |expected| {
        let heard = store
            .run(move |sagas, db| async move {
                let mut tx = db.begin().await.unwrap();
                let heard = sagas.payment_changed(&mut tx, payment).await.unwrap();
                tx.commit().await.unwrap();
                sagas.wake();
                heard
            })
            .await;
        assert_eq!(heard, expected);
    };
    tell(true).await;
    stage.proven().await;
    assert_eq!(stage.order(id).await.status, OrderStatus::Confirmed);
    tell(false).await;
}

#[tokio::test]
async fn without_an_answer_until_the_deadline_the_order_fails_and_its_payment_can_never_happen() {
    let stage = Stage::set().await;
    let item = stage.item(PRICE, 1).await;
    let store = stage.instance(Settings { deadline: Duration::from_secs(1), ..QUICK }).await;
    stage.provider.fail(Op::Authorise, Fault::Down);
    let (id, settled) = store.buy(chassis::fresh_id(), item, "tok_approve", LIMIT).await;
    assert_eq!(settled, Settled::Finished);
    let order = stage.order(id).await;
    assert_eq!(order.failure_code, Some(FailureCode::PaymentUnavailable));
    assert_eq!(order.payment.unwrap().status, PaymentStatus::Cancelled);
    assert_eq!(stage.provider.payments()[0].status, Status::Cancelled, "its id is closed");
    assert_eq!(stage.stock(item).await, (1, 0, 0));
    stage.proven().await;
}

#[tokio::test]
async fn undoing_goes_on_until_the_provider_is_back() {
    let stage = Stage::set().await;
    let item = stage.item(PRICE, 1).await;
    let store = stage.instance(Settings { deadline: Duration::from_millis(300), ..QUICK }).await;
    for op in [Op::Find, Op::Authorise, Op::Cancel] {
        stage.provider.fail(op, Fault::Down);
    }
    let (id, _) = store.buy(chassis::fresh_id(), item, "tok_approve", Duration::ZERO).await;
    eventually(LIMIT, || async { stage.provider.asked(Op::Cancel) >= 2 }).await;
    assert_eq!(stage.stock(item).await, (0, 1, 0), "held until it is sure that nobody has paid");
    stage.provider.heal();
    stage.becomes(id, OrderStatus::Failed).await;
    stage.proven().await;
}
