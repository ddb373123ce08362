//! Dead letters: events that were put aside, so that those of other aggregates are not held up.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use contract::event::{CloudEvent, DeadLetter, DeadLetterState, Replayed};
use futures_util::future::BoxFuture;
use sqlx::types::Json;
use sqlx::{FromRow, PgConnection, PgPool};
use uuid::Uuid;

/// Replays what is parked of one aggregate, in order. Made by the consumer, which has the handler.
pub(super) type Replay =
    Arc<dyn Fn(PgPool, Uuid) -> BoxFuture<'static, Result<Replayed, sqlx::Error>> + Send + Sync>;

/// Longer texts of errors are cut.
const MAX_ERROR: usize = 2000;

#[derive(FromRow)]
struct Row {
    id: Uuid,
    consumer: String,
    source: String,
    event: Json<CloudEvent>,
    error: String,
    attempts: i32,
    state: String,
    reason: Option<String>,
    parked_at: DateTime<Utc>,
    resolved_at: Option<DateTime<Utc>>,
}

impl From<Row> for DeadLetter {
    fn from(row: Row) -> Self {
        let state = match row.state.as_str() {
            "REPLAYED" => DeadLetterState::Replayed,
            "DROPPED" => DeadLetterState::Dropped,
            // The table knows no fourth state.
            _ => DeadLetterState::Parked,
        };
        Self {
            id: row.id,
            consumer: row.consumer,
            source: row.source,
            state,
            error: row.error,
            attempts: row.attempts,
            reason: row.reason,
            parked_at: row.parked_at,
            resolved_at: row.resolved_at,
            event: row.event.0,
        }
    }
}

/// Whose event it is to take: a consumer and its source.
#[derive(Debug, Clone, Copy)]
pub(super) struct Of<'a> {
    pub(super) consumer: &'a str,
    pub(super) source: &'a str,
}

/// The first parked position of each of these aggregates, if it has one.
pub(super) async fn parked(
    db: &mut PgConnection,
    of: Of<'_>,
    aggregates: &[Uuid],
) -> Result<HashMap<Uuid, i64>, sqlx::Error> {
    let rows: Vec<(Uuid, i64)> = sqlx::query_as(
        "select aggregate_id, min(position)
         from dead_letter
         where consumer = $1 and source = $2 and state = 'PARKED' and aggregate_id = any($3)
         group by aggregate_id",
    )
    .bind(of.consumer)
    .bind(of.source)
    .bind(aggregates)
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().collect())
}

/// Puts an event aside. One that is parked already stays as it is; one that was replayed or dropped before, and
/// came again, waits for a new decision.
pub(super) async fn park(
    db: &mut PgConnection,
    of: Of<'_>,
    event: &CloudEvent,
    error: &str,
    attempts: i32,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "insert into dead_letter
           (consumer, source, position, event_id, event_type, aggregate_id, event, error, attempts)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         on conflict (consumer, source, event_id) do update
         set
           position = excluded.position,
           event = excluded.event,
           error = excluded.error,
           attempts = excluded.attempts,
           state = 'PARKED',
           reason = null,
           parked_at = now(),
           resolved_at = null
         where dead_letter.state <> 'PARKED'",
    )
    .bind(of.consumer)
    .bind(of.source)
    .bind(event.position)
    .bind(event.id.as_uuid())
    .bind(&event.kind)
    .bind(event.subject)
    .bind(Json(event))
    .bind(shortened(error))
    .bind(attempts)
    .execute(db)
    .await?;
    Ok(())
}

/// The first parked event of an aggregate. Locked, so that nobody drops what is about to take effect.
pub(super) async fn first_parked(
    db: &mut PgConnection,
    of: Of<'_>,
    aggregate: Uuid,
) -> Result<Option<(Uuid, CloudEvent)>, sqlx::Error> {
    let row: Option<(Uuid, Json<CloudEvent>)> = sqlx::query_as(
        "select id, event
         from dead_letter
         where consumer = $1 and source = $2 and state = 'PARKED' and aggregate_id = $3
         order by position
         limit 1
         for update",
    )
    .bind(of.consumer)
    .bind(of.source)
    .bind(aggregate)
    .fetch_optional(db)
    .await?;
    Ok(row.map(|(id, event)| (id, event.0)))
}

