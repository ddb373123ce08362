//! What batch has done: sweeps, reconciliation, statistics; and upkeep.

use chrono::{Days, NaiveDate, Utc};
use contract::store::maintenance::{
    BookmarkStatistics, DayStatistics, Difference, DifferenceKind, ExpiredOrders, OrderStatistics,
    ReconciledPayments, Sales, path as internal,
};
use contract::store::{Order, OrderStatus};
use http::StatusCode;
use serde_json::json;
use testkit::eventually;

use super::shop::{Shop, path};

const LIMIT: std::time::Duration = std::time::Duration::from_secs(30);

impl Shop {
    async fn expire(&self, query: &str) -> ExpiredOrders {
        let request = self.post_as("batch", &format!("{}{query}", internal::EXPIRE_ORDERS));
        request.send().await.expect(StatusCode::OK).parsed()
    }

    /// All chunks of the day, of `limit` payments each.
    async fn reconcile(&self, day: NaiveDate, limit: u32) -> (Vec<Difference>, u64) {
        let (mut differences, mut processed, mut after) = (Vec::new(), 0, String::new());
        loop {
            let query = format!("{}?day={day}&limit={limit}{after}", internal::RECONCILE_PAYMENTS);
            let chunk: ReconciledPayments =
                self.post_as("batch", &query).send().await.expect(StatusCode::OK).parsed();
            processed += chunk.processed;
            differences.extend(chunk.differences);
            let Some(next) = chunk.next else { return (differences, processed) };
            after = format!("&after={next}");
        }
    }

    async fn execute(&self, sql: &'static str) {
        sqlx::query(sql).execute(&self.db).await.unwrap();
    }
}

/// The day on which a test began. One that runs over midnight may fail.
fn today() -> NaiveDate {
    Utc::now().date_naive()
}

#[tokio::test]
async fn only_batch_and_the_operator_may_ask() {
    let shop = Shop::open().await;
    let statistics = format!("{}?day=2026-01-01", internal::STATISTICS);
    let reconcile = format!("{}?day=2026-01-01", internal::RECONCILE_PAYMENTS);
    for (service, expected) in
        [("batch", StatusCode::OK), ("operator", StatusCode::OK), ("chat", StatusCode::FORBIDDEN)]
    {
        assert_eq!(shop.get_as(service, &statistics).send().await.status, expected, "{service}");
        for path in [internal::EXPIRE_ORDERS, &reconcile] {
            assert_eq!(shop.post_as(service, path).send().await.status, expected, "{service} {path}");
        }
    }
    for query in ["?limit=0", "?limit=1001", "?day=2026-01-01"] {
        let refused = shop.post_as("batch", &format!("{}{query}", internal::EXPIRE_ORDERS)).send().await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{query}");
    }
    for query in ["", "?day=tomorrow", "?day=2026-01-01&after=nonsense", "?day=2026-01-01&limit=501"] {
        let refused = shop.post_as("batch", &format!("{}{query}", internal::RECONCILE_PAYMENTS)).send().await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{query}");
    }
}

#[tokio::test]
async fn orders_past_their_deadline_are_told_of_and_fail() {
    let shop = Shop::open().await;
    let user = shop.somebody();
    let order: Order =
        shop.order(&user, shop.item(5).await, 1, "tok_down").await.expect(StatusCode::ACCEPTED).parsed();
    assert_eq!(shop.expire("?dryRun=true").await.overdue, []);
    shop.execute(
        "update saga set deadline = now() - interval '1 second', next_at = now() + interval '100 seconds'",
    )
    .await;
    let dry = shop.expire("?dryRun=true&limit=10").await;
    assert_eq!((dry.dry_run, dry.overdue.len(), dry.processed), (true, 1, 0));
    assert_eq!(dry.overdue[0].order_id, order.id);
    assert_eq!(shop.read(&user, &order).await.status, OrderStatus::Pending, "nothing is changed");
    shop.execute("update saga set next_at = now()").await;
    eventually(LIMIT, || async {
        let swept = shop.expire("").await;
        assert_eq!((swept.dry_run, swept.stuck), (false, 0));
        shop.read(&user, &order).await.status == OrderStatus::Failed
    })
    .await;
    assert_eq!(shop.expire("").await.overdue, []);
}

