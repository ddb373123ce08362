//! Puts generated rows into one database: one transaction, COPY, and a note of what was done.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection as _};

use super::copy::Rows;
use super::load::{Fill, Step, steps};
use super::number::Time;
use super::tables::{MESSAGE, Table};
use super::{Request, SeedError};
use crate::migration::DatabaseAccess;

/// Bytes per COPY message: enough that the round trip to the socket does not show.
const CHUNK: usize = 256 * 1024;
/// Seeds of one database take turns on this advisory lock ("doranse").
const LOCK: i64 = 0x0064_6f72_616e_7365;
/// The databases that seeds have something for.
const SEEDED: [&str; 4] = ["auth_db", "chat_db", "store_db", "user_db"];
/// SQLSTATE `unique_violation`.
const UNIQUE_VIOLATION: &str = "23505";

/// What a run wants to be known while it goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    /// This many units of work in all.
    Total(u64),
    Table(&'static str),
    Done(u64),
}

/// Rows that a run added to a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TableRows {
    pub table: &'static str,
    pub rows: u64,
}

/// What a run did to a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Report {
    /// By table; empty when an earlier run had done it all.
    pub tables: Vec<TableRows>,
    pub took: Duration,
}

impl Report {
    pub(crate) fn rows(&self) -> u64 {
        self.tables.iter().map(|table| table.rows).sum()
    }
}

/// Fills one database with what it lacks of `request`.
///
/// # Errors
/// When the database cannot be reached, is not migrated, or refuses a row; nothing of the run stays then.
pub(crate) async fn fill(
    access: &DatabaseAccess,
    request: Request,
    observe: &(dyn Fn(Progress) + Sync),
) -> Result<Report, SeedError> {
    let start = Instant::now();
    let mut connection = access.connect().await.map_err(SeedError::Connection)?;
    let mut run = Run { database: access.name(), request, observe, added: BTreeMap::new() };
    if SEEDED.contains(&run.database) {
        run.all(&mut connection).await?;
    }
    // The data is committed; how the goodbye is answered no longer matters.
    let _ = connection.close().await;
    let tables = run.added.into_iter().map(|(table, rows)| TableRows { table, rows }).collect();
    Ok(Report { tables, took: start.elapsed() })
}

/// One database being filled.
struct Run<'a> {
    database: &'a str,
    request: Request,
    observe: &'a (dyn Fn(Progress) + Sync),
    added: BTreeMap<&'static str, u64>,
}

