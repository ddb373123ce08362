//! Sagas that wait for a person.

use std::time::Duration;

use contract::id::{OrderId, SagaId, UserId};
use contract::payment::Status;
use contract::store::{OrderStatus, PaymentStatus, SagaState};
use store::error::Error;
use store::saga::Resolution;

use super::provider::{Fault, Op};
use super::stage::{Instance, LIMIT, PRICE, QUICK, Stage};

/// An order whose money the provider will not take, although it had promised.
async fn stuck(stage: &Stage, store: &Instance, user: UserId) -> (OrderId, SagaId) {
    let item = stage.item(PRICE, 5).await;
    stage.provider.fail(Op::Capture, Fault::Refused);
    let (id, _) = store.buy(user, item, "tok_approve", Duration::ZERO).await;
    let saga = stage.saga_of(id).await;
    stage.reaches(saga, SagaState::Stuck).await;
    assert_eq!(stage.order(id).await.status, OrderStatus::Confirmed);
    (id, saga)
}

async fn resolve(store: &Instance, saga: SagaId, how: Resolution) -> Result<(), Error> {
    let by = Some(chassis::fresh_id());
    store.run(move |sagas, _| async move { sagas.resolve(saga, how, by, "asked their support").await }).await
}

#[tokio::test]
async fn a_stuck_saga_is_tried_again_when_a_person_says_so() {
    let stage = Stage::set().await;
    let store = stage.instance(QUICK).await;
    let (id, saga) = stuck(&stage, &store, chassis::fresh_id()).await;
    stage.provider.heal();
    store.run(move |sagas, _| async move { sagas.retry(saga, None, "again").await.unwrap() }).await;
    stage.reaches(saga, SagaState::Completed).await;
    assert_eq!(stage.order(id).await.payment.unwrap().status, PaymentStatus::Captured);
    stage.proven().await;
    let again = store.run(move |sagas, _| async move { sagas.retry(saga, None, "again").await }).await;
    assert!(matches!(again, Err(Error::OrderState)), "it has ended");
    let none =
        store.run(|sagas, _| async move { sagas.retry(chassis::fresh_id(), None, "again").await }).await;
    assert!(matches!(none, Err(Error::SagaNotFound)));
}

#[tokio::test]
async fn a_stuck_saga_is_undone_when_a_person_says_so_and_the_order_is_called_off() {
    let stage = Stage::set().await;
    let store = stage.instance(QUICK).await;
    let (id, saga) = stuck(&stage, &store, chassis::fresh_id()).await;
    store.run(move |sagas, _| async move { sagas.compensate(saga, None, "given up").await.unwrap() }).await;
    stage.reaches(saga, SagaState::Compensated).await;
    let order = stage.order(id).await;
    assert_eq!(order.status, OrderStatus::Cancelled, "it was confirmed once");
    assert_eq!(stage.provider.payments()[0].status, Status::Cancelled);
    stage.proven().await;
}

#[tokio::test]
async fn a_person_books_what_became_of_it_without_asking_the_provider() {
    for (how, theirs, status) in [
        (Resolution::Completed, Status::Captured, OrderStatus::Confirmed),
        (Resolution::Compensated, Status::Cancelled, OrderStatus::Cancelled),
    ] {
        let stage = Stage::set().await;
        let store = stage.instance(QUICK).await;
        let (id, saga) = stuck(&stage, &store, chassis::fresh_id()).await;
        let asked = stage.provider.asked(Op::Capture);
        stage.provider.settle_by_hand(stage.payment_of(id).await, theirs);
        resolve(&store, saga, how).await.unwrap();
        assert_eq!(stage.state_of(saga).await, SagaState::Resolved);
        assert_eq!(stage.order(id).await.status, status);
        assert_eq!(stage.provider.asked(Op::Capture), asked);
        stage.proven().await;
    }
}

#[tokio::test]
async fn what_is_not_stuck_is_not_resolved_by_hand() {
    let stage = Stage::set().await;
    let item = stage.item(PRICE, 5).await;
    let store = stage.instance(QUICK).await;
    stage.provider.hold(Op::Authorise);
    let (id, _) = store.buy(chassis::fresh_id(), item, "tok_approve", Duration::ZERO).await;
    let saga = stage.saga_of(id).await;
    assert!(matches!(resolve(&store, saga, Resolution::Completed).await, Err(Error::OrderState)));
    stage.provider.let_go();
    stage.proven().await;
}

#[tokio::test]
async fn a_cancellation_of_a_stuck_order_ends_when_the_person_has_undone_it() {
    let stage = Stage::set().await;
    let (store, user) = (stage.instance(QUICK).await, chassis::fresh_id());
    let (id, saga) = stuck(&stage, &store, user).await;
    store.cancel(id, user, Duration::ZERO).await.unwrap();
    store.run(move |sagas, _| async move { sagas.compensate(saga, None, "given up").await.unwrap() }).await;
    stage.becomes(id, OrderStatus::Cancelled).await;
    stage.proven().await;
}

#[tokio::test]
async fn a_refund_that_the_provider_refuses_is_given_up_or_booked_by_a_person() {
    for how in [None, Some(Resolution::Compensated)] {
        let stage = Stage::set().await;
        let item = stage.item(PRICE, 5).await;
        let store = stage.instance(QUICK).await;
        let (id, _) = store.buy(chassis::fresh_id(), item, "tok_approve", LIMIT).await;
        stage.provider.fail(Op::Cancel, Fault::Refused);
        store.refund(id, Some(1000), Duration::ZERO).await.unwrap();
        let saga: uuid::Uuid = sqlx::query_scalar("select id from saga where kind = 'REFUND'")
            .fetch_one(&stage.db.pool())
            .await
            .unwrap();
        let saga = SagaId::from_uuid(saga);
        stage.reaches(saga, SagaState::Stuck).await;
        // What may still go back is not given back a second time.
        assert!(matches!(store.refund(id, Some(PRICE), LIMIT).await, Err(Error::OrderState)));
        match how {
            None => store
                .run(move |sagas, _| async move { sagas.compensate(saga, None, "given up").await.unwrap() })
                .await,
            Some(how) => resolve(&store, saga, how).await.unwrap(),
        }
        assert_eq!(stage.order(id).await.payment.unwrap().status, PaymentStatus::Captured);
        stage.provider.heal();
        store.refund(id, None, LIMIT).await.unwrap();
        assert_eq!(stage.order(id).await.status, OrderStatus::Refunded);
        stage.proven().await;
    }
}
