//! What administrators and the operator do about sagas.

use chassis::idempotency::HEADER as KEY;
use contract::id::SagaId;
use contract::store::maintenance::{SagaList, path as internal};
use contract::store::{FailureCode, Order, OrderChange, OrderStatus, PaymentStatus, SagaState, SagaView};
use http::StatusCode;
use serde_json::json;
use testkit::{TestRequest, eventually};

use super::shop::{Person, Shop, path};

const SAGAS: &str = "/api/store/sagas";
const LIMIT: std::time::Duration = std::time::Duration::from_secs(30);

impl Shop {
    async fn sagas(&self, by: &Person, query: &str) -> SagaList {
        self.get(by, &format!("{SAGAS}?{query}")).send().await.expect(StatusCode::OK).parsed()
    }

    /// An order that the provider does not answer about, and its saga.
    async fn hanging(&self, by: &Person) -> (Order, SagaId) {
        let item = self.item(5).await;
        let order: Order = self.order(by, item, 1, "tok_down").await.expect(StatusCode::ACCEPTED).parsed();
        let saga = self.sagas(&self.admin(), "state=running").await.items.remove(0);
        assert_eq!(saga.order_id, order.id);
        (order, saga.id)
    }

    /// As if the provider had refused.
    async fn stick(&self, saga: SagaId) {
        sqlx::query(
            "update saga
             set state = 'STUCK', fence = fence + 1, lease_owner = null, lease_until = null, last_error = 'refused'
             where id = $1",
        )
        .bind(saga.as_uuid())
        .execute(&self.db)
        .await
        .unwrap();
    }

    async fn noted(&self, order: &Order, kind: &str) -> OrderChange {
        let request = self.get(&self.admin(), &path(order, "/history"));
        let changes: Vec<OrderChange> = request.send().await.expect(StatusCode::OK).parsed();
        changes.into_iter().find(|change| change.kind == kind).unwrap()
    }
}

fn step(saga: SagaId, what: &str) -> String {
    format!("{SAGAS}/{saga}/{what}")
}

async fn view(request: TestRequest) -> SagaView {
    request.send().await.expect(StatusCode::OK).parsed()
}

#[tokio::test]
async fn sagas_are_listed_by_state_and_page_by_page() {
    let shop = Shop::open().await;
    let (user, admin, item) = (shop.somebody(), shop.admin(), shop.item(9).await);
    for _ in 0..3 {
        shop.paid(&user, item, 1).await;
    }
    let (_, hanging) = shop.hanging(&user).await;
    let all = shop.sagas(&admin, "").await;
    assert_eq!((all.items.len(), &all.next_cursor, all.items[0].id), (4, &None, hanging));
    let first = shop.sagas(&admin, "state=COMPLETED&size=2").await;
    let second =
        shop.sagas(&admin, &format!("state=completed&size=2&cursor={}", first.next_cursor.unwrap())).await;
    assert_eq!((first.items.len(), second.items.len(), second.next_cursor), (2, 1, None));
    assert_eq!(shop.sagas(&admin, "state=stuck").await.items, []);
    sqlx::query("update saga set attempt = 10 where id = $1")
        .bind(hanging.as_uuid())
        .execute(&shop.db)
        .await
        .unwrap();
    let tried_long = shop.sagas(&admin, "state=stuck").await;
    assert_eq!(tried_long.items.len(), 1, "it goes on, but somebody should look");
    shop.stick(hanging).await;
    assert_eq!(shop.sagas(&admin, "state=stuck").await.items[0].state, SagaState::Stuck);
    for query in ["state=sticky", "cursor=nonsense"] {
        let refused = shop.get(&admin, &format!("{SAGAS}?{query}")).send().await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{query}");
    }
}

