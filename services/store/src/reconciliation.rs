//! Our payments of a day against the provider's books, a chunk at a time: first what began on the day, then the money
//! that the provider saw move on it.
//!
//! The provider is asked without a transaction open. What changes in between is left for the next time.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use chassis::ApiError;
use chassis::db;
use chrono::{DateTime, NaiveDate, Utc};
use contract::code::ErrorCode;
use contract::id::PaymentId;
use contract::store::maintenance::{Difference, DifferenceKind, ReconciledPayments, TheirBooks};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use sqlx::PgPool;
use uuid::Uuid;

use crate::domain::reconciliation::compare;
use crate::error::Error;
use crate::payment::{Booked, Movement, Provider, Unanswered};
use crate::repository::reconciliation::{self, Row};

/// Questions to the provider at the same time.
const AT_ONCE: usize = 8;

/// Where the next chunk begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// Behind this one of our payments.
    Ours(DateTime<Utc>, Uuid),
    /// On this page of the provider's books; none is the first.
    Theirs(Option<String>),
}

impl Place {
    pub const FIRST: Self = Self::Ours(DateTime::UNIX_EPOCH, Uuid::nil());
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Ours(at, id) => write!(f, "ours.{}.{id}", at.timestamp_micros()),
            Self::Theirs(page) => write!(f, "theirs.{}", page.as_deref().unwrap_or_default()),
        }
    }
}

impl FromStr for Place {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let parse = || {
            let (side, rest) = text.split_once('.')?;
            match side {
                "theirs" => Some(Self::Theirs((!rest.is_empty()).then(|| rest.to_owned()))),
                "ours" => {
                    let (micros, id) = rest.split_once('.')?;
                    let at = DateTime::from_timestamp_micros(micros.parse().ok()?)?;
                    Some(Self::Ours(at, id.parse().ok()?))
                }
                _ => None,
            }
        };
        parse().ok_or(())
    }
}

/// A day of UTC.
#[derive(Debug, Clone, Copy)]
pub struct Day {
    pub day: NaiveDate,
    pub from: DateTime<Utc>,
    pub to: DateTime<Utc>,
}

/// Compares a chunk of up to `limit` of our payments, or a page of the provider's books.
///
/// # Errors
/// 503 when the provider does not answer; when the database fails.
pub async fn chunk(
    db: &PgPool,
    provider: &Provider,
    day: Day,
    place: Place,
    limit: i64,
) -> Result<ReconciledPayments, Error> {
    match place {
        Place::Ours(at, id) => ours(db, provider, day, (at, id), limit).await,
        Place::Theirs(page) => theirs(db, provider, day, page).await,
    }
}

async fn ours(
    db: &PgPool,
    provider: &Provider,
    day: Day,
    after: (DateTime<Utc>, Uuid),
    limit: i64,
) -> Result<ReconciledPayments, Error> {
    let mut tx = db::begin(db).await?;
    let rows = reconciliation::begun(&mut tx, provider.name(), (day.from, day.to), after, limit).await?;
    tx.commit().await?;
    let is_last = rows.len() < usize::try_from(limit).unwrap_or(usize::MAX);
    let last = rows.last().filter(|_| !is_last);
    let next = last.map_or(Place::Theirs(None), |last| Place::Ours(last.created_at, last.id.as_uuid()));
    let processed = rows.len() as u64;
    let (differences, in_flight) = differences(db, provider, rows).await?;
    Ok(ReconciledPayments { day: day.day, processed, in_flight, next: Some(next.to_string()), differences })
}

async fn theirs(
    db: &PgPool,
    provider: &Provider,
    day: Day,
    page: Option<String>,
) -> Result<ReconciledPayments, Error> {
    let moved = provider.bookings(day.from, day.to, page.as_deref()).await.map_err(unanswered)?;
    let payments: Vec<PaymentId> =
        moved.movements.iter().map(|moved| moved.payment).collect::<BTreeSet<_>>().into_iter().collect();
    let mut tx = db::begin(db).await?;
    let rows = reconciliation::named(&mut tx, provider.name(), &payments).await?;
    tx.commit().await?;
    let known: BTreeSet<_> = rows.iter().map(|row| row.id).collect();
    // Those that began on the day were compared before.
    let older = rows.into_iter().filter(|row| !(day.from..day.to).contains(&row.created_at)).collect();
    let (mut differences, in_flight) = differences(db, provider, older).await?;
    differences.extend(unknown(&moved.movements, &known));
    Ok(ReconciledPayments {
        day: day.day,
        processed: payments.len() as u64,
        in_flight,
        next: moved.next.map(|page| Place::Theirs(Some(page)).to_string()),
        differences,
    })
}

