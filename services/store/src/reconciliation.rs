//! Our payments of a day against the provider's books, a chunk at a time: first what began on the day, then what began
//! earlier and came to rest on it, then the money that the provider saw move on it.
//!
//! The provider is asked without a transaction open. A payment that is still on its way is compared on the day on which it
//! comes to rest, whoever brings it there.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use chassis::ApiError;
use chassis::db;
use chassis::extract::Day;
use chrono::{DateTime, Utc};
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
    /// Behind this one of our payments that began on the day.
    Begun(DateTime<Utc>, Uuid),
    /// Behind this one of those that began earlier and came to rest on the day.
    Ended(DateTime<Utc>, Uuid),
    /// On this page of the provider's books; none is the first.
    Theirs(Option<String>),
}

impl Place {
    pub const FIRST: Self = Self::Begun(DateTime::UNIX_EPOCH, Uuid::nil());
    const FIRST_ENDED: Self = Self::Ended(DateTime::UNIX_EPOCH, Uuid::nil());
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Begun(at, id) => write!(f, "begun.{}.{id}", at.timestamp_micros()),
            Self::Ended(at, id) => write!(f, "ended.{}.{id}", at.timestamp_micros()),
            Self::Theirs(page) => write!(f, "theirs.{}", page.as_deref().unwrap_or_default()),
        }
    }
}

impl FromStr for Place {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let payment = |rest: &str| {
            let (micros, id) = rest.split_once('.')?;
            Some((DateTime::from_timestamp_micros(micros.parse().ok()?)?, id.parse().ok()?))
        };
        let parse = || {
            let (which, rest) = text.split_once('.')?;
            match which {
                "begun" => payment(rest).map(|(at, id)| Self::Begun(at, id)),
                "ended" => payment(rest).map(|(at, id)| Self::Ended(at, id)),
                "theirs" => Some(Self::Theirs((!rest.is_empty()).then(|| rest.to_owned()))),
                _ => None,
            }
        };
        parse().ok_or(())
    }
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
    let period = (day.from, day.to);
    let mut tx = db::begin(db).await?;
    let (rows, more, behind): (_, fn(DateTime<Utc>, Uuid) -> Place, _) = match place {
        Place::Begun(at, id) => {
            let rows = reconciliation::begun(&mut tx, provider.name(), period, (at, id), limit).await?;
            (rows, Place::Begun, Place::FIRST_ENDED)
        }
        Place::Ended(at, id) => {
            let rows = reconciliation::ended(&mut tx, provider.name(), period, (at, id), limit).await?;
            (rows, Place::Ended, Place::Theirs(None))
        }
        Place::Theirs(page) => {
            tx.rollback().await?;
            return theirs(db, provider, day, page).await;
        }
    };
    tx.commit().await?;
    let is_last = rows.len() < usize::try_from(limit).unwrap_or(usize::MAX);
    let last = rows.last().filter(|_| !is_last);
    let next = last.map_or(behind, |last| more(last.created_at, last.id.as_uuid()));
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
    let compared = reconciliation::compared(&mut tx, (day.from, day.to), &payments).await?;
    tx.commit().await?;
    let known: BTreeSet<_> = rows.iter().map(|row| row.id).collect();
    let compared: BTreeSet<_> = compared.into_iter().collect();
    let others = rows.into_iter().filter(|row| !compared.contains(&row.id)).collect();
    let (mut differences, in_flight) = differences(db, provider, others).await?;
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
        for place in [
            Place::Begun(at, Uuid::from_u128(7)),
            Place::Ended(at, Uuid::from_u128(7)),
            Place::Theirs(None),
            Place::Theirs(Some("a.b".to_owned())),
        ] {
            assert_eq!(place.to_string().parse(), Ok(place));
        }
        for text in ["", "begun", "begun.1", "ended.x.y", "mine.1", "begun.1.x"] {
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
