//! Buckets of recent login attempts.

use sqlx::PgConnection;

use crate::domain::throttle::{COSTS, HIGHEST_LEVEL, Keys, Levels};

/// Adds an attempt to its three buckets and answers their levels with it. One statement, so that attempts at
/// the same moment all see each other.
pub async fn charge(db: &mut PgConnection, keys: &Keys) -> Result<Levels, sqlx::Error> {
    let rows = sqlx::query!(
        r#"
        insert into login_throttle as t (key, level)
        select given.key, given.cost
        from unnest($1::bytea[], $2::float8[]) as given (key, cost)
        order by given.key
        on conflict (key) do update
        set
          level = least(
            greatest(0, t.level - extract(epoch from clock_timestamp() - t.updated_at)::float8) + excluded.level,
            $3
          ),
          updated_at = clock_timestamp()
        returning key, level
        "#,
        &all(keys),
        &[COSTS.account, COSTS.network, COSTS.pair],
        HIGHEST_LEVEL
    )
    .fetch_all(db)
    .await?;
    let level = |key: &[u8]| rows.iter().find(|row| row.key == key).map_or(0.0, |row| row.level);
    Ok(Levels { account: level(&keys.account), network: level(&keys.network), pair: level(&keys.pair) })
}

/// What is taken back out of the buckets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forgive {
    /// This attempt, because nobody looked at its password.
    Attempt,
    /// This attempt, and what the same network failed at before: it has the password.
    Success,
}

pub async fn forgive(db: &mut PgConnection, keys: &Keys, what: Forgive) -> Result<(), sqlx::Error> {
    let pair = match what {
        Forgive::Attempt => COSTS.pair,
        Forgive::Success => HIGHEST_LEVEL,
    };
    sqlx::query!(
        r#"
        with locked as (
          select t.key, given.cost
          from login_throttle t
          join unnest($1::bytea[], $2::float8[]) as given (key, cost) on given.key = t.key
          order by t.key
          for update of t
        )
        update login_throttle t
        set level = greatest(0, t.level - locked.cost)
        from locked
        where t.key = locked.key
        "#,
        &all(keys),
        &[COSTS.account, COSTS.network, pair]
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Removes buckets that have run empty; at most so many a time.
pub async fn sweep(db: &mut PgConnection, limit: i64) -> Result<u64, sqlx::Error> {
    let swept = sqlx::query!(
        r#"
        delete from login_throttle
        where key in (
          select key
          from login_throttle
          where updated_at < now() - make_interval(secs => $1)
          limit $2
          for update skip locked
        )
        "#,
        HIGHEST_LEVEL,
        limit
    )
    .execute(db)
    .await?;
    Ok(swept.rows_affected())
}

fn all(keys: &Keys) -> [Vec<u8>; 3] {
    [keys.account.clone(), keys.network.clone(), keys.pair.clone()]
}
