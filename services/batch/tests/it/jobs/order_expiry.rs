//! Orders past their deadline, on a real store with the sandbox behind it.

use std::time::Duration;

use contract::id::OrderId;
use serde_json::json;
use testkit::eventually;

use super::town::Town;

const JOB: &str = "order-expiry";
const LIMIT: Duration = Duration::from_secs(30);

impl Town {
    /// An order whose payment cannot be had, past its deadline. Store itself comes back to it in 100 s: what is due
    /// in more than two minutes it takes for a clock that was set back, and due at once.
    async fn overdue(&self) -> OrderId {
        let order = self.order(self.item().await, "tok_down", Duration::from_millis(1)).await;
        // An attempt that has yet to begin, or is under way, puts its own time into the row when it ends.
        eventually(LIMIT, || async {
            let sql = "update saga
                       set deadline = now() - interval '1 second', next_at = now() + interval '100 seconds'
                       where order_id = $1 and lease_owner is null and attempt > 0";
            sqlx::query(sql).bind(order.as_uuid()).execute(&self.store_db).await.unwrap().rows_affected() == 1
        })
        .await;
        order
    }

    async fn status(&self, order: OrderId) -> String {
        sqlx::query_scalar(r#"select status from "order" where id = $1"#)
            .bind(order.as_uuid())
            .fetch_one(&self.store_db)
            .await
            .unwrap()
    }
}

#[tokio::test]
async fn overdue_orders_are_told_of_and_fail() {
    let town = Town::new().await;
    let order = town.overdue().await;
    let told = town.tell(town.run(JOB, &[]).await).await;
    assert_eq!((told.summary["overdue"], told.summary["stuck"]), (1, 0));
    let body = told.body();
    assert_eq!((body.rows.len(), &body.rows[0]["orderId"]), (1, &json!(order)));
    assert_eq!(told.csv.lines().count(), 2, "{}", told.csv);
    assert_eq!(told.summary["processed"], 0, "it is not due yet");
    sqlx::query("update saga set next_at = now()").execute(&town.store_db).await.unwrap();
    // Store's own patrol may be faster than the sweep.
    eventually(LIMIT, || async {
        let told = town.tell(town.run(JOB, &[]).await).await;
        assert_eq!(told.summary["stuck"], 0);
        town.status(order).await == "FAILED"
    })
    .await;
}

#[tokio::test]
async fn a_minute_without_anything_overdue_leaves_no_report() {
    let town = Town::new().await;
    town.paid(town.item().await).await;
    let told = town.tell(town.run(JOB, &[]).await).await;
    assert_eq!((told.summary["overdue"], told.summary["processed"]), (0, 0));
    assert!(told.report.is_none());
}

#[tokio::test]
async fn a_dry_run_lists_and_sweeps_nothing() {
    let town = Town::new().await;
    let order = town.overdue().await;
    let mut run = town.run(JOB, &[]).await;
    run.dry_run = true;
    let chunk = town.first_chunk(&run).await.unwrap();
    assert_eq!((chunk.rows.len(), chunk.next), (1, None));
    assert_eq!(chunk.rows[0]["orderId"], json!(order));
}

#[tokio::test]
async fn a_look_that_is_done_twice_finds_the_same() {
    let town = Town::new().await;
    town.overdue().await;
    let run = town.run(JOB, &[]).await;
    let first = town.first_chunk(&run).await.unwrap();
    assert_eq!(first.rows.len(), 1);
    assert_eq!(town.first_chunk(&run).await.unwrap(), first);
}
