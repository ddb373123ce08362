//! One migration of a database at a time, on the same advisory lock that sqlx takes.

use std::time::Duration;

use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Row as _};

use super::MigrationError;

/// How long to wait for another migration before giving up.
const WAIT_LIMIT: Duration = Duration::from_mins(1);
/// SQLSTATE of a lock that was not granted in time.
pub(super) const LOCK_NOT_AVAILABLE: &str = "55P03";

/// Takes the lock; `on_wait` hears who holds it when that is not at once.
pub(super) async fn acquire(
    connection: &mut PgConnection,
    database: &str,
    on_wait: impl FnOnce(&str),
) -> Result<(), MigrationError> {
    let failed = |source| MigrationError::Lock { database: database.to_owned(), source };
    let name: String =
        sqlx::query_scalar("select current_database()").fetch_one(&mut *connection).await.map_err(failed)?;
    let key = key(&name);
    let free: bool = sqlx::query_scalar("select pg_try_advisory_lock($1)")
        .bind(key)
        .fetch_one(&mut *connection)
        .await
        .map_err(failed)?;
    if free {
        return Ok(());
    }
    let holder = holder(connection, key).await.map_err(failed)?;
    on_wait(&holder);
    let limit = format!("set lock_timeout = {}", WAIT_LIMIT.as_millis());
    sqlx::raw_sql(AssertSqlSafe(limit)).execute(&mut *connection).await.map_err(failed)?;
    let taken = sqlx::query("select pg_advisory_lock($1)").bind(key).execute(&mut *connection).await;
    match taken {
        Ok(_) => Ok(()),
        Err(source) if code(&source).as_deref() == Some(LOCK_NOT_AVAILABLE) => {
            Err(MigrationError::Held { database: database.to_owned(), holder, waited: WAIT_LIMIT })
        }
        Err(source) => Err(failed(source)),
    }
}

/// Names the session that holds the lock.
async fn holder(connection: &mut PgConnection, key: i64) -> Result<String, sqlx::Error> {
    let row = sqlx::query(
        "select pid, application_name
         from pg_locks
         join pg_stat_activity using (pid)
         where locktype = 'advisory'
           and granted
           and objsubid = 1
           and ((classid::bigint << 32) | objid::bigint) = $1
           and database = (select oid from pg_database where datname = current_database())
         limit 1",
    )
    .bind(key)
    .fetch_optional(connection)
    .await?;
    let Some(row) = row else {
        return Ok(String::from("a session that has just ended"));
    };
    let (pid, application): (i32, String) = (row.try_get(0)?, row.try_get(1)?);
    let application = if application.is_empty() { "an unnamed client" } else { &application };
    Ok(format!("{application}, server process {pid}"))
}

pub(super) fn code(error: &sqlx::Error) -> Option<String> {
    error.as_database_error()?.code().map(std::borrow::Cow::into_owned)
}

/// sqlx's key for a database: its constant times the CRC-32 of the name (sqlx-postgres, `migrate.rs`).
pub(super) fn key(database: &str) -> i64 {
    0x3d32_ad9e * i64::from(crc32(database.as_bytes()))
}

/// CRC-32 as in ISO-HDLC. A dozen bytes once per run need no table.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(
            crc ^ u32::from(*byte),
            |crc, _| {
                if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 }
            },
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crc_gives_the_published_check_value() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
    }
}
