//! Reading the outbox.

use chrono::{DateTime, TimeDelta, Utc};
use contract::event::{CloudEvent, Head, SPEC_VERSION, schema_urn, source_of};
use sqlx::types::Json;
use sqlx::{FromRow, PgPool};
use uuid::Uuid;

/// The most that the data of one answer adds up to, unless a single event is larger.
const PAGE_BYTES: i64 = 4 * 1024 * 1024;
/// No transaction takes longer from its start, which is the time of its events, to its commit.
const LONGEST_TRANSACTION: TimeDelta = TimeDelta::minutes(10);

#[derive(FromRow)]
struct Row {
    position: i64,
    event_id: Uuid,
    event_type: String,
    aggregate_id: Uuid,
    sequence: i64,
    payload: Json<serde_json::Value>,
    traceparent: Option<String>,
    created_at: DateTime<Utc>,
}

impl Row {
    fn into_event(self, source: &str) -> CloudEvent {
        CloudEvent {
            specversion: SPEC_VERSION.to_owned(),
            id: self.event_id.into(),
            source: source.to_owned(),
            dataschema: schema_urn(&self.event_type),
            kind: self.event_type,
            subject: self.aggregate_id,
            time: self.created_at,
            datacontenttype: "application/json".to_owned(),
            traceparent: self.traceparent,
            sequence: self.sequence,
            position: self.position,
            partitionkey: self.aggregate_id.to_string(),
            data: self.payload.0,
        }
    }
}

/// The events behind `after` in order of position: at most `limit`, and of bounded size.
pub(super) async fn page(
    pool: &PgPool,
    service: &str,
    after: i64,
    limit: i64,
) -> Result<Vec<CloudEvent>, sqlx::Error> {
    let rows: Vec<Row> = sqlx::query_as(
        "select position, event_id, event_type, aggregate_id, sequence, payload, traceparent, created_at
         from (
           select *, sum(octet_length(payload::text)) over (order by position) as bytes
           from (select * from outbox where position > $1 order by position limit $2) page
         ) measured
         where bytes <= $3 or position = $1 + 1
         order by position",
    )
    .bind(after)
    .bind(limit)
    .bind(PAGE_BYTES)
    .fetch_all(pool)
    .await?;
    let source = source_of(service);
    Ok(rows.into_iter().map(|row| row.into_event(&source)).collect())
}

/// The last position given out.
pub(super) async fn last_position(pool: &PgPool) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar("select last_position from outbox_sequencer").fetch_one(pool).await
}

/// The last position that was dropped; 0 when nothing was.
pub(super) async fn dropped(pool: &PgPool) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar(
        "select coalesce((select min(position) - 1 from outbox), last_position) from outbox_sequencer",
    )
    .fetch_one(pool)
    .await
}

/// How far the feed reaches, and what is not in it yet.
pub(super) async fn measure(pool: &PgPool, service: &str) -> Result<Head, sqlx::Error> {
    let (last_position, unnumbered, age_ms): (i64, i64, i64) = sqlx::query_as(
        "select
           (select last_position from outbox_sequencer),
           count(*),
           coalesce((extract(epoch from clock_timestamp() - min(created_at)) * 1000)::bigint, 0)
         from outbox
         where position is null",
    )
    .fetch_one(pool)
    .await?;
    let oldest: Option<(i64, DateTime<Utc>)> = sqlx::query_as(
        "select position, created_at from outbox where position is not null order by position limit 1",
    )
    .fetch_optional(pool)
    .await?;
    Ok(Head {
        source: service.to_owned(),
        last_position,
        unnumbered,
        unnumbered_age_ms: age_ms.max(0),
        oldest_position: oldest.map(|(position, _)| position),
        oldest_time: oldest.map(|(_, time)| time),
    })
}

/// A position at and before which nothing is as young as `time`, and not far before the first that is.
///
/// An event carries the time its transaction began, and stands where that transaction's commit put it, so times
/// are not in the order of positions. But an event that stands before another cannot be more than the longest
/// transaction younger. So a search by halves for what is older by that much never passes a young one.
pub(super) async fn position_before(pool: &PgPool, time: DateTime<Utc>) -> Result<i64, sqlx::Error> {
    let (mut low, mut high) = (dropped(pool).await?, last_position(pool).await?);
    while low < high {
        let middle = low + (high - low + 1) / 2;
        let at: Option<DateTime<Utc>> =
            sqlx::query_scalar("select created_at from outbox where position = $1")
                .bind(middle)
                .fetch_optional(pool)
                .await?;
        // One that is not seen may just be moving into a new partition: it counts as young, so that nobody passes
        // it over and nobody drops it.
        if at.is_some_and(|at| at < time - LONGEST_TRANSACTION) {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    Ok(low)
}
