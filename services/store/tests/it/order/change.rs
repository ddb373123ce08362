//! Cancelling, refunding, shipping and delivering.

use chassis::idempotency::HEADER as KEY;
use contract::store::{Order, OrderStatus, PaymentStatus};
use http::StatusCode;
use serde_json::{Value, json};
use testkit::TestResponse;

use super::shop::{Person, Shop, path};

impl Shop {
    async fn cancel(&self, by: &Person, order: &Order) -> TestResponse {
        self.post(by, &path(order, "/cancel")).send().await
    }

    async fn refund(&self, by: &Person, order: &Order, body: &Value) -> TestResponse {
        self.post(by, &path(order, "/refund")).json(body).send().await
    }
}

fn refused(answer: &TestResponse) {
    assert_eq!(answer.status, StatusCode::CONFLICT, "{}", answer.text());
    assert_eq!(answer.json()["errorCode"], "S003");
}

#[tokio::test]
async fn an_order_that_is_cancelled_gives_back_money_and_goods() {
    let shop = Shop::open().await;
    let (user, item) = (shop.somebody(), shop.item(5).await);
    let order = shop.paid(&user, item, 2).await;
    let cancel = path(&order, "/cancel");
    let first = shop.post(&user, &cancel).header(KEY, "k").send().await.expect(StatusCode::OK);
    let cancelled: Order = first.parsed();
    assert_eq!(cancelled.status, OrderStatus::Cancelled);
    let payment = cancelled.payment.unwrap();
    assert_eq!((payment.status, payment.refunded_amount), (PaymentStatus::Refunded, 2000));
    assert_eq!(shop.stock(item).await, (5, 0, 0));

    let again = shop.post(&user, &cancel).header(KEY, "k").send().await.expect(StatusCode::OK);
    assert_eq!((again.header("idempotency-replayed"), &again.body), (Some("true"), &first.body));
    refused(&shop.cancel(&user, &order).await);
    let other = shop.paid(&user, item, 1).await;
    let reused = shop.post(&user, &path(&other, "/cancel")).header(KEY, "k").send().await;
    assert_eq!(reused.status, StatusCode::UNPROCESSABLE_ENTITY, "the key belongs to another order");
}

#[tokio::test]
async fn only_the_owner_cancels_with_a_key_and_until_it_is_shipped() {
    let shop = Shop::open().await;
    let (user, admin) = (shop.somebody(), shop.admin());
    let order = shop.paid(&user, shop.item(5).await, 1).await;
    for other in [&shop.somebody(), &admin] {
        let refused = shop.cancel(other, &order).await.expect(StatusCode::FORBIDDEN);
        assert_eq!(refused.json()["errorCode"], "A003");
    }
    let cancel = path(&order, "/cancel");
    let unkeyed = shop.post(&user, &cancel).header(KEY, "").send().await.expect(StatusCode::BAD_REQUEST);
    assert_eq!(unkeyed.json()["errorCode"], "E002");
    let none = shop.post(&user, &format!("/api/store/orders/{}/cancel", user.id)).send().await;
    assert_eq!(none.status, StatusCode::NOT_FOUND);
    let _ = shop.post(&admin, &path(&order, "/ship")).send().await.expect(StatusCode::OK);
    refused(&shop.cancel(&user, &order).await);
    assert_eq!(shop.read(&user, &order).await.status, OrderStatus::Shipped);
}

#[tokio::test]
async fn money_goes_back_in_parts_and_never_more_than_was_paid() {
    let shop = Shop::open().await;
    let (user, admin, item) = (shop.somebody(), shop.admin(), shop.item(5).await);
    let order = shop.paid(&user, item, 2).await;
    let part: Order = shop
        .refund(&admin, &order, &json!({ "amount": 500, "reason": "흠집" }))
        .await
        .expect(StatusCode::OK)
        .parsed();
    let payment = part.payment.unwrap();
    assert_eq!((payment.status, payment.refunded_amount), (PaymentStatus::PartiallyRefunded, 500));
    assert_eq!(part.status, OrderStatus::Confirmed);
    refused(&shop.refund(&admin, &order, &json!({ "amount": 1501, "reason": "too much" })).await);
    let rest: Order =
        shop.refund(&admin, &order, &json!({ "reason": "all" })).await.expect(StatusCode::OK).parsed();
    let payment = rest.payment.unwrap();
    assert_eq!((payment.status, payment.refunded_amount), (PaymentStatus::Refunded, 2000));
    assert_eq!(rest.status, OrderStatus::Refunded);
    refused(&shop.refund(&admin, &order, &json!({ "reason": "once more" })).await);
    assert_eq!(shop.stock(item).await, (3, 0, 2), "the goods are not back");
}

#[tokio::test]
async fn a_refund_that_comes_again_gives_back_once() {
    let shop = Shop::open().await;
    let (user, admin) = (shop.somebody(), shop.admin());
    let order = shop.paid(&user, shop.item(5).await, 2).await;
    let refund =
        |body: Value| shop.post(&admin, &path(&order, "/refund")).header(KEY, "k").json(&body).send();
    let first = refund(json!({ "amount": 500, "reason": "r" })).await.expect(StatusCode::OK);
    let again = refund(json!({ "amount": 500, "reason": "r" })).await.expect(StatusCode::OK);
    assert_eq!((again.header("idempotency-replayed"), &again.body), (Some("true"), &first.body));
    let other = refund(json!({ "amount": 600, "reason": "r" })).await;
    assert_eq!(other.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(shop.read(&user, &order).await.payment.unwrap().refunded_amount, 500);
}

#[tokio::test]
async fn refunds_shipping_and_delivery_are_for_administrators() {
    let shop = Shop::open().await;
    let (user, admin) = (shop.somebody(), shop.admin());
    let order = shop.paid(&user, shop.item(5).await, 1).await;
    let body = json!({ "reason": "because" });
    for below in ["/refund", "/ship", "/deliver"] {
        let refused = shop.post(&user, &path(&order, below)).json(&body).send().await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{below}");
        let none =
            shop.post(&admin, &format!("/api/store/orders/{}{below}", user.id)).json(&body).send().await;
        assert_eq!(none.status, StatusCode::NOT_FOUND, "{below}");
    }
    for body in [
        json!({}),
        json!({ "reason": "" }),
        json!({ "reason": "r", "amount": 0 }),
        json!({ "reason": "r", "by": 1 }),
    ] {
        let refused = shop.refund(&admin, &order, &body).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{body}");
    }
    let unkeyed = shop.post(&admin, &path(&order, "/refund")).header(KEY, "").json(&body).send().await;
    assert_eq!(unkeyed.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn an_order_is_shipped_then_delivered() {
    let shop = Shop::open().await;
    let (user, admin) = (shop.somebody(), shop.admin());
    let order = shop.paid(&user, shop.item(5).await, 1).await;
    let step = |below: &str| shop.post(&admin, &path(&order, below)).send();
    refused(&step("/deliver").await);
    let shipped: Order = step("/ship").await.expect(StatusCode::OK).parsed();
    assert_eq!(shipped.status, OrderStatus::Shipped);
    refused(&step("/ship").await);
    let delivered: Order = step("/deliver").await.expect(StatusCode::OK).parsed();
    assert_eq!(delivered.status, OrderStatus::Delivered);
    refused(&step("/deliver").await);
}
