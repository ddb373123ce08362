//! `/internal/maintenance/**` for batch: accounts that nobody uses are found and settled, and a day is counted.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use chassis::extract::{ApiJson, ApiQuery, Callers, Day, DayParam, ServiceCaller};
use chassis::idempotency::{self, Answer, Claim, IdempotencyKey};
use chassis::{ApiError, db};
use chrono::{DateTime, Utc};
use contract::claims::OPERATOR;
use contract::code::ErrorCode;
use contract::problem::Problem;
use contract::text::Text;
use contract::user::maintenance::{
    DayStatistics, InactiveUser, InactiveUsers, SettleUsers, SettledUsers, Settlement,
};
use garde::Validate;
use http::StatusCode;
use serde::Deserialize;
use sqlx::PgConnection;
use tracing::info;
use utoipa::IntoParams;

use crate::domain::inactive::{NoPlace, Place};
use crate::error::Error;
use crate::repository::{inactive, statistics};
use crate::settlement;
use crate::state::AppState;

/// Who may close what nobody uses.
pub struct Maintainers;

impl Callers for Maintainers {
    const ALLOWED: &'static [&'static str] = &["batch", OPERATOR];
}

/// Which accounts, and how many of them.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Wanted {
    /// Open accounts that were last used before this are to be closed.
    #[garde(skip)]
    inactive_before: DateTime<Utc>,
    /// Accounts that were closed before this are to say nothing any more.
    #[garde(skip)]
    withdrawn_before: DateTime<Utc>,
    /// `next` of the chunk before; absent for the first.
    #[garde(skip)]
    after: Option<String>,
    /// 1 to 500 accounts.
    #[serde(default = "default_limit")]
    #[garde(range(min = 1, max = 500))]
    limit: i64,
}

const fn default_limit() -> i64 {
    100
}

/// Accounts of which something is to become. Nothing is changed.
#[utoipa::path(
    get,
    path = "/internal/maintenance/inactive-users",
    tag = "maintenance",
    params(Wanted),
    responses(
        (status = 200, description = "A chunk of them", body = InactiveUsers),
        (status = 400, description = "E002; E003: a time is in the future", body = Problem, content_type = "application/problem+json"),
    ),
    security(("service" = []))
)]
pub async fn list_inactive_users(
    State(state): State<AppState>,
    _caller: ServiceCaller<Maintainers>,
    ApiQuery(wanted): ApiQuery<Wanted>,
) -> Result<Json<InactiveUsers>, Error> {
    not_in_the_future("inactiveBefore", wanted.inactive_before)?;
    not_in_the_future("withdrawnBefore", wanted.withdrawn_before)?;
    let first = Place::first(Settlement::Deactivate);
    let place = wanted.after.as_deref().map_or(Ok(first), str::parse).map_err(|NoPlace| {
        let text = Text::new("이전 응답의 next 값이 아닙니다.", "This is not what an answer said as next.");
        ApiError::new(ErrorCode::Validation).field("after", text)
    })?;
    let mut tx = db::begin(&state.db).await?;
    let found = chunk(&mut tx, &wanted, place).await?;
    tx.commit().await?;
    Ok(Json(found))
}

/// Those behind `place`: open ones, and when there are no more of them, closed ones.
async fn chunk(db: &mut PgConnection, wanted: &Wanted, place: Place) -> Result<InactiveUsers, sqlx::Error> {
    let total = match wanted.after {
        None => Some(inactive::count(db, wanted.inactive_before, wanted.withdrawn_before).await?),
        Some(_) => None,
    };
    let (mut users, place) = match place.action {
        Settlement::Deactivate => {
            let idle = inactive::idle(db, wanted.inactive_before, place, wanted.limit).await?;
            (idle, Place::first(Settlement::Pseudonymise))
        }
        Settlement::Pseudonymise => (Vec::new(), place),
    };
    let left = wanted.limit - i64::try_from(users.len()).unwrap_or(i64::MAX);
    if left > 0 {
        users.extend(inactive::withdrawn(db, wanted.withdrawn_before, place, left).await?);
    }
    let is_full = i64::try_from(users.len()).is_ok_and(|found| found == wanted.limit);
    let behind =
        |last: &InactiveUser| Place { action: last.action, since: last.since, id: last.id }.to_string();
    let next = users.last().filter(|_| is_full).map(behind);
    Ok(InactiveUsers { users, next, total })
}

/// Closes or pseudonymises accounts that are still as they were seen.
#[utoipa::path(
    post,
    path = "/internal/maintenance/inactive-users",
    tag = "maintenance",
    params(("idempotency-key" = Option<String>, Header, description = "Sent again with the same key, they are answered as before")),
    request_body = SettleUsers,
    responses(
        (status = 200, description = "What became of each", body = SettledUsers),
        (status = 400, description = "E002, E003", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "E002: the key was used for others", body = Problem, content_type = "application/problem+json"),
    ),
    security(("service" = []))
)]
pub async fn settle_inactive_users(
    State(state): State<AppState>,
    caller: ServiceCaller<Maintainers>,
    key: Option<IdempotencyKey>,
    ApiJson(wanted): ApiJson<SettleUsers>,
) -> Result<Response, Error> {
    let mut tx = db::begin(&state.db).await?;
    let claimed = match key {
        None => None,
        Some(key) => match key.claim(&mut tx, &caller.name, &wanted).await? {
            Claim::Fresh(claimed) => Some(claimed),
            Claim::Replay(answer) => return Ok(answer.replayed()),
        },
    };
    let settled = settlement::settle(&mut tx, &wanted.users).await?;
    let answer = Answer::json(StatusCode::OK, &settled).map_err(ApiError::internal)?;
    if let Some(claimed) = claimed {
        idempotency::finish(&mut tx, &claimed, &answer).await?;
    }
    tx.commit().await?;
    let (by, deactivated, pseudonymised) = (&caller.name, settled.deactivated, settled.pseudonymised);
    if deactivated + pseudonymised > 0 {
        info!(
            by,
            deactivated,
            pseudonymised,
            "closed {deactivated} accounts for {by}, pseudonymised {pseudonymised}"
        );
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
    let statistics = statistics::day(&mut tx, day, from, to).await?;
    tx.commit().await?;
    Ok(Json(statistics))
}

fn not_in_the_future(field: &'static str, time: DateTime<Utc>) -> Result<(), ApiError> {
    if time > Utc::now() {
        let text = Text::new("미래의 시각입니다.", "This is in the future.");
        return Err(ApiError::new(ErrorCode::Validation).field(field, text));
    }
    Ok(())
}
