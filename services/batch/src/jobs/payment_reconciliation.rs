//! Every night: store's payments of a day against the provider's books. Each difference is a line of the report.
//!
//! Nothing is changed, neither there nor here: a person decides (see docs/store.md, "When money is stuck").

use std::collections::BTreeMap;
use std::fmt::Write as _;

use chassis::client::ServiceClient;
use chrono::{NaiveDate, Utc};
use contract::batch::{Concurrency, Misfire};
use contract::store::maintenance::{Difference, DifferenceKind, ReconciledPayments, path};
use futures_util::future::BoxFuture;
use http::Method;
use serde_json::{Value, json};

use super::day::{self, Day};
use super::{Means, only_step};
use crate::engine::{Chunk, Counts, Effect, Fault, Job, Place, Schedule, Sizes, Work};

pub const NAME: &str = "payment-reconciliation";
/// How an execution ends that has found something.
pub const DIFFERENCES: &str = "COMPLETED_WITH_DIFFERENCES";

const COLUMNS: &[&str] = &[
    "kind",
    "paymentId",
    "orderId",
    "ourStatus",
    "ourAmount",
    "ourRefunded",
    "theirStatus",
    "theirCaptured",
    "theirRefunded",
];
/// The provider is asked for each payment, eight at a time, and store answers within 10 s.
const SIZES: Sizes = Sizes { first: 50, least: 5, most: 100 };

pub fn job(means: &Means) -> Job {
    Job {
        name: NAME,
        description: "Compares store's payments of a day with the provider's books",
        parameters: &[day::PARAMETER],
        schedule: Schedule {
            cron: "30 2 * * *",
            // Every time is about a day of its own.
            misfire: Misfire::RunAll,
            concurrency: Concurrency::Allow,
        },
        steps: vec![
            only_step("compare", SIZES, Comparing { store: means.store.clone() }),
            only_step("report", Sizes::fixed(1), means.reporting(COLUMNS, day::period)),
        ],
    }
}

struct Comparing {
    store: ServiceClient,
}

impl Work for Comparing {
    fn chunk<'a>(&'a self, place: &'a Place) -> BoxFuture<'a, Result<Chunk, Fault>> {
        Box::pin(async move {
            match day::of(&place.run, Utc::now())? {
                Day::Over(day) => self.compare(place, day).await,
                Day::Settling(left) => {
                    Ok(Chunk { next: Some(Value::Null), pause: Some(left), ..Chunk::default() })
                }
            }
        })
    }
}

impl Comparing {
    async fn compare(&self, place: &Place, day: NaiveDate) -> Result<Chunk, Fault> {
        let mut path = format!("{}?day={day}&limit={}", path::RECONCILE_PAYMENTS, place.size);
        if let Some(after) = place.cursor.as_ref().and_then(Value::as_str) {
            path.extend(["&after=", &escaped(after)]);
        }
        let compared: ReconciledPayments = self.store.request(Method::POST, &path).send().await?;
        Ok(chunk(compared))
    }
}

fn chunk(compared: ReconciledPayments) -> Chunk {
    let found = &compared.differences;
    Chunk {
        counts: Counts {
            read: compared.processed,
            filtered: compared.in_flight,
            written: found.len() as u64,
        },
        summary: summary(&compared),
        rows: found.iter().map(row).collect(),
        effects: if found.is_empty() { vec![] } else { vec![Effect::ExitCode(DIFFERENCES)] },
        next: compared.next.map(Value::String),
        ..Chunk::default()
    }
}

fn summary(compared: &ReconciledPayments) -> BTreeMap<String, i64> {
    let of = |kind| compared.differences.iter().filter(|difference| difference.kind == kind).count() as u64;
    [
        ("processed", compared.processed),
        ("inFlight", compared.in_flight),
        ("differences", compared.differences.len() as u64),
        ("missingHere", of(DifferenceKind::MissingHere)),
        ("missingThere", of(DifferenceKind::MissingThere)),
        ("status", of(DifferenceKind::Status)),
        ("amount", of(DifferenceKind::Amount)),
    ]
    .into_iter()
    .map(|(name, number)| (name.to_owned(), number.cast_signed()))
    .collect()
}

fn row(difference: &Difference) -> Value {
    let (ours, theirs) = (difference.ours.as_ref(), difference.theirs.as_ref());
    json!({
        "kind": difference.kind,
        "paymentId": difference.payment_id,
        "orderId": difference.order_id,
        "ourStatus": ours.map(|books| books.status),
        "ourAmount": ours.map(|books| books.amount),
        "ourRefunded": ours.map(|books| books.refunded_amount),
        "theirStatus": theirs.and_then(|books| books.status),
        "theirCaptured": theirs.map(|books| books.captured_amount),
        "theirRefunded": theirs.map(|books| books.refunded_amount),
    })
}

/// As it may stand in a query (RFC 3986, section 2.3): what is in `next` is partly the provider's.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(byte.into());
        } else {
            // Writing to a string cannot fail.
            let _ = write!(escaped, "%{byte:02X}");
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use contract::store::PaymentStatus;
    use contract::store::maintenance::OurBooks;

    use super::*;

    fn compared(differences: Vec<Difference>) -> ReconciledPayments {
        let next = Some("ours.1".to_owned());
        ReconciledPayments { day: NaiveDate::default(), processed: 7, in_flight: 2, next, differences }
    }

    #[test]
    fn a_difference_is_a_line_and_changes_how_the_execution_ends() {
        let missing = Difference {
            kind: DifferenceKind::MissingThere,
            payment_id: uuid::Uuid::from_u128(1).into(),
            order_id: None,
            ours: Some(OurBooks { status: PaymentStatus::Captured, amount: 900, refunded_amount: 0 }),
            theirs: None,
        };
        let chunk = chunk(compared(vec![missing]));
        assert_eq!(chunk.effects, [Effect::ExitCode(DIFFERENCES)]);
        assert_eq!((chunk.counts.read, chunk.counts.filtered, chunk.counts.written), (7, 2, 1));
        assert_eq!((chunk.summary["missingThere"], chunk.summary["differences"]), (1, 1));
        let row = chunk.rows[0].as_object().unwrap();
        assert_eq!((&row["kind"], &row["ourAmount"]), (&json!("MISSING_THERE"), &json!(900)));
        assert!(COLUMNS.iter().all(|column| row.contains_key(*column)) && row.len() == COLUMNS.len());
    }

    #[test]
    fn books_that_agree_end_as_usual() {
        let chunk = chunk(compared(vec![]));
        assert_eq!((chunk.effects, chunk.rows), (vec![], vec![]));
        assert_eq!(chunk.next, Some(json!("ours.1")));
    }

    #[test]
    fn a_place_of_the_providers_is_passed_on_as_it_was() {
        assert_eq!(escaped("theirs.a+b/c=&한"), "theirs.a%2Bb%2Fc%3D%26%ED%95%9C");
        assert_eq!(escaped("ours.17.0-1"), "ours.17.0-1");
    }
}
