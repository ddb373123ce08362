//! Many buyers, few pieces.

use std::sync::Arc;
use std::time::Duration;

use contract::store::{FailureCode, OrderStatus};
use store::saga::Settings;
use store::stock_low::Threshold;
use tokio::task::JoinSet;

use super::stage::{LIMIT, PRICE, QUICK, Stage};

const PATIENCE: Duration = Duration::from_mins(1);

#[tokio::test]
async fn the_last_ten_pieces_are_sold_to_ten_of_a_hundred_buyers() {
    let stage = Stage::set().await;
    let item = stage.item(PRICE, 10).await;
    let stores = [stage.instance(QUICK).await, stage.instance(QUICK).await].map(Arc::new);
    let mut buyers = JoinSet::new();
    for n in 0..100 {
        let store = stores[n % 2].clone();
        buyers.spawn(async move { store.buy(chassis::fresh_id(), item, "tok_approve", PATIENCE).await.0 });
    }
    let mut sold = 0;
    for id in buyers.join_all().await {
        let order = stage.order(id).await;
        match order.status {
            OrderStatus::Confirmed => sold += 1,
            _ => assert_eq!(order.failure_code, Some(FailureCode::OutOfStock), "{order:?}"),
        }
    }
    assert_eq!((sold, stage.stock(item).await), (10, (0, 0, 10)));
    stage.proven().await;
}

/// The same two items, named in either order, so that locks taken in the order of the lines would wait for each other.
#[tokio::test]
async fn orders_for_the_same_items_in_another_order_do_not_hold_each_other_up() {
    let stage = Stage::set().await;
    let (one, other) = (stage.item(PRICE, 30).await, stage.item(PRICE, 12).await);
    let store = Arc::new(stage.instance(QUICK).await);
    let mut buyers = JoinSet::new();
    for n in 0..40 {
        let store = store.clone();
        let lines = if n % 2 == 0 { [(one, 1), (other, 1)] } else { [(other, 1), (one, 1)] };
        let token = if n % 5 == 0 { "tok_decline" } else { "tok_approve" };
        buyers.spawn(async move { store.place(chassis::fresh_id(), &lines, token, LIMIT).await.0 });
    }
    let placed = buyers.join_all().await;
    assert_eq!(placed.len(), 40);
    stage.proven().await;
    let ((_, held, sold), (_, _, other_sold)) = (stage.stock(one).await, stage.stock(other).await);
    assert_eq!((held, sold), (0, other_sold), "both or none");
    assert!(sold <= 12);
}

#[tokio::test]
async fn an_order_that_makes_an_item_scarce_says_so_once() {
    let stage = Stage::set().await;
    let item = stage.item(PRICE, 7).await;
    let store = stage.instance(Settings { low_stock: Threshold(5), ..QUICK }).await;
    for _ in 0..4 {
        store.buy(chassis::fresh_id(), item, "tok_approve", LIMIT).await;
    }
    let told: Vec<i64> = sqlx::query_scalar(
        "select (payload ->> 'available')::bigint from outbox where event_type like '%stock-low%'",
    )
    .fetch_all(&stage.db.pool())
    .await
    .unwrap();
    assert_eq!(told, [5]);
    stage.proven().await;
}