impl Run<'_> {
    async fn all(&mut self, connection: &mut PgConnection) -> Result<(), SeedError> {
        let database = self.database;
        let failed = |source| SeedError::of(database, "seed_run", source);
        let mut tx = connection.begin().await.map_err(failed)?;
        let done = self.begin(&mut tx).await.map_err(failed)?;
        let wanted = match self.request {
            Request::Demo => 0,
            Request::Load { users, .. } => u64::from(users),
        };
        if done.is_some_and(|done| done >= wanted) {
            return tx.rollback().await.map_err(failed);
        }
        let steps = steps(self.request, self.database, done.unwrap_or(0));
        let total = steps.iter().map(units).sum();
        (self.observe)(Progress::Total(total));
        for step in &steps {
            self.step(&mut tx, step).await?;
        }
        self.note(&mut tx, wanted).await.map_err(failed)?;
        tx.commit().await.map_err(failed)?;
        self.analyze(connection).await
    }

    /// Waits for other seeds of this database, and tells how many users an earlier one left.
    async fn begin(&self, tx: &mut PgConnection) -> Result<Option<u64>, sqlx::Error> {
        sqlx::query("select pg_advisory_xact_lock($1)").bind(LOCK).execute(&mut *tx).await?;
        let (profile, number) = self.key();
        let done: Option<i64> =
            sqlx::query_scalar("select users from seed_run where profile = $1 and number = $2")
                .bind(profile)
                .bind(number)
                .fetch_optional(tx)
                .await?;
        Ok(done.map(i64::cast_unsigned))
    }

    async fn note(&self, tx: &mut PgConnection, users: u64) -> Result<(), sqlx::Error> {
        let (profile, number) = self.key();
        let rows: u64 = self.added.values().sum();
        sqlx::query(
            "insert into seed_run (profile, number, users, row_count)
             values ($1, $2, $3, $4)
             on conflict (profile, number) do update
             set users = excluded.users,
                 row_count = seed_run.row_count + excluded.row_count,
                 finished_at = now()",
        )
        .bind(profile)
        .bind(number)
        .bind(users.cast_signed())
        .bind(rows.cast_signed())
        .execute(tx)
        .await?;
        Ok(())
    }

    fn key(&self) -> (&'static str, i64) {
        match self.request {
            Request::Demo => ("demo", 0),
            Request::Load { number, .. } => ("load", number.cast_signed()),
        }
    }

    async fn step(&mut self, tx: &mut PgConnection, step: &Step) -> Result<(), SeedError> {
        match step {
            Step::MessageMonths { from, to } => make_partitions(tx, *from, *to)
                .await
                .map_err(|source| SeedError::of(self.database, "message", source)),
            Step::Fill(fill) => {
                let table = fill.table.name;
                (self.observe)(Progress::Table(table));
                let rows = self
                    .table(tx, fill)
                    .await
                    .map_err(|source| SeedError::of(self.database, table, source))?;
                *self.added.entry(table).or_default() += rows;
                Ok(())
            }
        }
    }

    /// Straight into the table; when a row is there already, again through a staging table that leaves out
    /// what exists.
    async fn table(&self, tx: &mut PgConnection, fill: &Fill) -> Result<u64, sqlx::Error> {
        if fill.range.is_empty() {
            return Ok(0);
        }
        // A few rows, some of which people may have made before: not worth an attempt.
        if self.request == Request::Demo {
            return self.staged(tx, fill).await;
        }
        let mut savepoint = tx.begin().await?;
        match self.copy(&mut savepoint, fill.table.name, fill).await {
            Ok(rows) => {
                savepoint.commit().await?;
                Ok(rows)
            }
            Err(error) if is_unique_violation(&error) => {
                savepoint.rollback().await?;
                self.staged(tx, fill).await
            }
            Err(error) => Err(error),
        }
    }

    async fn staged(&self, tx: &mut PgConnection, fill: &Fill) -> Result<u64, sqlx::Error> {
        let Table { name, columns, parent } = fill.table;
        let create =
            format!("create temp table stage on commit drop as select {columns} from {name} with no data");
        sqlx::raw_sql(AssertSqlSafe(create)).execute(&mut *tx).await?;
        self.copy(&mut *tx, "stage", fill).await?;
        let parents = parent.map_or_else(String::new, |(column, table)| {
            format!(" where exists (select from {table} where {table}.id = stage.{column})")
        });
        let insert = format!(
            "insert into {name} ({columns}) select {columns} from stage{parents} on conflict do nothing"
        );
        let added = sqlx::query(AssertSqlSafe(insert)).execute(&mut *tx).await?.rows_affected();
        sqlx::raw_sql("drop table stage").execute(tx).await?;
        Ok(added)
    }

    async fn copy(&self, tx: &mut PgConnection, into: &str, fill: &Fill) -> Result<u64, sqlx::Error> {
        let statement = format!("copy {into} ({}) from stdin (format binary)", fill.table.columns);
        let mut copy = tx.copy_in_raw(&statement).await?;
        let mut rows = Rows::new();
        let mut unreported = 0;
        for index in fill.range.clone() {
            (fill.generate)(index, &mut rows);
            unreported += 1;
            if rows.bytes().len() >= CHUNK {
                copy.send(rows.bytes()).await?;
                rows.clear();
                (self.observe)(Progress::Done(std::mem::take(&mut unreported)));
            }
        }
        rows.finish();
        copy.send(rows.bytes()).await?;
        (self.observe)(Progress::Done(unreported));
        copy.finish().await
    }

    /// Fresh statistics: without them the first queries on a table that grew by millions are planned badly.
    async fn analyze(&self, connection: &mut PgConnection) -> Result<(), SeedError> {
        for table in self.added.keys() {
            // Only what queries ask by: sampling the texts of messages takes three times as long as their keys.
            let columns = if *table == MESSAGE.name { " (room_id, seq, created_at)" } else { "" };
            let statement = format!("analyze {table}{columns}");
            sqlx::raw_sql(AssertSqlSafe(statement))
                .execute(&mut *connection)
                .await
                .map_err(|source| SeedError::of(self.database, table, source))?;
        }
        Ok(())
    }
}

/// What progress counts: things generated from, not rows.
fn units(step: &Step) -> u64 {
    match step {
        Step::Fill(fill) => fill.range.end.saturating_sub(fill.range.start),
        Step::MessageMonths { .. } => 0,
    }
}

/// The months from one time to another have their partitions.
async fn make_partitions(tx: &mut PgConnection, from: Time, to: Time) -> Result<(), sqlx::Error> {
    let seconds = |time: Time| (time.0 / 1_000_000).cast_signed();
    sqlx::query(
        "select create_message_partition(month::date)
         from generate_series(
           date_trunc('month', to_timestamp($1::bigint) at time zone 'UTC'),
           to_timestamp($2::bigint) at time zone 'UTC',
           interval '1 month'
         ) month",
    )
    .bind(seconds(from))
    .bind(seconds(to))
    .execute(tx)
    .await?;
    Ok(())
}

fn is_unique_violation(error: &sqlx::Error) -> bool {
    error.as_database_error().and_then(sqlx::error::DatabaseError::code).as_deref() == Some(UNIQUE_VIOLATION)
}
