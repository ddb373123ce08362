//! Deliveries and losses, and being told that an item is about to sell out.

use contract::id::ItemId;
use contract::store::{Item, kind};
use futures_util::future::join_all;
use http::StatusCode;
use serde_json::json;
use uuid::Uuid;

use super::shelf::{IDEMPOTENCY_KEY, PATH, Shelf, path};

/// Kind, change of what there is and of what is available, who, and why.
type Booked = (String, i64, i64, Option<Uuid>, Option<String>);

/// What is in stock, and what the ledger says there should be.
async fn balance(shelf: &Shelf, id: ItemId) -> ((i64, i64), (i64, i64)) {
    let row: (i64, i64, i64, i64) = sqlx::query_as(
        "select initial, available, coalesce(sum(initial_delta), 0)::bigint, coalesce(sum(available_delta), 0)::bigint
         from stock left join stock_ledger using (item_id)
         where item_id = $1
         group by item_id",
    )
    .bind(id.as_uuid())
    .fetch_one(&shelf.db)
    .await
    .unwrap();
    ((row.0, row.1), (row.2, row.3))
}

#[tokio::test]
async fn an_adjustment_is_booked_with_who_did_it_and_why() {
    let shelf = Shelf::new().await;
    let item = shelf.add("NOTE-1", json!({})).await;
    let first = shelf.adjust(item.id, "a", 10).send().await.expect(StatusCode::OK);
    assert_eq!(first.header("etag"), Some("\"1-10\""));
    assert_eq!(first.parsed::<Item>(), Item { stock: 10, ..item.clone() });
    let body = json!({ "delta": -3, "reason": " 파손 " });
    let stock = format!("{}/stock", path(&item));
    let less = shelf.admin.post(&stock, &body).header(IDEMPOTENCY_KEY, "b").send().await;
    assert_eq!(less.expect(StatusCode::OK).json()["stock"], 7);
    let rows = sqlx::query_as::<_, Booked>(
        "select kind, initial_delta, available_delta, actor_id, reason from stock_ledger where item_id = $1 order by id",
    )
    .bind(item.id.as_uuid())
    .fetch_all(&shelf.db)
    .await
    .unwrap();
    let admin = Some(shelf.admin.id.as_uuid());
    let row = |delta, reason: &str| ("ADJUST".to_owned(), delta, delta, admin, Some(reason.to_owned()));
    assert_eq!(rows, [row(10, "입고"), row(-3, "파손")]);
}

#[tokio::test]
async fn no_more_is_taken_away_than_there_is() {
    let shelf = Shelf::new().await;
    let item = shelf.add("NOTE-1", json!({})).await;
    let _ = shelf.adjust(item.id, "a", 5).send().await.expect(StatusCode::OK);
    // Somebody is buying two.
    sqlx::query("update stock set available = 3, held = 2").execute(&shelf.db).await.unwrap();
    let refused = shelf.adjust(item.id, "b", -4).send().await.expect(StatusCode::CONFLICT);
    assert_eq!(refused.json()["errorCode"], "S002");
    // The refusal had no effect, so the same request may succeed later.
    let _ = shelf.adjust(item.id, "c", 1).send().await.expect(StatusCode::OK);
    let taken = shelf.adjust(item.id, "b", -4).send().await.expect(StatusCode::OK);
    assert_eq!((taken.header("idempotency-replayed"), &taken.json()["stock"]), (None, &json!(0)));
}