/// The event has taken effect after all.
pub(super) async fn replayed(db: &mut PgConnection, id: Uuid) -> Result<(), sqlx::Error> {
    sqlx::query("update dead_letter set state = 'REPLAYED', resolved_at = now() where id = $1")
        .bind(id)
        .execute(db)
        .await?;
    Ok(())
}

/// It failed once more.
pub(super) async fn failed_again(pool: &PgPool, id: Uuid, error: &str) -> Result<(), sqlx::Error> {
    sqlx::query(
        "update dead_letter set attempts = attempts + 1, error = $2 where id = $1 and state = 'PARKED'",
    )
    .bind(id)
    .bind(shortened(error))
    .execute(pool)
    .await?;
    Ok(())
}

/// False when there is no such parked letter.
pub(super) async fn drop(pool: &PgPool, id: Uuid, reason: &str) -> Result<bool, sqlx::Error> {
    let dropped = sqlx::query(
        "update dead_letter
         set state = 'DROPPED', reason = $2, resolved_at = now()
         where id = $1 and state = 'PARKED'",
    )
    .bind(id)
    .bind(reason)
    .execute(pool)
    .await?;
    Ok(dropped.rows_affected() == 1)
}

/// One letter in whatever state.
pub(super) async fn find(pool: &PgPool, id: Uuid) -> Result<Option<DeadLetter>, sqlx::Error> {
    let row: Option<Row> = sqlx::query_as(
        "select id, consumer, source, event, error, attempts, state, reason, parked_at, resolved_at
         from dead_letter
         where id = $1",
    )
    .bind(id)
    .fetch_optional(pool)
    .await?;
    Ok(row.map(DeadLetter::from))
}

/// Oldest first.
pub(super) async fn list(
    pool: &PgPool,
    state: Option<DeadLetterState>,
    consumer: Option<&str>,
    limit: i64,
) -> Result<Vec<DeadLetter>, sqlx::Error> {
    let rows: Vec<Row> = sqlx::query_as(
        "select id, consumer, source, event, error, attempts, state, reason, parked_at, resolved_at
         from dead_letter
         where ($1::text is null or state = $1) and ($2::text is null or consumer = $2)
         order by consumer, source, position
         limit $3",
    )
    .bind(state.map(DeadLetterState::as_str))
    .bind(consumer)
    .bind(limit)
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(DeadLetter::from).collect())
}

/// The aggregates that have something parked, oldest first, with their consumer and source.
pub(super) async fn waiting(pool: &PgPool, limit: i64) -> Result<Vec<(String, String, Uuid)>, sqlx::Error> {
    sqlx::query_as(
        "select consumer, source, aggregate_id
         from dead_letter
         where state = 'PARKED'
         group by consumer, source, aggregate_id
         order by max(attempts), min(parked_at)
         limit $1",
    )
    .bind(limit)
    .fetch_all(pool)
    .await
}

/// How many are parked, of one aggregate or of all.
pub(super) async fn count_parked(pool: &PgPool, aggregate: Option<Uuid>) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar(
        "select count(*) from dead_letter where state = 'PARKED' and ($1::uuid is null or aggregate_id = $1)",
    )
    .bind(aggregate)
    .fetch_one(pool)
    .await
}

/// How many are parked, for every consumer there is.
pub(super) async fn count_by_consumer(pool: &PgPool) -> Result<Vec<(String, String, i64)>, sqlx::Error> {
    sqlx::query_as(
        "select p.consumer, p.source, count(d.id)
         from consumer_position p
         left join dead_letter d
           on d.consumer = p.consumer and d.source = p.source and d.state = 'PARKED'
         group by p.consumer, p.source",
    )
    .fetch_all(pool)
    .await
}

fn shortened(error: &str) -> &str {
    &error[..error.floor_char_boundary(MAX_ERROR)]
}
