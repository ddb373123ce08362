//! What must hold whenever nothing is on its way.

use std::collections::BTreeMap;

use contract::id::PaymentId;
use contract::payment::Status;
use sqlx::PgPool;
use uuid::Uuid;

use super::provider::FakeProvider;

/// Each finds rows that should not be there, and says what they are.
const LAWS: [(&str, &str); 9] = [
    (
        "the ledger adds up to the stock",
        "select stock.item_id::text
         from stock
         left join (
           select
             item_id,
             sum(initial_delta) as initial,
             sum(available_delta) as available,
             sum(held_delta) as held,
             sum(sold_delta) as sold
           from stock_ledger
           group by item_id
         ) as ledger using (item_id)
         where
           (stock.initial, stock.available, stock.held, stock.sold)
           is distinct from (ledger.initial, ledger.available, ledger.held, ledger.sold)
           or stock.initial <> stock.available + stock.held + stock.sold",
    ),
    (
        "what is held and sold is what orders hold and bought",
        "select stock.item_id::text
         from stock
         left join stock_hold using (item_id)
         group by stock.item_id
         having
           stock.held <> coalesce(sum(quantity) filter (where state = 'HELD'), 0)
           or stock.sold <> coalesce(sum(quantity) filter (where state = 'SOLD'), 0)",
    ),
    (
        "the history ends as the order is, without gaps, and its version is what it was changed",
        r#"select "order".id::text
         from "order"
         left join lateral (
           select
             count(*) as notes,
             count(*) filter (where from_status is distinct from to_status) as changes,
             max(seq) as last
           from order_history
           where order_id = "order".id
         ) as told on true
         left join order_history as last on last.order_id = "order".id and last.seq = told.last
         left join lateral (
           select data ->> 'failureCode' as failure_code
           from order_history
           where order_id = "order".id and from_status is distinct from to_status
           order by seq desc
           limit 1
         ) as change on true
         where
           last.to_status is distinct from "order".status
           or change.failure_code is distinct from "order".failure_code
           or told.notes is distinct from told.last
           or told.changes is distinct from "order".version"#,
    ),
    (
        "an order has its money exactly if it came about",
        r#"select "order".id || ' ' || "order".status || ' ' || coalesce(payment.status, 'unpaid')
         from "order"
         left join payment on payment.order_id = "order".id
         where not case
           when "order".status in ('CONFIRMED', 'SHIPPED', 'DELIVERED')
             then payment.status in ('CAPTURED', 'PARTIALLY_REFUNDED')
           when "order".status = 'REFUNDED' then payment.status = 'REFUNDED'
           when "order".status = 'CANCELLED' then payment.status in ('CANCELLED', 'REFUNDED', 'DECLINED')
           when "order".status = 'FAILED' then coalesce(payment.status, 'CANCELLED') in ('CANCELLED', 'DECLINED')
           else false
         end"#,
    ),
    (
        "an order has its goods exactly if it came about",
        r#"select "order".id || ' ' || "order".status || ' ' || stock_hold.state
         from "order"
         join stock_hold on stock_hold.order_id = "order".id
         where (stock_hold.state = 'SOLD') <> ("order".status in ('CONFIRMED', 'SHIPPED', 'DELIVERED', 'REFUNDED'))"#,
    ),
    (
        "what is refunded is the sum of the refunds",
        "select payment.id::text
         from payment
         left join refund on refund.payment_id = payment.id
         group by payment.id
         having payment.refunded_amount <> coalesce(sum(refund.amount) filter (where refund.state = 'DONE'), 0)
           or count(*) filter (where refund.state = 'PENDING') > 0",
    ),
    (
        "events of an aggregate are numbered without gaps",
        "select aggregate_type || ' ' || aggregate_id
         from outbox
         group by aggregate_type, aggregate_id
         having max(sequence) <> count(*) or count(distinct sequence) <> count(*)",
    ),
    (
        "every order's creation and end was told of",
        r#"select "order".id || ' ' || "order".status
         from "order"
         where not exists (
           select from outbox
           where aggregate_id = "order".id and event_type = 'com.dorandoran.store.order-created.v1'
         )
         or "order".status in ('CONFIRMED', 'FAILED', 'CANCELLED') and not exists (
           select from outbox
           where
             aggregate_id = "order".id
             and sequence = "order".version
             and event_type = 'com.dorandoran.store.order-' || lower("order".status) || '.v1'
         )"#,
    ),
    (
        "a saga that has ended is nobody's",
        "select id::text from saga where lease_owner is not null",
    ),
];

pub(crate) async fn unfinished(db: &PgPool) -> i64 {
    sqlx::query_scalar("select count(*) from saga where state in ('RUNNING', 'COMPENSATING', 'STUCK')")
        .fetch_one(db)
        .await
        .unwrap()
}

pub(crate) async fn check(db: &PgPool, provider: &FakeProvider) {
    for (law, sql) in LAWS {
        let broken: Vec<String> = sqlx::query_scalar(sql).fetch_all(db).await.unwrap();
        assert!(broken.is_empty(), "{law}: {broken:?}");
    }
    money(db, provider).await;
}

/// The provider has kept exactly the money that our books say, and holds none.
async fn money(db: &PgPool, provider: &FakeProvider) {
    let rows: Vec<(Uuid, i64)> = sqlx::query_as(
        "select id, case
           when status in ('CAPTURED', 'PARTIALLY_REFUNDED', 'REFUNDED') then amount - refunded_amount
           else 0
         end
         from payment",
    )
    .fetch_all(db)
    .await
    .unwrap();
    let ours: BTreeMap<PaymentId, i64> = rows.into_iter().map(|(id, kept)| (id.into(), kept)).collect();
    let mut kept = 0;
    for payment in provider.payments() {
        assert!(!matches!(payment.status, Status::Pending | Status::Authorised), "{payment:?}");
        let theirs = payment.captured_amount - payment.refunded_amount;
        assert_eq!(ours.get(&payment.id), Some(&theirs), "{payment:?}");
        kept += theirs;
    }
    assert_eq!(ours.values().sum::<i64>(), kept, "money that the provider does not know of");
}
