//! Reading orders: whose they are, and pages of them.

use contract::response::CursorPage;
use contract::store::{Order, OrderChange, OrderStatus};
use http::StatusCode;

use super::shop::{Person, Shop, path};

const ORDERS: &str = "/api/store/orders";

impl Shop {
    async fn page(&self, by: &Person, query: &str) -> CursorPage<Order> {
        self.get(by, &format!("{ORDERS}?{query}")).send().await.expect(StatusCode::OK).parsed()
    }
}

#[tokio::test]
async fn orders_come_page_by_page_the_newest_first() {
    let shop = Shop::open().await;
    let (user, other, item) = (shop.somebody(), shop.somebody(), shop.item(100).await);
    let mut ids = Vec::new();
    for token in ["tok_approve", "tok_decline", "tok_approve", "tok_decline", "tok_approve"] {
        let order: Order = shop.order(&user, item, 1, token).await.expect(StatusCode::CREATED).parsed();
        ids.insert(0, order.id);
    }
    shop.paid(&other, item, 1).await;
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = shop.page(&user, &format!("size=2{cursor}")).await;
        assert!(page.content.len() <= 2);
        seen.extend(page.content.iter().map(|order| order.id));
        let Some(next) = page.next_cursor else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(seen, ids);
    let failed = shop.page(&user, "status=FAILED").await;
    assert_eq!((failed.content.len(), failed.next_cursor), (2, None));
    assert!(failed.content.iter().all(|order| order.status == OrderStatus::Failed));
    for query in ["status=NEARLY", "cursor=nonsense"] {
        let refused = shop.get(&user, &format!("{ORDERS}?{query}")).send().await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{query}");
    }
}

#[tokio::test]
async fn an_order_is_shown_to_its_owner_and_to_administrators() {
    let shop = Shop::open().await;
    let (user, stranger, admin) = (shop.somebody(), shop.somebody(), shop.admin());
    let order = shop.paid(&user, shop.item(5).await, 1).await;
    for below in ["", "/history"] {
        let path = path(&order, below);
        let _ = shop.get(&user, &path).send().await.expect(StatusCode::OK);
        let _ = shop.get(&admin, &path).send().await.expect(StatusCode::OK);
        let refused = shop.get(&stranger, &path).send().await.expect(StatusCode::FORBIDDEN);
        assert_eq!(refused.json()["errorCode"], "A003");
        let _ = shop.app.get(&path).send().await.expect(StatusCode::UNAUTHORIZED);
    }
    let none = shop.get(&user, &format!("{ORDERS}/{}", user.id)).send().await;
    assert_eq!(none.status, StatusCode::NOT_FOUND);
    assert_eq!(shop.page(&stranger, "").await.content, []);
}

#[tokio::test]
async fn only_administrators_may_list_orders_of_others() {
    let shop = Shop::open().await;
    let (user, stranger, admin, item) = (shop.somebody(), shop.somebody(), shop.admin(), shop.item(9).await);
    let order = shop.paid(&user, item, 1).await;
    let other = shop.paid(&stranger, item, 1).await;
    let whose = format!("userId={}", user.id);
    let refused = shop.get(&stranger, &format!("{ORDERS}?{whose}")).send().await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let ids = |page: CursorPage<Order>| page.content.into_iter().map(|order| order.id).collect::<Vec<_>>();
    assert_eq!(ids(shop.page(&user, &whose).await), [order.id]);
    assert_eq!(ids(shop.page(&admin, &whose).await), [order.id]);
    assert_eq!(ids(shop.page(&admin, "").await), [other.id, order.id]);
    assert_eq!(ids(shop.page(&admin, "status=CONFIRMED&size=1").await), [other.id]);
    assert_eq!(ids(shop.page(&admin, "status=CANCELLED").await), []);
}

#[tokio::test]
async fn the_history_tells_what_happened_and_what_others_wrote_only_to_administrators() {
    let shop = Shop::open().await;
    let (user, admin) = (shop.somebody(), shop.admin());
    let order = shop.paid(&user, shop.item(5).await, 1).await;
    let _ = shop.post(&admin, &path(&order, "/ship")).send().await.expect(StatusCode::OK);
    let told = |by| {
        let request = shop.get(by, &path(&order, "/history"));
        async move { request.send().await.expect(StatusCode::OK).parsed::<Vec<OrderChange>>() }
    };
    let changes = told(&user).await;
    let ways: Vec<_> = changes.iter().map(|change| (change.from, change.to)).collect();
    assert_eq!(
        ways,
        [
            (None, OrderStatus::Pending),
            (Some(OrderStatus::Pending), OrderStatus::Confirmed),
            (Some(OrderStatus::Confirmed), OrderStatus::Shipped),
        ]
    );
    assert_eq!(changes[0].actor_id, Some(user.id));
    assert_eq!(changes[2].actor_id, None);
    assert_eq!(told(&admin).await[2].actor_id, Some(admin.id));
}