#[tokio::test]
async fn an_adjustment_happens_once_for_its_key() {
    let shelf = Shelf::new().await;
    let item = shelf.add("NOTE-1", json!({})).await;
    let first = shelf.adjust(item.id, "a", 5).send().await.expect(StatusCode::OK);
    let again = shelf.adjust(item.id, "a", 5).send().await.expect(StatusCode::OK);
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!((again.text(), again.header("etag")), (first.text(), first.header("etag")));
    let other = shelf.adjust(item.id, "a", 6).send().await;
    let _ = other.expect(StatusCode::UNPROCESSABLE_ENTITY);
    let same = join_all((0..8).map(|_| shelf.adjust(item.id, "b", 1).send())).await;
    assert!(same.iter().all(|answer| answer.status == StatusCode::OK));
    assert_eq!(balance(&shelf, item.id).await, ((6, 6), (6, 6)));
    let body = json!({ "delta": 1, "reason": "입고" });
    let stock = format!("{}/stock", path(&item));
    let _ = shelf.admin.post(&stock, &body).send().await.expect(StatusCode::BAD_REQUEST);
    for body in [
        json!({ "delta": 0, "reason": "입고" }),
        json!({ "delta": 1, "reason": "" }),
        json!({ "delta": 1_000_001, "reason": "입고" }),
        json!({ "delta": 1.5, "reason": "입고" }),
        json!({ "delta": 1, "reason": "입고", "actor": "x" }),
    ] {
        let wrong = shelf.admin.post(&stock, &body).header(IDEMPOTENCY_KEY, "c").send().await;
        let _ = wrong.expect(StatusCode::BAD_REQUEST);
    }
    let nobody = format!("{PATH}/{}/stock", Uuid::now_v7());
    let missing = shelf.admin.post(&nobody, &body).header(IDEMPOTENCY_KEY, "c").send().await;
    assert_eq!(missing.expect(StatusCode::NOT_FOUND).json()["errorCode"], "S001");
}

#[tokio::test]
async fn adjustments_at_the_same_time_leave_a_ledger_that_agrees_with_the_stock() {
    let shelf = Shelf::new().await;
    let item = shelf.add("NOTE-1", json!({})).await;
    let _ = shelf.adjust(item.id, "first", 20).send().await.expect(StatusCode::OK);
    let answers = join_all((0..40_i64).map(|n| {
        let delta = if n % 2 == 0 { -3 } else { 2 };
        let request = shelf.adjust(item.id, &format!("k{n}"), delta);
        async move { (delta, request.send().await.status) }
    }))
    .await;
    let mut expected = 20;
    for (delta, status) in answers {
        match status {
            StatusCode::OK => expected += delta,
            StatusCode::CONFLICT => assert!(delta < 0),
            other => panic!("{other}"),
        }
    }
    let there = (expected, expected);
    assert_eq!(balance(&shelf, item.id).await, (there, there));
    assert!(expected >= 0);
}

#[tokio::test]
async fn an_item_is_said_to_run_low_once_each_time_it_gets_there() {
    let shelf = Shelf::with(&[("DORAN_STORE_LOW_STOCK", "3")]).await;
    let item = shelf.add("NOTE-1", json!({})).await;
    for (n, delta) in [5, -1, -1, -1, -2, 4, -1, -3].into_iter().enumerate() {
        let _ = shelf.adjust(item.id, &format!("k{n}"), delta).send().await.expect(StatusCode::OK);
    }
    // 5 4 [3] 2 0 4 [3] 0
    let low = |n: i64, available: i64| {
        (n, json!({ "itemId": item.id, "sku": "NOTE-1", "available": available, "threshold": 3 }))
    };
    assert_eq!(shelf.events(kind::STOCK_LOW, item.id).await, [low(1, 3), low(2, 3)]);
}

#[tokio::test]
async fn many_who_take_at_once_cross_the_threshold_once() {
    let shelf = Shelf::new().await;
    let item = shelf.add("NOTE-1", json!({})).await;
    let _ = shelf.adjust(item.id, "first", 12).send().await.expect(StatusCode::OK);
    let taken = join_all((0..12).map(|n| shelf.adjust(item.id, &format!("k{n}"), -1).send())).await;
    assert!(taken.iter().all(|answer| answer.status == StatusCode::OK));
    let told = shelf.events(kind::STOCK_LOW, item.id).await;
    assert_eq!(told.len(), 1);
    assert_eq!((told[0].0, &told[0].1["available"]), (1, &json!(5)));
}

#[tokio::test]
async fn nothing_is_said_when_the_threshold_is_off() {
    let shelf = Shelf::with(&[("DORAN_STORE_LOW_STOCK", "0")]).await;
    let item = shelf.add("NOTE-1", json!({})).await;
    let _ = shelf.adjust(item.id, "a", 1).send().await.expect(StatusCode::OK);
    let _ = shelf.adjust(item.id, "b", -1).send().await.expect(StatusCode::OK);
    assert_eq!(shelf.events(kind::STOCK_LOW, item.id).await, []);
}
