//! Orders that come about, and those that do not.

use contract::payment::Status;
use contract::store::{FailureCode, OrderStatus, PaymentStatus, SagaState};
use store::saga::Settled;

use super::provider::Op;
use super::stage::{LIMIT, PRICE, QUICK, Stage};

#[tokio::test]
async fn an_order_is_paid_for_and_its_goods_are_sold() {
    let stage = Stage::set().await;
    let (pen, book) = (stage.item(PRICE, 10).await, stage.item(500, 10).await);
    let store = stage.instance(QUICK).await;
    let (id, settled) = store.place(chassis::fresh_id(), &[(pen, 2), (book, 3)], "tok_approve", LIMIT).await;
    assert_eq!(settled, Settled::Finished);
    let order = stage.order(id).await;
    assert_eq!((order.status, order.failure_code), (OrderStatus::Confirmed, None));
    assert_eq!(order.total_amount, 2 * PRICE + 1500);
    let names: Vec<_> = order.items.iter().map(|item| (item.item_id, item.quantity)).collect();
    assert_eq!(names, [(pen, 2), (book, 3)]);
    assert_eq!(order.payment.unwrap().status, PaymentStatus::Captured);
    assert_eq!(stage.stock(pen).await, (8, 0, 2));
    assert_eq!(stage.stock(book).await, (7, 0, 3));
    let theirs = stage.provider.payments();
    assert_eq!((theirs[0].status, theirs[0].captured_amount), (Status::Captured, 2 * PRICE + 1500));
    let asked = [Op::Find, Op::Authorise, Op::Capture, Op::Cancel].map(|op| stage.provider.asked(op));
    assert_eq!(asked, [0, 1, 1, 0], "nothing is asked that nobody needs to know");
    stage.proven().await;
}

#[tokio::test]
async fn a_declined_order_fails_and_its_goods_can_be_bought_by_others() {
    let stage = Stage::set().await;
    let item = stage.item(PRICE, 1).await;
    let store = stage.instance(QUICK).await;
    let (id, settled) = store.buy(chassis::fresh_id(), item, "tok_decline", LIMIT).await;
    assert_eq!(settled, Settled::Finished);
    let order = stage.order(id).await;
    assert_eq!((order.status, order.failure_code), (OrderStatus::Failed, Some(FailureCode::PaymentDeclined)));
    assert_eq!(order.payment.unwrap().status, PaymentStatus::Declined);
    assert_eq!(stage.state_of(stage.saga_of(id).await).await, SagaState::Compensated);
    assert_eq!(stage.provider.asked(Op::Cancel), 0, "nothing is held that could be given back");
    let (next, _) = store.buy(chassis::fresh_id(), item, "tok_approve", LIMIT).await;
    assert_eq!(stage.order(next).await.status, OrderStatus::Confirmed);
    stage.proven().await;
}

#[tokio::test]
async fn an_order_for_more_than_there_is_has_failed_at_once_and_nobody_is_asked_for_money() {
    let stage = Stage::set().await;
    let (plenty, rare) = (stage.item(PRICE, 10).await, stage.item(PRICE, 1).await);
    let store = stage.instance(QUICK).await;
    let (id, settled) =
        store.place(chassis::fresh_id(), &[(plenty, 1), (rare, 2)], "tok_approve", LIMIT).await;
    assert_eq!(settled, Settled::Finished);
    let order = stage.order(id).await;
    assert_eq!((order.status, order.failure_code), (OrderStatus::Failed, Some(FailureCode::OutOfStock)));
    assert_eq!(order.payment, None);
    assert_eq!(stage.stock(plenty).await, (10, 0, 0));
    assert!(stage.provider.payments().is_empty());
    stage.proven().await;
}

#[tokio::test]
async fn what_costs_nothing_needs_no_provider() {
    let stage = Stage::set().await;
    let item = stage.item(0, 5).await;
    let (store, user) = (stage.instance(QUICK).await, chassis::fresh_id());
    let (id, settled) = store.buy(user, item, "tok_decline", LIMIT).await;
    assert_eq!((settled, stage.order(id).await.status), (Settled::Finished, OrderStatus::Confirmed));
    assert!(stage.provider.payments().is_empty());
    store.cancel(id, user, LIMIT).await.unwrap();
    assert_eq!(stage.order(id).await.status, OrderStatus::Cancelled);
    assert_eq!(stage.stock(item).await, (5, 0, 0));
    assert!(stage.provider.payments().is_empty());
    stage.proven().await;
}
