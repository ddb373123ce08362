//! `/internal/maintenance/**` for batch: what is due is swept, payments are reconciled, and a day is counted.

use axum::Json;
use axum::extract::State;
use chassis::extract::{ApiQuery, Callers, ServiceCaller};
use chassis::{ApiError, db};
use chrono::{NaiveDate, NaiveTime};
use contract::claims::OPERATOR;
use contract::code::ErrorCode;
use contract::problem::Problem;
use contract::store::maintenance::{DayStatistics, ExpiredOrders, ReconciledPayments};
use garde::Validate;
use serde::Deserialize;
use utoipa::IntoParams;

use super::keyset;
use crate::error::Error;
use crate::reconciliation::{self, Place};
use crate::repository::{saga_list, statistics};
use crate::saga::Swept;
use crate::state::AppState;

/// Who keeps the store in order.
pub struct Maintainers;

impl Callers for Maintainers {
    const ALLOWED: &'static [&'static str] = &["batch", OPERATOR];
}

/// How much of the work.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Sweep {
    /// 1 to 1000 sagas.
    #[serde(default = "default_limit")]
    #[garde(range(min = 1, max = 1000))]
    limit: u32,
    /// Lists what would be done, and changes nothing.
    #[serde(default)]
    #[garde(skip)]
    dry_run: bool,
}

const fn default_limit() -> u32 {
    100
}

/// Which part of a day's payments.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DayChunk {
    /// `YYYY-MM-DD`, of UTC.
    #[garde(skip)]
    #[param(format = Date)]
    day: NaiveDate,
    /// `next` of the chunk before; absent for the first.
    #[garde(skip)]
    after: Option<String>,
    /// 1 to 500 payments.
    #[serde(default = "default_limit")]
    #[garde(range(min = 1, max = 500))]
    limit: u32,
}

#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Day {
    /// `YYYY-MM-DD`, of UTC.
    #[garde(skip)]
    #[param(format = Date)]
    day: NaiveDate,
}

/// Drives what is due to its next rest, orders past their deadline first of all to their end. The store does so by
/// itself, too: repeating this is harmless.
#[utoipa::path(
    post,
    path = "/internal/maintenance/orders/expire",
    tag = "maintenance",
    params(Sweep),
    responses(
        (status = 200, description = "What was found and done", body = ExpiredOrders),
        (status = 400, description = "E002, E003", body = Problem, content_type = "application/problem+json"),
    ),
    security(("service" = []))
)]
pub async fn expire_orders(
    State(state): State<AppState>,
    _caller: ServiceCaller<Maintainers>,
    ApiQuery(wanted): ApiQuery<Sweep>,
) -> Result<Json<ExpiredOrders>, Error> {
    let mut tx = db::begin(&state.db).await?;
    let overdue = saga_list::overdue(&mut tx, wanted.limit.into()).await?;
    tx.commit().await?;
    let swept = if wanted.dry_run { Swept::default() } else { state.sagas.sweep(wanted.limit).await? };
    let mut tx = db::begin(&state.db).await?;
    let stuck = saga_list::stuck(&mut tx).await?;
    tx.commit().await?;
    Ok(Json(ExpiredOrders {
        dry_run: wanted.dry_run,
        overdue,
        processed: swept.taken.into(),
        finished: swept.finished.into(),
        stuck,
    }))
}

/// Compares the payments of a day with the provider's books. Nothing is changed.
#[utoipa::path(
    post,
    path = "/internal/maintenance/payments/reconcile",
    tag = "maintenance",
    params(DayChunk),
    responses(
        (status = 200, description = "What differs in this chunk", body = ReconciledPayments),
        (status = 400, description = "E002, E003", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "G002: the provider does not answer", body = Problem, content_type = "application/problem+json"),
    ),
    security(("service" = []))
)]
pub async fn reconcile_payments(
    State(state): State<AppState>,
    _caller: ServiceCaller<Maintainers>,
    ApiQuery(chunk): ApiQuery<DayChunk>,
) -> Result<Json<ReconciledPayments>, Error> {
    let place = chunk.after.as_deref().map_or(Ok(Place::FIRST), str::parse);
    let place = place.map_err(|()| keyset::wrong("after"))?;
    let day = day(chunk.day)?;
    Ok(Json(reconciliation::chunk(&state.db, &state.payment, day, place, chunk.limit.into()).await?))
}

/// Counts what happened on a day of UTC, which is a working day of Seoul from nine to nine.
#[utoipa::path(
    get,
    path = "/internal/maintenance/statistics",
    tag = "maintenance",
    params(Day),
    responses(
        (status = 200, description = "The day so far, if it is not over", body = DayStatistics),
        (status = 400, description = "E002", body = Problem, content_type = "application/problem+json"),
    ),
    security(("service" = []))
)]
pub async fn day_statistics(
    State(state): State<AppState>,
    _caller: ServiceCaller<Maintainers>,
    ApiQuery(Day { day: wanted }): ApiQuery<Day>,
) -> Result<Json<DayStatistics>, Error> {
    let reconciliation::Day { day, from, to } = day(wanted)?;
    let mut tx = db::begin(&state.db).await?;
    let answer = DayStatistics {
        day,
        orders: statistics::orders(&mut tx, from, to).await?,
        sales: statistics::sales(&mut tx, from, to).await?,
        active_users: statistics::active_users(&mut tx, from, to).await?,
        bookmarks: statistics::bookmarks(&mut tx, from, to).await?,
    };
    tx.commit().await?;
    Ok(Json(answer))
}

fn day(day: NaiveDate) -> Result<reconciliation::Day, ApiError> {
    let next = day.succ_opt().ok_or(ApiError::new(ErrorCode::BadRequest))?;
    let midnight = |day: NaiveDate| day.and_time(NaiveTime::MIN).and_utc();
    Ok(reconciliation::Day { day, from: midnight(day), to: midnight(next) })
}