#[tokio::test]
async fn a_sweep_that_is_asked_for_again_is_answered_as_before() {
    let shop = Shop::open().await;
    let user = shop.somebody();
    let sweep = |key: &'static str, query: &'static str| {
        let path = format!("{}{query}", internal::EXPIRE_ORDERS);
        shop.post_as("batch", &path).header(chassis::idempotency::HEADER, key).send()
    };
    let first: ExpiredOrders = sweep("first", "").await.expect(StatusCode::OK).parsed();
    assert_eq!((first.overdue.len(), first.stuck), (0, 0));
    let _ = shop.order(&user, shop.item(5).await, 1, "tok_down").await.expect(StatusCode::ACCEPTED);
    let overdue = "update saga
                   set deadline = now(), next_at = now() + interval '100 seconds'
                   where lease_owner is null and attempt > 0";
    // An attempt that has yet to begin, or is under way, puts its own time into the row when it ends.
    eventually(LIMIT, || async {
        sqlx::query(overdue).execute(&shop.db).await.unwrap().rows_affected() == 1
    })
    .await;
    let again = sweep("first", "").await.expect(StatusCode::OK);
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!(again.parsed::<ExpiredOrders>(), first);
    assert_eq!(sweep("first", "?limit=7").await.status, StatusCode::UNPROCESSABLE_ENTITY);
    for (key, query) in [("second", ""), ("first", "?dryRun=true"), ("first", "?dryRun=true")] {
        let now: ExpiredOrders = sweep(key, query).await.expect(StatusCode::OK).parsed();
        assert_eq!(now.overdue.len(), 1, "{key}{query}");
    }
}

#[tokio::test]
async fn books_that_agree_have_no_difference() {
    let shop = Shop::open().await;
    let (user, admin, item) = (shop.somebody(), shop.admin(), shop.item(50).await);
    let day = today();
    for token in ["tok_approve", "tok_decline", "tok_approve", "tok_approve"] {
        let _ = shop.order(&user, item, 1, token).await.expect(StatusCode::CREATED);
    }
    let cancelled = shop.paid(&user, item, 1).await;
    let _ = shop.post(&user, &path(&cancelled, "/cancel")).send().await.expect(StatusCode::OK);
    let refunded = shop.paid(&user, item, 1).await;
    let body = json!({ "amount": 300, "reason": "r" });
    let _ = shop.post(&admin, &path(&refunded, "/refund")).json(&body).send().await.expect(StatusCode::OK);
    for limit in [1, 2, 100] {
        let (differences, processed) = shop.reconcile(day, limit).await;
        assert_eq!(differences, [], "in chunks of {limit}");
        assert!(processed >= 6 || day != today(), "{processed} in chunks of {limit}");
    }
    assert_eq!(shop.reconcile(day - Days::new(3), 100).await, (vec![], 0));
}

#[tokio::test]
async fn every_kind_of_difference_is_found() {
    let shop = Shop::open().await;
    let (user, item) = (shop.somebody(), shop.item(50).await);
    let (mut orders, day) = (Vec::new(), today());
    for _ in 0..4 {
        orders.push(shop.paid(&user, item, 1).await.payment.unwrap().id);
    }
    let change = |sql: &'static str, n: usize| {
        let query = sqlx::query(sql).bind(orders[n].as_uuid());
        let db = shop.db.clone();
        async move { query.execute(&db).await.unwrap() }
    };
    change("update payment set amount = 999 where id = $1", 0).await;
    change("update payment set status = 'CANCELLED' where id = $1", 1).await;
    // To the sandbox's books it is a stranger's then.
    change("update payment set provider = 'elsewhere' where id = $1", 2).await;
    let declined = shop.order(&user, item, 1, "tok_decline").await.expect(StatusCode::CREATED);
    let declined: Order = declined.parsed();
    sqlx::query(
        "insert into payment (id, order_id, provider, method, status, currency, amount)
         values (gen_random_uuid(), $1, 'sandbox', 'card', 'CAPTURED', 'KRW', 1000)",
    )
    .bind(declined.id.as_uuid())
    .execute(&shop.db)
    .await
    .unwrap();
    let (found, _) = shop.reconcile(day, 2).await;
    let kinds: Vec<_> = found.iter().map(|difference| difference.kind).collect();
    let expected = [
        DifferenceKind::Amount,
        DifferenceKind::Status,
        DifferenceKind::MissingThere,
        DifferenceKind::MissingHere,
    ];
    assert_eq!(kinds, expected);
    assert_eq!((found[0].payment_id, found[1].payment_id), (orders[0], orders[1]));
    assert_eq!(found[2].ours.as_ref().unwrap().amount, 1000);
    assert_eq!((found[3].payment_id, found[3].theirs.as_ref().unwrap().captured_amount), (orders[2], 1000));
}

