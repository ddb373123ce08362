//! `/internal/maintenance/**` for batch: what is old is removed, and a day is counted.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use chassis::extract::{ApiJson, ApiQuery, Callers, Day, DayParam, ServiceCaller};
use chassis::idempotency::{self, Answer, Claim, IdempotencyKey};
use chassis::{ApiError, db};
use chrono::{DateTime, Utc};
use contract::auth::maintenance::{DayStatistics, PurgeTokens, PurgedTokens};
use contract::claims::OPERATOR;
use contract::code::ErrorCode;
use contract::problem::Problem;
use contract::text::Text;
use garde::Validate;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use tracing::info;
use utoipa::IntoParams;

use crate::domain::purge::{NoPlace, Place};
use crate::error::Error;
use crate::purge;
use crate::repository::purge::Mode;
use crate::repository::statistics;
use crate::state::AppState;

/// Who may remove what is old.
pub struct Maintainers;

impl Callers for Maintainers {
    const ALLOWED: &'static [&'static str] = &["batch", OPERATOR];
}

/// Which part of the work.
#[derive(Debug, Serialize, Deserialize, Validate, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Chunk {
    /// `next` of the chunk before; absent for the first.
    #[garde(skip)]
    after: Option<String>,
    /// 1 to 5000 rows, not counting the tokens of sessions.
    #[serde(default = "default_limit")]
    #[garde(range(min = 1, max = 5000))]
    limit: i64,
    /// Lists what would be done, and changes nothing. Needs no key.
    #[serde(default)]
    #[garde(skip)]
    dry_run: bool,
}

const fn default_limit() -> i64 {
    500
}

/// Removes sessions that are over with their tokens, expired tokens of the others, empty buckets of failed logins and,
/// when asked to, old entries of the security trail.
#[utoipa::path(
    post,
    path = "/internal/maintenance/tokens/purge",
    tag = "maintenance",
    params(Chunk, ("idempotency-key" = Option<String>, Header, description = "Sent again with the same key, the chunk is answered as before")),
    request_body = PurgeTokens,
    responses(
        (status = 200, description = "What this chunk has removed, or would", body = PurgedTokens),
        (status = 400, description = "E002; E003: a time is in the future", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "E002: the key was used for another chunk", body = Problem, content_type = "application/problem+json"),
    ),
    security(("service" = []))
)]
pub async fn purge_tokens(
    State(state): State<AppState>,
    caller: ServiceCaller<Maintainers>,
    key: Option<IdempotencyKey>,
    ApiQuery(chunk): ApiQuery<Chunk>,
    ApiJson(wanted): ApiJson<PurgeTokens>,
) -> Result<Response, Error> {
    not_in_the_future("expiredBefore", Some(wanted.expired_before))?;
    not_in_the_future("auditBefore", wanted.audit_before)?;
    let place = chunk.after.as_deref().map_or(Ok(Place::FIRST), str::parse).map_err(|NoPlace| {
        let text = Text::new("이전 응답의 next 값이 아닙니다.", "This is not what an answer said as next.");
        ApiError::new(ErrorCode::Validation).field("after", text)
    })?;
    let mode = if chunk.dry_run { Mode::Rehearse } else { Mode::Remove };
    let mut tx = db::begin(&state.db).await?;
    // What changes nothing is not remembered.
    let claimed = match key.filter(|_| mode == Mode::Remove) {
        None => None,
        Some(key) => match key.claim(&mut tx, &caller.name, &(&chunk, &wanted)).await? {
            Claim::Fresh(claimed) => Some(claimed),
            Claim::Replay(answer) => return Ok(answer.replayed()),
        },
    };
    let done = purge::chunk(&mut tx, &wanted, place, chunk.limit, mode).await?;
    let answer = Answer::json(StatusCode::OK, &done).map_err(ApiError::internal)?;
    if let Some(claimed) = claimed {
        idempotency::finish(&mut tx, &claimed, &answer).await?;
    }
    tx.commit().await?;
    if done.processed > 0 && mode == Mode::Remove {
        let (by, sessions, tokens, audit) = (&caller.name, done.sessions, done.tokens, done.audit);
        info!(by, sessions, tokens, audit, "purged {sessions} sessions and {tokens} tokens for {by}");
    }
    Ok(answer.into_response())
}

/// Counts what happened on a day of UTC, which is a working day of Seoul from nine to nine.
#[utoipa::path(
    get,
    path = "/internal/maintenance/statistics",
    tag = "maintenance",
    params(DayParam),
    responses(
        (status = 200, description = "The day so far, if it is not over", body = DayStatistics),
        (status = 400, description = "E002", body = Problem, content_type = "application/problem+json"),
    ),
    security(("service" = []))
)]
pub async fn day_statistics(
    State(state): State<AppState>,
    _caller: ServiceCaller<Maintainers>,
    Day { day, from, to }: Day,
) -> Result<Json<DayStatistics>, Error> {
    let mut tx = db::begin(&state.db).await?;
    let logins = statistics::logins(&mut tx, from, to).await?;
    let sessions = statistics::sessions(&mut tx, from, to, logins.succeeded).await?;
    let active_users = statistics::active_users(&mut tx, from, to).await?;
    tx.commit().await?;
    Ok(Json(DayStatistics { day, logins, sessions, active_users }))
}

fn not_in_the_future(field: &'static str, time: Option<DateTime<Utc>>) -> Result<(), ApiError> {
    if time.is_some_and(|time| time > Utc::now()) {
        let text = Text::new("미래의 시각입니다.", "This is in the future.");
        return Err(ApiError::new(ErrorCode::Validation).field(field, text));
    }
    Ok(())
}
