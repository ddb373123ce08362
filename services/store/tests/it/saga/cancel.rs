//! Owners who change their mind.

use std::time::Duration;

use contract::id::UserId;
use contract::payment::Status;
use contract::store::{OrderStatus, PaymentStatus};
use store::error::Error;
use store::saga::Settled;
use testkit::eventually;

use super::provider::{Fault, Op};
use super::stage::{LIMIT, PRICE, QUICK, Stage};

#[tokio::test]
async fn an_order_that_is_cancelled_before_it_is_confirmed_never_takes_money() {
    let stage = Stage::set().await;
    let item = stage.item(PRICE, 5).await;
    let (store, user) = (stage.instance(QUICK).await, chassis::fresh_id::<UserId>());
    stage.provider.hold(Op::Authorise);
    let (id, _) = store.buy(user, item, "tok_approve", Duration::ZERO).await;
    eventually(LIMIT, || async { stage.provider.asked(Op::Authorise) == 1 }).await;
    assert_eq!(store.cancel(id, user, Duration::ZERO).await.unwrap(), Settled::Running);
    stage.provider.let_go();
    let order = stage.becomes(id, OrderStatus::Cancelled).await;
    assert_eq!((order.failure_code, order.payment.unwrap().status), (None, PaymentStatus::Cancelled));
    assert_eq!(stage.provider.asked(Op::Capture), 0);
    assert_eq!(stage.stock(item).await, (5, 0, 0));
    stage.proven().await;
}

#[tokio::test]
async fn an_order_whose_payment_hangs_is_cancelled_without_waiting_for_the_deadline() {
    let stage = Stage::set().await;
    let item = stage.item(PRICE, 5).await;
    let (store, user) = (stage.instance(QUICK).await, chassis::fresh_id());
    stage.provider.fail(Op::Authorise, Fault::Undecided);
    let (id, _) = store.buy(user, item, "tok_approve", Duration::ZERO).await;
    eventually(LIMIT, || async { stage.order(id).await.payment.unwrap().status == PaymentStatus::Unknown })
        .await;
    assert_eq!(store.cancel(id, user, LIMIT).await.unwrap(), Settled::Finished);
    assert_eq!(stage.order(id).await.status, OrderStatus::Cancelled);
    stage.proven().await;
}

#[tokio::test]
async fn a_confirmed_order_is_cancelled_its_money_goes_back_and_its_goods_too() {
    let stage = Stage::set().await;
    let item = stage.item(PRICE, 5).await;
    let (store, user) = (stage.instance(QUICK).await, chassis::fresh_id());
    let (id, _) = store.buy(user, item, "tok_approve", LIMIT).await;
    assert_eq!(stage.stock(item).await, (4, 0, 1));
    assert_eq!(store.cancel(id, user, LIMIT).await.unwrap(), Settled::Finished);
    let order = stage.order(id).await;
    let payment = order.payment.unwrap();
    assert_eq!((order.status, payment.status), (OrderStatus::Cancelled, PaymentStatus::Refunded));
    assert_eq!(payment.refunded_amount, PRICE);
    assert_eq!(stage.stock(item).await, (5, 0, 0));
    assert_eq!(stage.provider.payments()[0].status, Status::Cancelled);
    assert!(matches!(store.cancel(id, user, LIMIT).await, Err(Error::OrderState)), "once is enough");
    stage.proven().await;
}

#[tokio::test]
async fn a_cancellation_waits_until_the_order_has_its_money() {
    let stage = Stage::set().await;
    let item = stage.item(PRICE, 5).await;
    let (store, user) = (stage.instance(QUICK).await, chassis::fresh_id());
    stage.provider.hold(Op::Capture);
    let (id, _) = store.buy(user, item, "tok_approve", Duration::ZERO).await;
    eventually(LIMIT, || async { stage.provider.asked(Op::Capture) == 1 }).await;
    assert_eq!(store.cancel(id, user, Duration::ZERO).await.unwrap(), Settled::Running);
    // Twice is the same cancellation.
    assert_eq!(store.cancel(id, user, Duration::ZERO).await.unwrap(), Settled::Running);
    assert_eq!(stage.provider.asked(Op::Cancel), 0);
    stage.provider.let_go();
    stage.becomes(id, OrderStatus::Cancelled).await;
    assert_eq!(stage.provider.payments()[0].refunded_amount, PRICE);
    let sagas: i64 = sqlx::query_scalar("select count(*) from saga where kind = 'CANCEL'")
        .fetch_one(&stage.db.pool())
        .await
        .unwrap();
    assert_eq!(sagas, 1);
    stage.proven().await;
}

#[tokio::test]
async fn only_the_owner_cancels_and_only_until_the_order_is_shipped() {
    let stage = Stage::set().await;
    let item = stage.item(PRICE, 5).await;
    let (store, user, admin) = (stage.instance(QUICK).await, chassis::fresh_id(), chassis::fresh_id());
    let (id, _) = store.buy(user, item, "tok_approve", LIMIT).await;
    let stranger = store.cancel(id, chassis::fresh_id(), LIMIT).await;
    assert!(matches!(stranger, Err(Error::OrderNotFound)));
    let send = async |deliver: bool| {
        store
            .run(move |sagas, db| async move {
                let mut tx = db.begin().await.unwrap();
                if deliver {
                    sagas.deliver(&mut tx, id, admin).await?;
                } else {
                    sagas.ship(&mut tx, id, admin).await?;
                }
                tx.commit().await.unwrap();
                Ok::<_, Error>(())
            })
            .await
    };
    assert!(matches!(send(true).await, Err(Error::OrderState)), "it is not on its way yet");
    send(false).await.unwrap();
    assert_eq!(stage.order(id).await.status, OrderStatus::Shipped);
    assert!(matches!(store.cancel(id, user, LIMIT).await, Err(Error::OrderState)));
    assert!(matches!(send(false).await, Err(Error::OrderState)));
    send(true).await.unwrap();
    assert_eq!(stage.order(id).await.status, OrderStatus::Delivered);
    stage.proven().await;
}