#[tokio::test]
async fn payments_on_their_way_are_no_difference() {
    let shop = Shop::open().await;
    let user = shop.somebody();
    let day = today();
    let _ = shop.order(&user, shop.item(5).await, 1, "tok_down").await.expect(StatusCode::ACCEPTED);
    let query = format!("{}?day={day}", internal::RECONCILE_PAYMENTS);
    let chunk: ReconciledPayments =
        shop.post_as("batch", &query).send().await.expect(StatusCode::OK).parsed();
    assert_eq!((chunk.processed, chunk.in_flight, chunk.differences), (1, 1, vec![]));
}

#[tokio::test]
async fn what_began_earlier_is_compared_on_the_day_on_which_it_comes_to_rest() {
    let shop = Shop::open().await;
    let (user, admin, day) = (shop.somebody(), shop.admin(), today());
    let mut orders = Vec::new();
    for _ in 0..3 {
        orders.push(shop.paid(&user, shop.item(50).await, 1).await);
    }
    shop.execute("update payment set created_at = created_at - interval '9 days'").await;
    shop.execute("update saga set updated_at = updated_at - interval '9 days'").await;
    assert_eq!(shop.reconcile(day - Days::new(9), 2).await.0, [], "of that day they agree");
    // One is refunded, and the provider never booked it; one is stuck, and somebody resolves it as not paid for.
    let body = json!({ "amount": 300, "reason": "r" });
    let _ = shop.post(&admin, &path(&orders[0], "/refund")).json(&body).send().await.expect(StatusCode::OK);
    shop.execute("update payment set refunded_amount = refunded_amount + 1 where refunded_amount > 0").await;
    let resolve = "
        with resolved as (
          update saga set state = 'RESOLVED', resolution = 'by hand', updated_at = now() where order_id = $1
        )
        update payment set status = 'CANCELLED' where order_id = $1";
    sqlx::query(resolve).bind(orders[1].id.as_uuid()).execute(&shop.db).await.unwrap();
    let (found, _) = shop.reconcile(day, 1).await;
    let found: Vec<_> = found.iter().map(|difference| (difference.kind, difference.order_id)).collect();
    let expected =
        [(DifferenceKind::Amount, Some(orders[0].id)), (DifferenceKind::Status, Some(orders[1].id))];
    assert_eq!(found, expected, "each once");
}

#[tokio::test]
async fn a_day_is_counted() {
    let shop = Shop::open().await;
    let (user, other, admin) = (shop.somebody(), shop.somebody(), shop.admin());
    let (item, dollars) = (shop.item(50).await, shop.item_of(9, 7, "USD").await);
    let day = today();
    for token in ["tok_approve", "tok_decline"] {
        let _ = shop.order(&user, item, 2, token).await.expect(StatusCode::CREATED);
    }
    let shipped = shop.paid(&other, dollars, 3).await;
    for below in ["/ship", "/deliver"] {
        let _ = shop.post(&admin, &path(&shipped, below)).send().await.expect(StatusCode::OK);
    }
    let body = json!({ "amount": 1, "reason": "r" });
    let _ = shop.post(&admin, &path(&shipped, "/refund")).json(&body).send().await.expect(StatusCode::OK);
    let cancelled = shop.paid(&user, item, 1).await;
    let _ = shop.post(&user, &path(&cancelled, "/cancel")).send().await.expect(StatusCode::OK);
    let query = format!("{}?day={day}", internal::STATISTICS);
    let counted: DayStatistics = shop.get_as("batch", &query).send().await.expect(StatusCode::OK).parsed();
    assert_eq!(
        counted,
        DayStatistics {
            day,
            orders: OrderStatistics {
                placed: 4,
                confirmed: 3,
                shipped: 1,
                delivered: 1,
                cancelled: 1,
                failed: 1,
                refunded: 0,
            },
            sales: vec![
                Sales { currency: "KRW".to_owned(), confirmed_amount: 3000, refunded_amount: 1000 },
                Sales { currency: "USD".to_owned(), confirmed_amount: 21, refunded_amount: 1 },
            ],
            active_users: 2,
            bookmarks: BookmarkStatistics { created: 0, deleted: 0 },
        }
    );
}

#[tokio::test]
async fn expired_idempotency_keys_are_taken_away() {
    let shop = Shop::open().await;
    let (user, item) = (shop.somebody(), shop.item(50).await);
    shop.paid(&user, item, 1).await;
    shop.execute("update idempotency_key set expires_at = now()").await;
    shop.paid(&user, item, 1).await;
    assert_eq!(store::upkeep::UPKEEP.round(&shop.state.db).await.unwrap(), 1);
    assert_eq!(shop.count("select count(*) from idempotency_key").await, 1);
}
