//! Processes that die, and processes that only seemed to.

use std::time::Duration;

use contract::store::{OrderStatus, SagaState};
use store::saga::Settings;
use testkit::eventually;

use super::provider::Op;
use super::stage::{LIMIT, PRICE, QUICK, Stage};

/// Short, so that a test can outlive it.
const SHORT: Settings = Settings { lease: Duration::from_millis(400), ..QUICK };

#[tokio::test]
async fn what_a_killed_process_has_begun_is_ended_by_another() {
    for op in [Op::Authorise, Op::Capture] {
        let stage = Stage::set().await;
        let item = stage.item(PRICE, 5).await;
        let mut doomed = stage.instance(SHORT).await;
        stage.provider.hold(op);
        let (id, _) = doomed.buy(chassis::fresh_id(), item, "tok_approve", Duration::ZERO).await;
        eventually(LIMIT, || async { stage.provider.asked(op) == 1 }).await;
        doomed.kill();
        stage.provider.let_go();
        let _heir = stage.instance(SHORT).await;
        stage.becomes(id, OrderStatus::Confirmed).await;
        stage.proven().await;
        assert_eq!(stage.stock(item).await, (4, 0, 1), "{op:?}");
    }
}

/// Nothing was asked yet: the process died right after the order was stored.
#[tokio::test]
async fn an_order_whose_process_died_before_it_asked_anybody_goes_on() {
    let stage = Stage::set().await;
    let item = stage.item(PRICE, 5).await;
    let mut doomed = stage.instance(SHORT).await;
    let lines = vec![store::saga::Line { item, quantity: 1 }];
    let id = doomed
        .run(move |sagas, db| async move {
            let (method, token) = ("card".to_owned(), "tok_approve".to_owned());
            let new = store::saga::NewOrder {
                user: chassis::fresh_id(),
                lines,
                method,
                token,
                payment: None,
                answer: None,
            };
            let mut tx = db.begin().await.unwrap();
            let begun = sagas.place(&mut tx, new).await.unwrap();
            tx.commit().await.unwrap();
            begun.order
        })
        .await;
    doomed.kill();
    assert_eq!(stage.order(id).await.status, OrderStatus::Pending);
    let _heir = stage.instance(SHORT).await;
    stage.becomes(id, OrderStatus::Confirmed).await;
    stage.proven().await;
}

/// The first process hears of the authorisation only when the second has ended the order.
#[tokio::test]
async fn a_process_that_was_paused_beyond_its_lease_writes_nothing_when_it_comes_back() {
    let stage = Stage::set().await;
    let item = stage.item(PRICE, 5).await;
    let zombie = stage.instance(Settings { poll: Duration::from_mins(10), ..SHORT }).await;
    stage.provider.hold(Op::Authorise);
    let (id, _) = zombie.buy(chassis::fresh_id(), item, "tok_approve", Duration::ZERO).await;
    eventually(LIMIT, || async { stage.provider.asked(Op::Authorise) == 1 }).await;
    let heir = stage.instance(SHORT).await;
    // It finds what the first one had booked.
    stage.becomes(id, OrderStatus::Confirmed).await;
    stage.proven().await;
    let before = stage.order(id).await;
    let user = chassis::fresh_id();
    assert!(heir.cancel(id, user, LIMIT).await.is_err(), "somebody else's");
    stage.provider.let_go();
    let saga = stage.saga_of(id).await;
    // Whatever it tries next it does after its attempt to write.
    let (other, _) = zombie.buy(user, item, "tok_approve", LIMIT).await;
    assert_eq!(stage.order(other).await.status, OrderStatus::Confirmed);
    assert_eq!(stage.order(id).await, before);
    assert_eq!(stage.state_of(saga).await, SagaState::Completed);
    assert_eq!(stage.stock(item).await, (3, 0, 2));
    stage.proven().await;
}

#[tokio::test]
async fn a_sweep_takes_up_what_is_due_and_says_what_came_of_it() {
    let stage = Stage::set().await;
    let item = stage.item(PRICE, 5).await;
    let idle = Settings { poll: Duration::from_mins(10), ..SHORT };
    let mut doomed = stage.instance(idle).await;
    let sweeper = stage.instance(idle).await;
    stage.provider.hold(Op::Capture);
    let (id, _) = doomed.buy(chassis::fresh_id(), item, "tok_approve", Duration::ZERO).await;
    eventually(LIMIT, || async { stage.provider.asked(Op::Capture) == 1 }).await;
    doomed.kill();
    stage.provider.let_go();
    let swept = eventually(LIMIT, || async {
        let swept = sweeper.run(|sagas, _| async move { sagas.sweep(10).await.unwrap() }).await;
        if swept.taken > 0 { Ok(swept) } else { Err(swept) }
    })
    .await;
    assert_eq!((swept.taken, swept.finished), (1, 1));
    assert_eq!(stage.order(id).await.status, OrderStatus::Confirmed);
    stage.proven().await;
}
