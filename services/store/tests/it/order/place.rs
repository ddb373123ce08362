//! Placing orders.

use std::time::Duration;

use chassis::idempotency::HEADER as KEY;
use contract::id::{ItemId, PaymentId};
use contract::store::{FailureCode, Order, OrderStatus, PaymentStatus};
use futures_util::future::join_all;
use http::StatusCode;
use serde_json::{Value, json};
use testkit::{TestResponse, eventually};

use super::shop::{Person, Shop, path, wanted};

const ORDERS: &str = "/api/store/orders";
const LIMIT: Duration = Duration::from_secs(30);

impl Shop {
    async fn place(&self, by: &Person, key: &str, body: &Value) -> TestResponse {
        self.post(by, ORDERS).header(KEY, key).json(body).send().await
    }
}

#[tokio::test]
async fn an_order_that_is_paid_for_is_confirmed_and_its_goods_are_sold() {
    let shop = Shop::open().await;
    let (user, item) = (shop.somebody(), shop.item(5).await);
    let answer = shop.order(&user, item, 2, "tok_approve").await.expect(StatusCode::CREATED);
    let order: Order = answer.parsed();
    assert_eq!(answer.header("location"), Some(&*path(&order, "")));
    assert_eq!(answer.header("idempotency-replayed"), None);
    assert_eq!((order.status, order.total_amount, order.failure_code), (OrderStatus::Confirmed, 2000, None));
    assert_eq!((order.items[0].unit_price, order.items[0].quantity), (1000, 2));
    let payment = order.payment.as_ref().unwrap();
    assert_eq!((payment.status, payment.amount, &*payment.method), (PaymentStatus::Captured, 2000, "card"));
    assert_eq!(shop.stock(item).await, (3, 0, 2));
    assert_eq!(shop.read(&user, &order).await, order);
}

#[tokio::test]
async fn a_payment_that_the_provider_knows_already_keeps_its_id_and_pays_once() {
    let shop = Shop::open().await;
    let (user, item) = (shop.somebody(), shop.item(5).await);
    let id: PaymentId = chassis::fresh_id();
    let mut body = wanted(item, 1, "tok_approve");
    body["payment"]["id"] = id.to_string().into();
    let order: Order = shop.place(&user, "a", &body).await.expect(StatusCode::CREATED).parsed();
    assert_eq!(order.payment.unwrap().id, id);
    for (by, key) in [(&user, "b"), (&shop.somebody(), "c")] {
        let refused = shop.place(by, key, &body).await.expect(StatusCode::CONFLICT);
        assert_eq!(refused.json()["errorCode"], "E002");
    }
    assert_eq!(shop.stock(item).await, (4, 0, 1), "what is refused holds nothing");
}

#[tokio::test]
async fn what_comes_to_nothing_is_answered_when_it_is_undone() {
    let shop = Shop::open().await;
    let (user, item) = (shop.somebody(), shop.item(5).await);
    let declined: Order =
        shop.order(&user, item, 2, "tok_decline").await.expect(StatusCode::CREATED).parsed();
    assert_eq!(declined.status, OrderStatus::Failed);
    assert_eq!(declined.failure_code, Some(FailureCode::PaymentDeclined));
    assert_eq!(declined.payment.unwrap().status, PaymentStatus::Declined);
    let too_many = shop.order(&user, item, 6, "tok_approve").await.expect(StatusCode::CREATED);
    assert_eq!(too_many.header("location").map(|place| place.starts_with(ORDERS)), Some(true));
    let too_many: Order = too_many.parsed();
    assert_eq!(too_many.status, OrderStatus::Failed);
    assert_eq!(too_many.failure_code, Some(FailureCode::OutOfStock));
    assert_eq!(too_many.payment, None);
    assert_eq!(shop.stock(item).await, (5, 0, 0));
}

