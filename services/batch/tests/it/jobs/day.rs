//! The day that reports of a town are about: one of the past, so that no test depends on the hour at which it runs.

use axum::Json;
use axum::response::{IntoResponse as _, Response};
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use contract::payment::Entry;
use sqlx::{AssertSqlSafe, ConnectOptions as _};

use super::town::Town;

/// On which everything happens that is done in a town before a run begins, at noon, whatever the day is outside.
pub(crate) const DAY: NaiveDate = NaiveDate::from_ymd_opt(2026, 3, 2).unwrap();
/// Larger than any answer of the provider here.
const ANSWER: usize = 1 << 20;

impl Town {
    /// What was written down since the town was built happened on the day.
    pub(super) async fn date(&self) {
        // Of store, and of chat.
        for (database, tables) in [
            (self.site.databases.first(), &["\"order\"", "order_history", "payment"][..]),
            (self.site.databases.last(), &["chat_room", "message"]),
        ] {
            let mut db = database.unwrap().superuser().connect().await.unwrap();
            // Histories only grow, for others.
            let (seconds, noon) = (self.site.since_noon.num_seconds(), noon(DAY) + self.site.since_noon);
            let dated = tables.iter().map(|table| {
                format!(
                    "; update {table} set created_at = created_at - interval '{seconds} seconds'
                     where created_at >= '{}'",
                    noon.to_rfc3339()
                )
            });
            let sql: String =
                std::iter::once("set session_replication_role = replica".to_owned()).chain(dated).collect();
            sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut db).await.unwrap();
        }
    }
}

/// What the provider has booked since the town was built happened on the day.
pub(super) async fn dated(answer: Response, since_noon: TimeDelta) -> Response {
    let (parts, body) = answer.into_parts();
    let bytes = axum::body::to_bytes(body, ANSWER).await.unwrap();
    // No other of its answers is a list of entries.
    match serde_json::from_slice::<Vec<Entry>>(&bytes) {
        Ok(mut entries) => {
            for entry in &mut entries {
                entry.at -= since_noon;
            }
            Json(entries).into_response()
        }
        Err(_) => Response::from_parts(parts, bytes.into()),
    }
}

pub(super) fn noon(day: NaiveDate) -> DateTime<Utc> {
    midnight(day) + TimeDelta::hours(12)
}

pub(super) fn day_after() -> DateTime<Utc> {
    noon(DAY) + TimeDelta::days(1)
}

pub(crate) fn midnight(day: NaiveDate) -> DateTime<Utc> {
    day.and_time(chrono::NaiveTime::MIN).and_utc()
}
