//! The provider's books, for reconciliation.

use chrono::{DateTime, Utc};
use http::Method;
use serde_json::{Value, json};
use store::payment::{Movement, Movements};

use super::expected::{Act, Expected, Key, recorded, refuse, say};
use super::stage::{AMOUNT, Stage, charge};

/// The second of November 2025 in Korea, as `from` and `to`.
const DAY: (&str, &str) = ("2025-11-01T15:00:00Z", "2025-11-02T15:00:00Z");
const QUERY: &str =
    "/v1/transactions?startDate=2025-11-02T00%3A00%3A00&endDate=2025-11-02T23%3A59%3A59&limit=1000";

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn page(target: &str, act: Act) -> Expected {
    Expected { method: Method::GET, target: target.to_owned(), key: Key::Absent, body: Value::Null, act }
}

#[tokio::test]
async fn a_day_in_korea_is_asked_for_and_what_moved_for_us_is_told() {
    let stage = Stage::new([page(QUERY, say("transactions"))]).await;
    let payment = charge().payment;
    let movement = |time: &str, amount| Movement { at: at(time), payment, amount };
    let expected = Movements {
        movements: vec![
            movement("2025-11-01T15:00:00Z", AMOUNT),
            movement("2025-11-02T00:00:00Z", -4000),
            movement("2025-11-02T01:00:00Z", -11_000),
        ],
        next: None,
    };
    assert_eq!(stage.provider.bookings(at(DAY.0), at(DAY.1), None).await, Ok(expected));
}

#[tokio::test]
async fn a_full_page_has_a_next_one_behind_its_last_transaction() {
    let row = recorded("transactions")[1].clone();
    let rows: Vec<_> = (0..1000)
        .map(|number| {
            let mut row = row.clone();
            row["transactionKey"] = json!(format!("txrd_{number}"));
            row
        })
        .collect();
    let second = format!("{QUERY}&startingAfter=txrd_999");
    let expected = [page(QUERY, Act::Say(200, json!(rows))), page(&second, Act::Say(200, json!([])))];
    let stage = Stage::new(expected).await;
    let first = stage.provider.bookings(at(DAY.0), at(DAY.1), None).await.unwrap();
    assert_eq!((first.movements.len(), first.next.as_deref()), (1000, Some("txrd_999")));
    let last = stage.provider.bookings(at(DAY.0), at(DAY.1), first.next.as_deref()).await.unwrap();
    assert_eq!(last, Movements { movements: Vec::new(), next: None });
}

#[tokio::test]
async fn books_that_cannot_be_read_are_not_empty_ones() {
    for act in [refuse(400, "INVALID_TRANSACTION_KEY"), refuse(429, "TOO_MANY_REQUESTS"), Act::Page(200)] {
        let stage = Stage::new([page(QUERY, act.clone())]).await;
        assert!(stage.provider.bookings(at(DAY.0), at(DAY.1), None).await.is_err(), "{act:?}");
    }
}