#[tokio::test]
async fn only_administrators_and_the_operator_step_in_and_say_why() {
    let shop = Shop::open().await;
    let (user, admin) = (shop.somebody(), shop.admin());
    let (_, saga) = shop.hanging(&user).await;
    let resolve = json!({ "as": "COMPLETED", "reason": "r" });
    for (what, body) in
        [("retry", json!({ "reason": "r" })), ("compensate", json!({ "reason": "r" })), ("resolve", resolve)]
    {
        let public = step(saga, what);
        let inside = format!("{}/{saga}/{what}", internal::SAGAS);
        assert_eq!(shop.post(&user, &public).json(&body).send().await.status, StatusCode::FORBIDDEN);
        assert_eq!(shop.app.post(&public).json(&body).send().await.status, StatusCode::UNAUTHORIZED);
        assert_eq!(shop.post_as("batch", &inside).json(&body).send().await.status, StatusCode::FORBIDDEN);
        assert_eq!(shop.post(&admin, &inside).json(&body).send().await.status, StatusCode::UNAUTHORIZED);
        let none =
            shop.post(&admin, &step(SagaId::from_uuid(user.id.as_uuid()), what)).json(&body).send().await;
        assert_eq!(none.status, StatusCode::NOT_FOUND);
        for reason in ["", "   ", &"x".repeat(501)] {
            let silent = json!({ "as": "COMPLETED", "reason": reason });
            let silent = if what == "resolve" { silent } else { json!({ "reason": reason }) };
            let refused =
                shop.post(&admin, &public).json(&silent).send().await.expect(StatusCode::BAD_REQUEST);
            assert_eq!(refused.json()["errorCode"], "E003", "{what} {reason}");
        }
    }
    assert_eq!(shop.get(&user, SAGAS).send().await.status, StatusCode::FORBIDDEN);
    assert_eq!(shop.get_as("batch", internal::SAGAS).send().await.status, StatusCode::FORBIDDEN);
    let list: SagaList =
        shop.get_as("operator", internal::SAGAS).send().await.expect(StatusCode::OK).parsed();
    assert_eq!(list.items.len(), 1);
}

#[tokio::test]
async fn an_order_that_hangs_is_given_up_by_an_administrator() {
    let shop = Shop::open().await;
    let (user, admin) = (shop.somebody(), shop.admin());
    let (order, saga) = shop.hanging(&user).await;
    let body = json!({ "reason": "the provider is down" });
    let undone = view(shop.post(&admin, &step(saga, "compensate")).json(&body)).await;
    assert_eq!((undone.id, undone.attempt), (saga, 0));
    eventually(LIMIT, || async { shop.read(&user, &order).await.status == OrderStatus::Failed }).await;
    let failed = shop.read(&user, &order).await;
    assert_eq!(failed.failure_code, Some(FailureCode::Abandoned));
    let note = shop.noted(&order, "SAGA_COMPENSATED").await;
    assert_eq!((note.from, note.to), (Some(OrderStatus::Pending), OrderStatus::Pending));
    assert_eq!((note.actor_id, note.reason.as_deref()), (Some(admin.id), Some("the provider is down")));
    let over =
        shop.post(&admin, &step(saga, "compensate")).json(&body).send().await.expect(StatusCode::CONFLICT);
    assert_eq!(over.json()["errorCode"], "S003");
}

#[tokio::test]
async fn what_is_stuck_is_tried_again_or_resolved_by_the_operator() {
    let shop = Shop::open().await;
    let user = shop.somebody();
    let (order, saga) = shop.hanging(&user).await;
    let body = json!({ "reason": "try again" });
    shop.stick(saga).await;
    let again = view(shop.post_as("operator", &internal::retry(saga)).json(&body)).await;
    assert_eq!(again.state, SagaState::Running);
    let note = shop.noted(&order, "SAGA_RETRIED").await;
    assert_eq!((note.actor_id, note.reason.as_deref()), (None, Some("try again")));

    shop.stick(saga).await;
    let body = json!({ "as": "COMPENSATED", "reason": "they never got it" });
    let ended = view(shop.post_as("operator", &internal::resolve(saga)).json(&body)).await;
    assert_eq!((ended.state, ended.resolution.as_deref()), (SagaState::Resolved, Some("they never got it")));
    let failed = shop.read(&user, &order).await;
    assert_eq!(failed.status, OrderStatus::Failed);
    assert_eq!(failed.payment.unwrap().status, PaymentStatus::Cancelled);
    let held: i64 = shop.count("select sum(held)::bigint from stock").await;
    assert_eq!(held, 0);
}

#[tokio::test]
async fn an_order_that_hangs_is_cancelled_by_its_owner() {
    let shop = Shop::open().await;
    let user = shop.somebody();
    let (order, _) = shop.hanging(&user).await;
    let cancelled = shop.post(&user, &path(&order, "/cancel")).header(KEY, "k").send().await;
    assert!(cancelled.status.is_success(), "{}", cancelled.text());
    eventually(LIMIT, || async { shop.read(&user, &order).await.status == OrderStatus::Cancelled }).await;
}
