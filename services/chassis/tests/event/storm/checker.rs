//! Compares both databases after the storm.

use std::collections::{BTreeMap, HashSet};

use sqlx::PgPool;
use uuid::Uuid;

/// Account, sequence within it, entry, amount.
type Change = (Uuid, i64, Uuid, i64);

/// # Errors
/// What is not as it must be.
pub(super) async fn check(producer: &PgPool, consumer: &PgPool, written: &[Uuid]) -> Result<(), String> {
    let committed =
        changes(producer, "select account, sequence, id, amount from entry order by account, sequence");
    // In the order in which they took effect.
    let effects = changes(consumer, "select account, sequence, id, amount from effect order by n");
    let (committed, effects) = (committed.await, effects.await);

    let known: HashSet<_> = written.iter().copied().collect();
    let stored: HashSet<_> = committed.iter().map(|change| change.2).collect();
    same("what writers know to be committed, and what is", &known, &stored)?;
    same("committed changes, and effects", &committed.len(), &effects.len())?;
    same("changes by account, and effects by account", &by_account(&committed), &by_account(&effects))?;
    for (account, changes) in by_account(&effects) {
        let in_order = changes.iter().zip(1..).all(|(change, sequence)| change.1 == sequence);
        if !in_order {
            return Err(format!("the effects on {account} are not in order"));
        }
    }
    let sums = committed.iter().fold(BTreeMap::<_, i64>::new(), |mut sums, change| {
        *sums.entry(change.0).or_default() += change.3;
        sums
    });
    let select = "select account, amount from balance";
    let balances: Vec<(Uuid, i64)> = sqlx::query_as(select).fetch_all(consumer).await.unwrap();
    same("sums, and balances", &sums, &balances.into_iter().collect())?;
    let select = "select position from outbox order by position nulls first";
    let positions: Vec<Option<i64>> = sqlx::query_scalar(select).fetch_all(producer).await.unwrap();
    let expected: Vec<_> = (1..).map(Some).take(committed.len()).collect();
    same("positions without gaps, and the outbox'", &expected, &positions)?;
    let dead: i64 = sqlx::query_scalar("select count(*) from dead_letter").fetch_one(consumer).await.unwrap();
    same("no dead letters, and those there are", &0, &dead)
}

async fn changes(pool: &PgPool, select: &'static str) -> Vec<Change> {
    sqlx::query_as(select).fetch_all(pool).await.unwrap()
}

fn by_account(changes: &[Change]) -> BTreeMap<Uuid, Vec<Change>> {
    changes.iter().fold(BTreeMap::new(), |mut accounts, change| {
        accounts.entry(change.0).or_insert_with(Vec::new).push(*change);
        accounts
    })
}

fn same<T: PartialEq>(what: &str, one: &T, other: &T) -> Result<(), String> {
    if one == other { Ok(()) } else { Err(format!("{what} differ")) }
}
