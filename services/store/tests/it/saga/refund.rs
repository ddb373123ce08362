//! Money that goes back.

use std::sync::Arc;

use contract::store::{OrderStatus, PaymentStatus};
use store::error::Error;
use store::saga::Settled;
use tokio::task::JoinSet;

use super::stage::{LIMIT, PRICE, QUICK, Stage};

#[tokio::test]
async fn money_goes_back_in_parts_until_none_is_left() {
    let stage = Stage::set().await;
    let item = stage.item(PRICE, 5).await;
    let store = stage.instance(QUICK).await;
    let (id, _) = store.buy(chassis::fresh_id(), item, "tok_approve", LIMIT).await;
    assert_eq!(store.refund(id, Some(2000), LIMIT).await.unwrap(), Settled::Finished);
    let order = stage.order(id).await;
    let payment = order.payment.unwrap();
    assert_eq!((order.status, payment.status), (OrderStatus::Confirmed, PaymentStatus::PartiallyRefunded));
    assert_eq!(payment.refunded_amount, 2000);
    for wrong in [Some(PRICE - 1999), Some(0), Some(-1)] {
        assert!(matches!(store.refund(id, wrong, LIMIT).await, Err(Error::OrderState)), "{wrong:?}");
    }
    store.refund(id, None, LIMIT).await.unwrap();
    let order = stage.order(id).await;
    assert_eq!((order.status, order.payment.unwrap().refunded_amount), (OrderStatus::Refunded, PRICE));
    assert_eq!(stage.stock(item).await, (4, 0, 1), "the goods stay where they are");
    assert!(matches!(store.refund(id, None, LIMIT).await, Err(Error::OrderState)));
    stage.proven().await;
}

#[tokio::test]
async fn what_was_given_back_before_does_not_go_back_again_with_the_cancellation() {
    let stage = Stage::set().await;
    let item = stage.item(PRICE, 5).await;
    let (store, user) = (stage.instance(QUICK).await, chassis::fresh_id());
    let (id, _) = store.buy(user, item, "tok_approve", LIMIT).await;
    store.refund(id, Some(5000), LIMIT).await.unwrap();
    assert_eq!(store.cancel(id, user, LIMIT).await.unwrap(), Settled::Finished);
    assert_eq!(stage.order(id).await.payment.unwrap().refunded_amount, PRICE);
    assert_eq!(stage.provider.payments()[0].refunded_amount, PRICE);
    stage.proven().await;
}

#[tokio::test]
async fn refunds_at_the_same_time_never_add_up_to_more_than_was_paid() {
    let stage = Stage::set().await;
    let item = stage.item(PRICE, 5).await;
    let store = Arc::new(stage.instance(QUICK).await);
    let (id, _) = store.buy(chassis::fresh_id(), item, "tok_approve", LIMIT).await;
    let mut refunds = JoinSet::new();
    for _ in 0..10 {
        let store = store.clone();
        refunds.spawn(async move { store.refund(id, Some(PRICE / 4), LIMIT).await.is_ok() });
    }
    let done = refunds.join_all().await.into_iter().filter(|done| *done).count();
    assert_eq!(done, 4);
    assert_eq!(stage.order(id).await.status, OrderStatus::Refunded);
    stage.proven().await;
}

#[tokio::test]
async fn an_order_that_was_not_paid_for_has_nothing_to_give_back() {
    let stage = Stage::set().await;
    let item = stage.item(PRICE, 5).await;
    let store = stage.instance(QUICK).await;
    let (id, _) = store.buy(chassis::fresh_id(), item, "tok_decline", LIMIT).await;
    assert!(matches!(store.refund(id, None, LIMIT).await, Err(Error::OrderState)));
    let none = store.refund(chassis::fresh_id(), None, LIMIT).await;
    assert!(matches!(none, Err(Error::OrderNotFound)));
    stage.proven().await;
}
