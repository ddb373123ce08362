//! Store's books against the sandbox's: differences that are planted in either are found.

use batch::domain::parameter;
use batch::engine::{Fault, Place};
use contract::batch::ExecutionStatus;
use contract::id::PaymentId;
use serde_json::{Value, json};

use super::day::{DAY, midnight};
use super::instance::{done, first};
use super::town::{PRICE, Town};

const JOB: &str = "payment-reconciliation";

impl Town {
    async fn change(&self, payment: PaymentId, sql: &'static str) {
        let done = sqlx::query(sql).bind(payment.as_uuid()).execute(&self.store_db).await.unwrap();
        assert_eq!(done.rows_affected(), 1);
    }

    /// A difference of each kind, in the order of their names.
    async fn plant(&self) -> [(&'static str, PaymentId); 4] {
        let item = self.item().await;
        let (amount, given_back, forgotten) =
            (self.paid(item).await, self.paid(item).await, self.paid(item).await);
        self.change(amount, "update payment set amount = 999 where id = $1").await;
        self.give_back(given_back, 300).await;
        let stranger = self.strangers_payment(4500).await;
        // The provider has never heard of the new id; the old one is a stranger's to us.
        let unheard: PaymentId = chassis::fresh_id();
        sqlx::query("update payment set id = $2 where id = $1")
            .bind(forgotten.as_uuid())
            .bind(unheard.as_uuid())
            .execute(&self.store_db)
            .await
            .unwrap();
        [("AMOUNT", amount), ("MISSING_HERE", stranger), ("MISSING_THERE", unheard), ("STATUS", given_back)]
    }
}

fn found(rows: &[Value]) -> Vec<(Value, Value)> {
    rows.iter().map(|row| (row["kind"].clone(), row["paymentId"].clone())).collect()
}

#[tokio::test]
async fn planted_differences_of_every_kind_are_found() {
    let town = Town::new().await;
    let planted = town.plant().await;
    let told = town.tell(town.run(JOB, &[]).await).await;
    assert_eq!(told.exit_code, Some("COMPLETED_WITH_DIFFERENCES"));
    let body = told.body();
    let found = found(&body.rows);
    for (kind, payment) in planted {
        assert!(found.contains(&(json!(kind), json!(payment))), "{kind} of {payment}: {found:?}");
    }
    // The payment whose id was changed is a stranger's at the provider.
    assert_eq!(found.len(), 5, "{found:?}");
    let counts = ["differences", "missingHere", "missingThere", "status", "amount", "inFlight"];
    assert_eq!(counts.map(|name| told.summary[name]), [5, 2, 1, 1, 1, 0]);
    assert_eq!((body.period_start, body.truncated), (midnight(DAY), false));
    let amount = body.rows.iter().find(|row| row["kind"] == "AMOUNT").unwrap();
    assert_eq!((&amount["ourAmount"], &amount["theirCaptured"]), (&json!(999), &json!(PRICE)));
    agree(body.columns.as_slice(), &body.rows, &told.csv);
}

/// Every cell of the table is what the rows say.
pub(crate) fn agree(columns: &[String], rows: &[Value], csv: &str) {
    let mut lines = csv.lines();
    assert_eq!(lines.next().unwrap(), columns.join(","));
    for row in rows {
        let cell = |column: &String| match &row[column] {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        assert_eq!(lines.next().unwrap(), columns.iter().map(cell).collect::<Vec<_>>().join(","));
    }
    assert_eq!(lines.next(), None);
}

#[tokio::test]
async fn an_execution_says_by_its_exit_code_that_books_differ() {
    let town = Town::new().await;
    let _runner = town.engine().await;
    let run = |name: &str| [parameter::own(parameter::RUN, name.to_owned())];
    let clean = town.start(JOB, &run("clean")).await.unwrap();
    assert_eq!(town.ended(clean).await, (ExecutionStatus::Completed, "COMPLETED".to_owned()));
    town.plant().await;
    let differing = town.start(JOB, &run("differing")).await.unwrap();
    assert_eq!(
        town.ended(differing).await,
        (ExecutionStatus::Completed, "COMPLETED_WITH_DIFFERENCES".to_owned())
    );
    assert_eq!(town.report_of(differing).await.summary["differences"], 5);
    assert_eq!(town.report_of(clean).await.rows, Vec::<Value>::new());
}

#[tokio::test]
async fn a_day_whose_books_agree_has_no_difference() {
    let town = Town::new().await;
    let item = town.item().await;
    for _ in 0..3 {
        town.paid(item).await;
    }
    let told = town.tell(town.run(JOB, &[]).await).await;
    assert_eq!((told.exit_code, &told.body().rows[..]), (None, &[][..]));
    assert_eq!((told.summary["processed"], told.summary["differences"]), (6, 0), "in both books");
    let day = (DAY - chrono::Days::new(3)).to_string();
    let told = town.tell(town.run(JOB, &[("day", &day)]).await).await;
    assert_eq!(told.summary["processed"], 0);
}

#[tokio::test]
async fn chunks_of_any_size_find_the_same_and_can_be_done_twice() {
    let town = Town::new().await;
    town.plant().await;
    let (run, work) = (town.run(JOB, &[]).await, town.work(JOB, 0));
    let mut results = Vec::new();
    for size in [1, 2, 100] {
        let mut rows = Vec::new();
        let mut place = Place { size, ..first(&run) };
        loop {
            let chunk = done(work, &place).await;
            assert_eq!(done(work, &place).await, chunk, "of {size} at {:?}", place.cursor);
            rows.extend(chunk.rows);
            (place.cursor, place.chunk) = (chunk.next, place.chunk + 1);
            if place.cursor.is_none() {
                break;
            }
        }
        rows.sort_by_key(Value::to_string);
        results.push(rows);
    }
    assert_eq!(results[0].len(), 5);
    assert!(results.iter().all(|rows| rows == &results[0]));
}

#[tokio::test]
async fn a_day_that_is_not_over_is_refused() {
    let town = Town::new().await;
    let tomorrow = (DAY + chrono::Days::new(1)).to_string();
    let fault = town.first_chunk(&town.run(JOB, &[("day", &tomorrow)]).await).await.unwrap_err();
    assert!(matches!(fault, Fault::Fatal { .. }), "{fault}");
}
