//! One PostgreSQL server, asked over a connection that stays open.
//!
//! As the services' own role, which may read these views, read-only and with a deadline. Of other roles' sessions it
//! learns that they are there and nothing more.

use std::time::{Duration, Instant};

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{Connection as _, Row as _};

use super::millis;
use super::sample::Database;
use super::scrape::whole;

/// The size is found out by looking at every file.
const SIZE_EVERY: Duration = Duration::from_secs(30);
/// After it could not be reached.
const PAUSE: Duration = Duration::from_secs(2);
/// Ends on the server, too, what nobody waits for any more.
const STATEMENT_LIMIT: &str = "900ms";

const FIGURES: &str = "
select
  xact_commit + xact_rollback as transactions,
  (select sum(numbackends)::int8 from pg_stat_database) as connections,
  current_setting('max_connections')::int8 as max_connections,
  (select count(distinct pid) from pg_locks where not granted) as waiting,
  coalesce(extract(epoch from stats_reset), 0)::float8 as since,
  case when pg_is_in_recovery()
    then extract(epoch from now() - pg_last_xact_replay_timestamp())::float8
    else (select max(extract(epoch from replay_lag))::float8 from pg_stat_replication)
  end as replication_lag
from pg_stat_database
where datname = current_database()";

pub(super) struct Link {
    options: PgConnectOptions,
    connection: Option<PgConnection>,
    /// When, how many transactions there had been, and since when they are counted.
    last: Option<(Instant, u64, f64)>,
    size: Option<(Instant, u64)>,
    not_before: Option<Instant>,
}

impl Link {
    pub(super) fn new(options: PgConnectOptions) -> Self {
        let options = options
            .application_name("doran telemetry")
            .options([("default_transaction_read_only", "on"), ("statement_timeout", STATEMENT_LIMIT)]);
        Self { options, connection: None, last: None, size: None, not_before: None }
    }

    /// # Errors
    /// When the server cannot be asked. The caller bounds the time; whoever gives up calls [`Self::hang_up`].
    pub(super) async fn read(&mut self) -> Result<Option<Database>, sqlx::Error> {
        if self.not_before.is_some_and(|at| Instant::now() < at) {
            return Ok(None);
        }
        let read = self.ask().await;
        if read.is_err() {
            self.hang_up();
        }
        read.map(Some)
    }

    /// A connection on which an answer may still come is of no more use.
    pub(super) fn hang_up(&mut self) {
        self.connection = None;
        self.not_before = Some(Instant::now() + PAUSE);
    }

    async fn ask(&mut self) -> Result<Database, sqlx::Error> {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            None => self.connection.insert(PgConnection::connect_with(&self.options).await?),
        };
        let row = sqlx::query(FIGURES).fetch_one(&mut *connection).await?;
        let size = match self.size {
            Some((at, size)) if at.elapsed() < SIZE_EVERY => size,
            _ => {
                let size = sqlx::query_scalar("select pg_database_size(current_database())");
                let size = positive(size.fetch_one(connection).await?);
                self.size = Some((Instant::now(), size));
                size
            }
        };
        let small = |number| u32::try_from(positive(number)).unwrap_or(u32::MAX);
        let (now, transactions) = (Instant::now(), positive(row.try_get("transactions")?));
        let since: f64 = row.try_get("since")?;
        let last = self.last.replace((now, transactions, since));
        let grown = last.and_then(|last| grown(last, (now, transactions, since)));
        let lag: Option<f64> = row.try_get("replication_lag")?;
        Ok(Database {
            over_ms: grown.map_or(0, |(over_ms, _)| over_ms),
            transactions: grown.map_or(0, |(_, transactions)| transactions),
            connections: small(row.try_get("connections")?),
            max_connections: small(row.try_get("max_connections")?),
            waiting: small(row.try_get("waiting")?),
            size,
            replication_lag_ms: lag.map(|lag| u32::try_from(whole(lag * 1000.0)).unwrap_or(u32::MAX)),
        })
    }
}

/// None when the server has begun to count anew.
fn grown(before: (Instant, u64, f64), now: (Instant, u64, f64)) -> Option<(u32, u64)> {
    let same = (before.2 - now.2).abs() < f64::EPSILON;
    let transactions = now.1.checked_sub(before.1).filter(|_| same)?;
    Some((millis(now.0 - before.0), transactions))
}

fn positive(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_counts_anew_has_no_first_difference() {
        let at = Instant::now();
        let later = at + Duration::from_secs(2);
        assert_eq!(grown((at, 10, 0.0), (later, 25, 0.0)), Some((2000, 15)));
        assert_eq!(grown((at, 10, 0.0), (later, 4, 0.0)), None);
        assert_eq!(grown((at, 10, 0.0), (later, 400, 7.5)), None);
    }
}