#[tokio::test]
async fn what_is_no_order_is_refused_and_leaves_the_key_free() {
    let shop = Shop::open().await;
    let (user, item) = (shop.somebody(), shop.item(100).await);
    let dollars = shop.item_of(10, 5, "USD").await;
    let dear = shop.item_of(1000, i64::MAX / 2, "KRW").await;
    let good = wanted(item, 1, "tok_approve");
    let with = |pointer: &str, value: Value| {
        let mut body = good.clone();
        *body.pointer_mut(pointer).unwrap() = value;
        body
    };
    let extra = |key: &str, value: Value| {
        let mut body = good.clone();
        body[key] = value;
        body
    };
    let line = |item: ItemId, quantity: i32| json!({ "itemId": item, "quantity": quantity });
    for (body, code) in [
        (with("/items", json!([])), "E003"),
        (with("/items", json!([line(item, 1), line(item, 2)])), "E003"),
        (with("/items/0/quantity", json!(0)), "E003"),
        (with("/items/0/quantity", json!(1001)), "E003"),
        (with("/items/0/quantity", json!(1.5)), "E002"),
        (with("/items", json!(vec![line(item, 1); 51])), "E003"),
        (with("/items", json!([line(item, 1), line(dollars, 1)])), "E003"),
        (with("/items", json!([line(dear, 3)])), "E003"),
        (with("/payment/token", json!("")), "E003"),
        (with("/payment/method", json!("x".repeat(51))), "E003"),
        // What only the store decides.
        (extra("status", json!("CONFIRMED")), "E002"),
        (extra("totalAmount", json!(1)), "E002"),
        (extra("userId", json!(user.id)), "E002"),
        (with("/items/0", json!({ "itemId": item, "quantity": 1, "unitPrice": 1 })), "E002"),
        (with("/payment", json!({ "method": "card", "token": "t", "status": "CAPTURED" })), "E002"),
    ] {
        let answer = shop.place(&user, "k", &body).await.expect(StatusCode::BAD_REQUEST);
        assert_eq!(answer.json()["errorCode"], code, "{body} {}", answer.text());
    }
    assert_eq!(shop.count(r#"select count(*) from "order""#).await, 0);
    let _ = shop.place(&user, "k", &good).await.expect(StatusCode::CREATED);
}

#[tokio::test]
async fn only_what_is_for_sale_can_be_ordered_by_somebody_with_a_key() {
    let shop = Shop::open().await;
    let (user, item) = (shop.somebody(), shop.item(5).await);
    let unknown =
        shop.order(&user, chassis::fresh_id(), 1, "tok_approve").await.expect(StatusCode::NOT_FOUND);
    assert_eq!(unknown.json()["errorCode"], "S001");
    sqlx::query("update store_item set status = 'INACTIVE'").execute(&shop.db).await.unwrap();
    let inactive = shop.order(&user, item, 1, "tok_approve").await.expect(StatusCode::NOT_FOUND);
    assert_eq!(inactive.json()["errorCode"], "S001");
    let body = wanted(item, 1, "tok_approve");
    let keyless = shop.app.post(ORDERS).json(&body).send().await.expect(StatusCode::UNAUTHORIZED);
    assert_eq!(keyless.json()["errorCode"], "A002");
    let request = shop.post(&user, ORDERS).header(KEY, "two words").json(&body);
    assert_eq!(request.send().await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn fifty_connections_with_one_key_make_one_order() {
    let shop = Shop::open().await;
    let (user, item) = (shop.somebody(), shop.item(100).await);
    let body = wanted(item, 1, "tok_approve");
    let answers = join_all((0..50).map(|_| shop.place(&user, "k", &body))).await;
    let done: Vec<_> = answers.iter().filter(|answer| answer.status == StatusCode::CREATED).collect();
    for answer in &answers {
        let waits = answer.status == StatusCode::CONFLICT && answer.header("retry-after") == Some("1");
        assert!(waits || answer.status == StatusCode::CREATED, "{} {}", answer.status, answer.text());
    }
    assert!(done.iter().all(|answer| answer.body == done[0].body), "all of them get the same answer");
    assert_eq!(shop.count(r#"select count(*) from "order""#).await, 1);
    assert_eq!(shop.stock(item).await, (99, 0, 1));
}

#[tokio::test]
async fn an_order_that_comes_again_is_answered_as_it_was() {
    let shop = Shop::open().await;
    let (user, item) = (shop.somebody(), shop.item(5).await);
    let body = wanted(item, 1, "tok_approve");
    let first = shop.place(&user, "k", &body).await.expect(StatusCode::CREATED);
    let again = shop.place(&user, "k", &body).await.expect(StatusCode::CREATED);
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!(again.header("location"), first.header("location"));
    assert_eq!(again.body, first.body);
    let other = shop.place(&user, "k", &wanted(item, 2, "tok_approve")).await;
    assert_eq!(other.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", other.text());
    let stranger = shop.place(&shop.somebody(), "k", &body).await.expect(StatusCode::CREATED);
    assert_eq!(stranger.header("idempotency-replayed"), None, "keys of strangers never meet");
    assert_eq!(shop.stock(item).await, (3, 0, 2));
}

#[tokio::test]
async fn an_order_whose_payment_takes_long_is_answered_before_its_end() {
    let shop = Shop::open().await;
    let (user, item) = (shop.somebody(), shop.item(5).await);
    let body = wanted(item, 1, "tok_slow");
    let begun = shop.place(&user, "k", &body).await.expect(StatusCode::ACCEPTED);
    let order: Order = begun.parsed();
    assert_eq!(order.status, OrderStatus::Pending);
    assert_eq!(begun.header("location"), Some(&*path(&order, "")));
    let confirmed = eventually(LIMIT, || async {
        let order = shop.read(&user, &order).await;
        (order.status == OrderStatus::Confirmed).then_some(order)
    });
    assert_eq!(confirmed.await.id, order.id);
    let again = shop.place(&user, "k", &body).await.expect(StatusCode::ACCEPTED);
    assert_eq!((again.header("idempotency-replayed"), &again.body), (Some("true"), &begun.body));
    assert_eq!(shop.count(r#"select count(*) from "order""#).await, 1);
}

#[tokio::test]
async fn an_answer_of_the_provider_that_is_lost_is_asked_for() {
    let shop = Shop::open().await;
    let (user, item) = (shop.somebody(), shop.item(5).await);
    let answer = shop.order(&user, item, 1, "tok_lost_answer").await;
    let order: Order = answer.parsed();
    eventually(LIMIT, || async {
        let order = shop.read(&user, &order).await;
        order.payment.is_some_and(|payment| payment.status == PaymentStatus::Captured)
    })
    .await;
    assert_eq!(shop.stock(item).await, (4, 0, 1));
}
