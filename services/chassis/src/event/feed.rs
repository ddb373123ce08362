//! `GET /internal/events`: what has happened, in order of position, to whoever follows.

use std::time::Duration;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, TimeDelta, Utc};
use contract::code::ErrorCode;
use contract::event::{BATCH_CONTENT_TYPE, CloudEvent, HEAD_HEADER, Head, MAX_BATCH};
use contract::text::Text;
use garde::Validate;
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde::Deserialize;
use sqlx::PgPool;
use tokio::time::{Instant, timeout_at};
use utoipa::IntoParams;

use super::caller::Reader;
use super::{outbox, retention};
use crate::context;
use crate::error::ApiError;
use crate::extract::{ApiQuery, ServiceCaller};
use crate::platform::Platform;

/// What an answer may take beyond its wait.
const GRACE: Duration = Duration::from_millis(500);
const DEFAULT_LIMIT: u32 = 100;
const HEAD: HeaderName = HeaderName::from_static(HEAD_HEADER);

#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub(super) struct Ask {
    /// The last position that the caller has.
    #[serde(default)]
    #[garde(range(min = 0))]
    after: i64,
    /// The most events to answer.
    #[serde(default = "default_limit")]
    #[garde(range(min = 1, max = MAX_BATCH))]
    limit: u32,
    /// How many seconds to wait for an event when there is none; less when the request's deadline is nearer.
    #[serde(default)]
    #[garde(range(max = 30))]
    wait: u64,
    /// Skips what is older, as far as that is easily told: older ones may come along.
    #[garde(skip)]
    since: Option<DateTime<Utc>>,
}

const fn default_limit() -> u32 {
    DEFAULT_LIMIT
}

/// An empty array is the answer when nothing happened within the wait.
#[utoipa::path(
    get,
    path = "/internal/events",
    tag = "events",
    params(Ask),
    responses(
        (status = 200, body = Vec<CloudEvent>, content_type = BATCH_CONTENT_TYPE),
        (status = 409, description = "There never was such a position: the producer has started anew"),
        (status = 410, description = "What follows was dropped for its age"),
    ),
    security(("service" = []))
)]
pub(super) async fn feed(
    _: ServiceCaller<Reader>,
    State(platform): State<Platform>,
    ApiQuery(ask): ApiQuery<Ask>,
) -> Result<Response, ApiError> {
    let pool = platform.events().readers(pool(&platform)?);
    let after = start(pool, &ask).await?;
    let deadline = deadline(ask.wait);
    let mut head = platform.events().head();
    let _waiting = platform.events().wait();
    // A statement that was planned before a partition was attached does not see what was moved into it.
    let mut looked_again = false;
    loop {
        let last = outbox::last_position(pool).await?;
        let events = outbox::page(pool, platform.base().service, after, ask.limit.into()).await?;
        match check(&events, after, last) {
            Ok(()) => looked_again = false,
            Err(problem) if looked_again => return Err(problem),
            Err(_) => {
                looked_again = true;
                continue;
            }
        }
        if !events.is_empty() {
            return Ok(answer(&events, last));
        }
        let news = async {
            tokio::select! {
                // The sender lives in the platform.
                _ = head.wait_for(|head| *head > after) => true,
                () = platform.drain().begun() => false,
            }
        };
        if !timeout_at(deadline, news).await.unwrap_or(false) {
            return Ok(answer(&[], last));
        }
    }
}

/// `GET /internal/events/head`: how far the feed reaches.
#[utoipa::path(
    get,
    path = "/internal/events/head",
    tag = "events",
    responses((status = 200, body = Head)),
    security(("service" = []))
)]
pub(super) async fn head(
    _: ServiceCaller<Reader>,
    State(platform): State<Platform>,
) -> Result<axum::Json<Head>, ApiError> {
    Ok(axum::Json(outbox::measure(pool(&platform)?, platform.base().service).await?))
}

/// The database of this service.
///
/// # Errors
/// 503 before it is attached.
pub(super) fn pool(platform: &Platform) -> Result<&PgPool, ApiError> {
    platform.health().database().ok_or_else(|| ErrorCode::UpstreamUnavailable.into())
}

/// The position to answer from.
async fn start(pool: &PgPool, ask: &Ask) -> Result<i64, ApiError> {
    let Some(since) = ask.since else {
        return Ok(ask.after);
    };
    // Only what is older than this is ever dropped, so younger ones are all there.
    let kept = TimeDelta::from_std(retention::KEPT).map_err(ApiError::internal)?;
    if since < Utc::now() - kept {
        let dropped = outbox::dropped(pool).await?;
        return if dropped > ask.after { Err(gone(ask.after, dropped + 1)) } else { Ok(ask.after) };
    }
    Ok(ask.after.max(outbox::position_before(pool, since).await?))
}

/// Positions have no gaps, so whatever is missing behind `after` was dropped. `last` was read before `events`.
fn check(events: &[CloudEvent], after: i64, last: i64) -> Result<(), ApiError> {
    let first = events.first().map(|event| event.position);
    if first.is_none() && after > last {
        return Err(ahead(after, last));
    }
    let dropped = first.map_or(last, |first| first - 1);
    if after < dropped { Err(gone(after, dropped + 1)) } else { Ok(()) }
}

fn answer(events: &[CloudEvent], last: i64) -> Response {
    let body = serde_json::to_vec(events).expect("an event has only strings, and data that was JSON before");
    let head = events.last().map_or(last, |event| event.position.max(last));
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(BATCH_CONTENT_TYPE)),
        (HEAD, HeaderValue::from(head)),
    ];
    (headers, body).into_response()
}

/// Until when to wait: within the request's deadline, with time left to answer.
fn deadline(wait: u64) -> Instant {
    let wanted = Instant::now() + Duration::from_secs(wait);
    match context::budget() {
        Some(budget) => wanted.min(budget.deadline().checked_sub(GRACE).unwrap_or_else(Instant::now)),
        None => wanted,
    }
}

fn gone(after: i64, first: i64) -> ApiError {
    let text = Text::owned(
        format!("{after} 다음의 이벤트는 보존 기간이 지나 삭제되었습니다. 남은 첫 이벤트는 {first}입니다."),
        format!(
            "The events after {after} were dropped for their age; the first that may be there is {first}. \
             Load the present state from the service itself, then go on from {}.",
            first - 1
        ),
    );
    ApiError::new(ErrorCode::BadRequest).status(StatusCode::GONE).text(text)
}

fn ahead(after: i64, last: i64) -> ApiError {
    let text = Text::owned(
        format!("{after}번 이벤트는 없습니다. 마지막 이벤트는 {last}입니다."),
        format!(
            "There never was an event {after}, the last is {last}: this service's database was replaced. \
             Load the present state from the service itself, then go on from {last}."
        ),
    );
    ApiError::new(ErrorCode::BadRequest).status(StatusCode::CONFLICT).text(text)
}
