//! `/internal/maintenance/**` for batch: what is due is swept, payments are reconciled, and a day is counted.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use chassis::extract::{ApiQuery, Callers, Day, DayParam, ServiceCaller};
use chassis::idempotency::{self, Answer, Claim, IdempotencyKey};
use chassis::{ApiError, db};
use chrono::NaiveDate;
use contract::claims::OPERATOR;
use contract::problem::Problem;
use contract::store::maintenance::{DayStatistics, ExpiredOrders, ReconciledPayments};
use garde::Validate;
use http::StatusCode;
use serde::{Deserialize, Serialize};
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
#[derive(Debug, Deserialize, Serialize, Validate, IntoParams)]
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

/// Drives what is due to its next rest, orders past their deadline first of all to their end. The store does so by
/// itself, too: repeating this is harmless. With a key, a repeat is answered with what the first sweep has done.
#[utoipa::path(
    post,
    path = "/internal/maintenance/orders/expire",
    tag = "maintenance",
    params(
        Sweep,
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible ASCII characters; of no use to a dry run"),
    ),
    responses(
        (status = 200, description = "What was found and done", body = ExpiredOrders),
        (status = 400, description = "E002, E003", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "E002: the key was used for another request", body = Problem, content_type = "application/problem+json"),
    ),
    security(("service" = []))
)]
pub async fn expire_orders(
    State(state): State<AppState>,
    caller: ServiceCaller<Maintainers>,
    key: Option<IdempotencyKey>,
    ApiQuery(wanted): ApiQuery<Sweep>,
) -> Result<Response, Error> {
    let key = key.filter(|_| !wanted.dry_run);
    let mut tx = db::begin(&state.db).await?;
    if let Some(key) = &key
        && let Claim::Replay(answer) = key.claim(&mut tx, &caller.name, &wanted).await?
    {
        return Ok(answer.replayed());
    }
    // The claim is not kept: a sweep has as many transactions as sagas have steps. One that is cut short leaves no
    // answer, so that a repeat sweeps what is left instead of waiting for somebody who died.
    tx.rollback().await?;
    let swept = sweep(&state, &wanted).await?;
    let Some(key) = key else { return Ok(Json(swept).into_response()) };
    let answer = Answer::json(StatusCode::OK, &swept).map_err(ApiError::internal)?;
    let mut tx = db::begin(&state.db).await?;
    match key.claim(&mut tx, &caller.name, &wanted).await? {
        Claim::Fresh(claimed) => {
            idempotency::finish(&mut tx, &claimed, &answer).await?;
            tx.commit().await?;
            Ok(answer.into_response())
        }
        // The same request came twice at a time, and the other one was the first to end.
        Claim::Replay(answer) => Ok(answer.replayed()),
    }
}

async fn sweep(state: &AppState, wanted: &Sweep) -> Result<ExpiredOrders, Error> {
    let mut tx = db::begin(&state.db).await?;
    let overdue = saga_list::overdue(&mut tx, wanted.limit.into()).await?;
    tx.commit().await?;
    let swept = if wanted.dry_run { Swept::default() } else { state.sagas.sweep(wanted.limit).await? };
    let mut tx = db::begin(&state.db).await?;
    let stuck = saga_list::stuck(&mut tx).await?;
    tx.commit().await?;
    Ok(ExpiredOrders {
        dry_run: wanted.dry_run,
        overdue,
        processed: swept.taken.into(),
        finished: swept.finished.into(),
        stuck,
    })
}

/// Compares the payments of a day with the provider's books. Nothing is changed, so there is nothing for a key to
/// protect: a repeat says how the books stand by then.
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
    let day = Day::new(chunk.day)?;
    Ok(Json(reconciliation::chunk(&state.db, &state.payment, day, place, chunk.limit.into()).await?))
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