/// Movements of payments that are not ours, summed up.
fn unknown(movements: &[Movement], known: &BTreeSet<PaymentId>) -> Vec<Difference> {
    let mut unknown = BTreeMap::new();
    for moved in movements.iter().filter(|moved| !known.contains(&moved.payment)) {
        let books = unknown.entry(moved.payment).or_insert(TheirBooks {
            status: None,
            captured_amount: 0,
            refunded_amount: 0,
        });
        books.captured_amount += moved.amount.max(0);
        books.refunded_amount += (-moved.amount).max(0);
    }
    let difference = |(payment_id, theirs)| Difference {
        kind: DifferenceKind::MissingHere,
        payment_id,
        order_id: None,
        ours: None,
        theirs: Some(theirs),
    };
    unknown.into_iter().map(difference).collect()
}

/// What differs for good, and how many payments are on their way.
async fn differences(
    db: &PgPool,
    provider: &Provider,
    rows: Vec<Row>,
) -> Result<(Vec<Difference>, u64), Error> {
    let (moving, settled): (Vec<_>, Vec<_>) = rows.into_iter().partition(|row| row.in_flight);
    let asked = stream::iter(settled).map(|row| async move {
        let booked = provider.find(&row.charge()).await?;
        Ok::<_, Unanswered>((row, booked))
    });
    let found: Vec<(Row, Option<Booked>)> =
        asked.buffered(AT_ONCE).try_collect().await.map_err(unanswered)?;
    let differing: Vec<_> = found
        .into_iter()
        .filter_map(|(row, booked)| {
            let theirs = booked.as_ref().map(books);
            let kind = compare(&row.books(), theirs.as_ref())?;
            Some((row, theirs, kind))
        })
        .collect();
    // A refund that began and ended while the provider was asked is no difference.
    let payments: Vec<_> = differing.iter().map(|(row, ..)| row.id).collect();
    let mut tx = db::begin(db).await?;
    let now = reconciliation::named(&mut tx, provider.name(), &payments).await?;
    tx.commit().await?;
    let unchanged: BTreeSet<_> =
        now.into_iter().filter(|row| !row.in_flight).map(|row| (row.id, row.version)).collect();
    let all = differing.len();
    let lasting: Vec<_> = differing
        .into_iter()
        .filter(|(row, ..)| unchanged.contains(&(row.id, row.version)))
        .map(|(row, theirs, kind)| Difference {
            kind,
            payment_id: row.id,
            order_id: Some(row.order_id),
            ours: Some(row.books()),
            theirs,
        })
        .collect();
    let in_flight = moving.len() + all - lasting.len();
    Ok((lasting, in_flight as u64))
}

fn books(booked: &Booked) -> TheirBooks {
    TheirBooks {
        status: Some(booked.status),
        captured_amount: booked.captured,
        refunded_amount: booked.refunded,
    }
}

fn unanswered(error: Unanswered) -> Error {
    ApiError::new(ErrorCode::UpstreamUnavailable).because(error).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_reads_as_it_was_written() {
        let at = DateTime::from_timestamp_micros(1_700_000_000_123_456).unwrap();
        for place in
            [Place::Ours(at, Uuid::from_u128(7)), Place::Theirs(None), Place::Theirs(Some("a.b".to_owned()))]
        {
            assert_eq!(place.to_string().parse(), Ok(place));
        }
        for text in ["", "ours", "ours.1", "ours.x.y", "mine.1", "ours.1.x"] {
            assert_eq!(text.parse::<Place>(), Err(()), "{text}");
        }
    }

    #[test]
    fn movements_of_strangers_are_summed_up_by_payment() {
        let (stranger, known) =
            (PaymentId::from_uuid(Uuid::from_u128(1)), PaymentId::from_uuid(Uuid::from_u128(2)));
        let moved = |payment, amount| Movement { at: DateTime::UNIX_EPOCH, payment, amount };
        let movements = [moved(stranger, 1000), moved(known, 500), moved(stranger, -300)];
        let found = unknown(&movements, &BTreeSet::from([known]));
        let theirs = TheirBooks { status: None, captured_amount: 1000, refunded_amount: 300 };
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].payment_id, found[0].kind), (stranger, DifferenceKind::MissingHere));
        assert_eq!(found[0].theirs, Some(theirs));
    }
}
