//! `/internal/events/**` for the operator: how far consumers are, and what becomes of what was put aside.

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use contract::code::ErrorCode;
use contract::event::{
    ConsumerView, DeadLetter, DeadLetterState, DropLetter, Head, Replayed, SetPosition, path,
};
use contract::text::Text;
use futures_util::future::join_all;
use garde::Validate;
use http::StatusCode;
use serde::Deserialize;
use sqlx::{FromRow, PgPool};
use std::time::Duration;
use tracing::info;
use utoipa::IntoParams;
use uuid::Uuid;

use super::caller::{Operator, Reader};
use super::feed::pool;
use super::letter;
use crate::error::ApiError;
use crate::extract::{ApiJson, ApiPath, ApiQuery, ServiceCaller};
use crate::platform::Platform;

/// A producer that does not say within this how far it is, is left out.
const HEAD_LIMIT: Duration = Duration::from_secs(1);
/// The most aggregates that one request replays.
const REPLAY_AT_ONCE: i64 = 100;

#[derive(FromRow)]
struct Row {
    consumer: String,
    source: String,
    position: i64,
    parked: i64,
    updated_at: DateTime<Utc>,
}

/// `GET /internal/events/consumers`
#[utoipa::path(
    get,
    path = "/internal/events/consumers",
    tag = "events",
    responses((status = 200, body = Vec<ConsumerView>)),
    security(("service" = []))
)]
pub(super) async fn consumers(
    _: ServiceCaller<Reader>,
    State(platform): State<Platform>,
) -> Result<Json<Vec<ConsumerView>>, ApiError> {
    let rows: Vec<Row> = sqlx::query_as(
        "select p.consumer, p.source, p.position, p.updated_at,
           (
             select count(*)
             from dead_letter d
             where d.consumer = p.consumer and d.source = p.source and d.state = 'PARKED'
           ) as parked
         from consumer_position p
         order by p.consumer, p.source",
    )
    .fetch_all(pool(&platform)?)
    .await?;
    let views = rows.into_iter().map(|row| view(&platform, row));
    Ok(Json(join_all(views).await))
}

async fn view(platform: &Platform, row: Row) -> ConsumerView {
    // Only a consumer of this process names a service that may be asked.
    let lag = match platform.events().consumer(&row.consumer, &row.source) {
        Some(consumer) => {
            let head = platform.client(consumer.source, HEAD_LIMIT).get::<Head>(path::HEAD).await;
            head.ok().map(|head| (head.last_position + head.unnumbered - row.position).max(0))
        }
        None => None,
    };
    ConsumerView {
        name: row.consumer,
        source: row.source,
        position: row.position,
        lag,
        parked: row.parked,
        updated_at: row.updated_at,
    }
}

/// `POST /internal/events/consumers/{name}/{source}/position`: goes back, or forward, to a position.
#[utoipa::path(
    post,
    path = "/internal/events/consumers/{name}/{source}/position",
    tag = "events",
    params(("name" = String, Path), ("source" = String, Path)),
    request_body = SetPosition,
    responses((status = 204), (status = 404, description = "No such consumer")),
    security(("service" = []))
)]
pub(super) async fn set_position(
    _: ServiceCaller<Operator>,
    State(platform): State<Platform>,
    ApiPath((name, source)): ApiPath<(String, String)>,
    ApiJson(wanted): ApiJson<SetPosition>,
) -> Result<StatusCode, ApiError> {
    let moved = sqlx::query(
        "update consumer_position
         set position = $3, updated_at = now()
         where consumer = $1 and source = $2",
    )
    .bind(&name)
    .bind(&source)
    .bind(wanted.position)
    .execute(pool(&platform)?)
    .await?;
    if moved.rows_affected() == 0 {
        return Err(unknown(Text::new("소비자를 찾을 수 없습니다.", "There is no such consumer.")));
    }
    info!("consumer {name} of {source} goes on behind position {} now", wanted.position);
    if let Some(consumer) = platform.events().consumer(&name, &source) {
        consumer.progress.nudge();
    }
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub(super) struct Choice {
    /// `PARKED`, `REPLAYED` or `DROPPED`; all of them unless given.
    #[garde(skip)]
    state: Option<DeadLetterState>,
    #[garde(skip)]
    consumer: Option<String>,
    #[serde(default = "default_limit")]
    #[garde(range(min = 1, max = 1000))]
    limit: i64,
}

const fn default_limit() -> i64 {
    100
}

/// `GET /internal/events/dead`: in order of position.
#[utoipa::path(
    get,
    path = "/internal/events/dead",
    tag = "events",
    params(Choice),
    responses((status = 200, body = Vec<DeadLetter>)),
    security(("service" = []))
)]
pub(super) async fn dead(
    _: ServiceCaller<Operator>,
    State(platform): State<Platform>,
    ApiQuery(choice): ApiQuery<Choice>,
) -> Result<Json<Vec<DeadLetter>>, ApiError> {
    let (state, consumer) = (choice.state, choice.consumer.as_deref());
    Ok(Json(letter::list(pool(&platform)?, state, consumer, choice.limit).await?))
}

/// `GET /internal/events/dead/{id}`
#[utoipa::path(
    get,
    path = "/internal/events/dead/{id}",
    tag = "events",
    params(("id" = Uuid, Path)),
    responses((status = 200, body = DeadLetter), (status = 404, description = "No such letter")),
    security(("service" = []))
)]
pub(super) async fn dead_letter(
    _: ServiceCaller<Operator>,
    State(platform): State<Platform>,
    ApiPath(id): ApiPath<Uuid>,
) -> Result<Json<DeadLetter>, ApiError> {
    letter::find(pool(&platform)?, id).await?.map(Json).ok_or_else(no_letter)
}

/// `POST /internal/events/dead/{id}/replay`: all that is parked of its aggregate, in order.
#[utoipa::path(
    post,
    path = "/internal/events/dead/{id}/replay",
    tag = "events",
    params(("id" = Uuid, Path)),
    responses((status = 200, body = Replayed), (status = 404, description = "No such parked event")),
    security(("service" = []))
)]
pub(super) async fn replay(
    _: ServiceCaller<Operator>,
    State(platform): State<Platform>,
    ApiPath(id): ApiPath<Uuid>,
) -> Result<Json<Replayed>, ApiError> {
    let pool = pool(&platform)?;
    let found = letter::find(pool, id).await?.filter(|letter| letter.state == DeadLetterState::Parked);
    let letter = found.ok_or_else(no_letter)?;
    let aggregate = letter.event.subject;
    let mut done = replay_aggregate(&platform, &letter.consumer, &letter.source, aggregate).await?;
    done.remaining = letter::count_parked(pool, Some(aggregate)).await?;
    Ok(Json(done))
}

/// `POST /internal/events/dead/replay`: the aggregates that were tried least, and of those the ones that have
/// waited longest, up to 100 at once.
#[utoipa::path(
    post,
    path = "/internal/events/dead/replay",
    tag = "events",
    responses((status = 200, body = Replayed)),
    security(("service" = []))
)]
pub(super) async fn replay_all(
    _: ServiceCaller<Operator>,
    State(platform): State<Platform>,
) -> Result<Json<Replayed>, ApiError> {
    let pool = pool(&platform)?;
    let mut done = Replayed::default();
    for (consumer, source, aggregate) in letter::waiting(pool, REPLAY_AT_ONCE).await? {
        // What no consumer of this version takes any more can only be dropped, and must not hold up the others.
        if platform.events().consumer(&consumer, &source).is_none() {
            continue;
        }
        let one = replay_aggregate(&platform, &consumer, &source, aggregate).await?;
        done.replayed += one.replayed;
        done.failed.extend(one.failed);
    }
    done.remaining = letter::count_parked(pool, None).await?;
    Ok(Json(done))
}

async fn replay_aggregate(
    platform: &Platform,
    consumer: &str,
    source: &str,
    aggregate: Uuid,
) -> Result<Replayed, ApiError> {
    let registered = platform.events().consumer(consumer, source).ok_or_else(|| {
        unknown(Text::new(
            "이 버전에는 더 이상 없는 소비자입니다.",
            "This version has no such consumer any more: drop the event.",
        ))
    })?;
    let pool: &PgPool = pool(platform)?;
    let done = (registered.replay)(pool.clone(), aggregate).await?;
    info!(
        replayed = done.replayed,
        failed = done.failed.len(),
        "replayed parked events of aggregate {aggregate} for consumer {consumer}"
    );
    Ok(done)
}

/// `POST /internal/events/dead/{id}/drop`
#[utoipa::path(
    post,
    path = "/internal/events/dead/{id}/drop",
    tag = "events",
    params(("id" = Uuid, Path)),
    request_body = DropLetter,
    responses((status = 204), (status = 404, description = "No such parked event")),
    security(("service" = []))
)]
pub(super) async fn drop_letter(
    _: ServiceCaller<Operator>,
    State(platform): State<Platform>,
    ApiPath(id): ApiPath<Uuid>,
    ApiJson(wanted): ApiJson<DropLetter>,
) -> Result<StatusCode, ApiError> {
    if !letter::drop(pool(&platform)?, id, &wanted.reason).await? {
        return Err(no_letter());
    }
    info!("dropped the dead letter {id}");
    Ok(StatusCode::NO_CONTENT)
}

fn no_letter() -> ApiError {
    unknown(Text::new("보류된 이벤트를 찾을 수 없습니다.", "There is no such parked event."))
}

fn unknown(text: Text) -> ApiError {
    ApiError::new(ErrorCode::BadRequest).status(StatusCode::NOT_FOUND).text(text)
}
