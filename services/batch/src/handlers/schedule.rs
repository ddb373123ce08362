//! When jobs run by themselves, and what became of the times at which they should have.

use axum::Json;
use axum::extract::State;
use chassis::extract::{ApiJson, ApiPath, ApiQuery};
use chassis::{ApiError, db};
use contract::batch::{JobSchedule, PutSchedule, ScheduleFire};
use contract::code::ErrorCode;
use contract::problem::Problem;
use contract::response::MAX_PAGE_SIZE;
use contract::text::Text;
use garde::Validate;
use http::StatusCode;
use serde::Deserialize;
use tracing::info;
use utoipa::IntoParams;

use super::job::known;
use super::operator::Operator;
use crate::domain::schedule::{self, ScheduleError};
use crate::error::Error;
use crate::repository::job::Row;
use crate::repository::{fire, job};
use crate::state::AppState;

const PAGE_SIZE: u32 = 20;
/// A schedule that was changed so often while it was being changed is fought over.
const ATTEMPTS: u32 = 5;

/// Which fires.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[garde(allow_unvalidated)]
#[into_params(parameter_in = Query)]
pub struct FiresQuery {
    /// At most 100; 20 unless said otherwise.
    size: Option<u32>,
}

/// Changes when a job runs by itself. What is left out stays.
#[utoipa::path(
    put,
    path = "/api/batch/jobs/{name}/schedule",
    tag = "jobs",
    params(("name" = String, Path)),
    request_body = PutSchedule,
    responses(
        (status = 200, description = "The schedule as it is now", body = JobSchedule),
        (status = 400, description = "E002; E003: the cron expression, or the zone, and why", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "A001 or A002", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "A003: no administrator", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "B001: no such job", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "E002: others keep changing it", body = Problem, content_type = "application/problem+json"),
    ),
    security(("bearer" = []), ("service" = []))
)]
pub async fn put_schedule(
    State(state): State<AppState>,
    operator: Operator,
    ApiPath(name): ApiPath<String>,
    ApiJson(body): ApiJson<PutSchedule>,
) -> Result<Json<JobSchedule>, Error> {
    known(&state, &name)?;
    for _ in 0..ATTEMPTS {
        let mut tx = db::begin(&state.db).await?;
        // The instance has not written its jobs yet.
        let row = job::find(&mut tx, &name).await?.ok_or(ApiError::new(ErrorCode::UpstreamUnavailable))?;
        let row = changed(&row, body.clone()).map_err(|error| {
            Error::Api(ApiError::new(ErrorCode::Validation).field(error.key(), error.text()))
        })?;
        let written = job::change(&mut tx, &row).await?;
        tx.commit().await?;
        if written {
            info!(job = name, by = operator.who, "{} changed the schedule of {name}", operator.who);
            return Ok(Json(row.into()));
        }
    }
    Err(Error::Api(ApiError::new(ErrorCode::BadRequest).status(StatusCode::CONFLICT).text(Text::new(
        "다른 사용자가 일정을 변경하고 있습니다. 잠시 후 다시 시도해 주세요.",
        "Somebody else is changing this schedule. Please try again shortly.",
    ))))
}

/// The row as it is to be. A slot that is due and not fired yet stays so when the times stay the same.
fn changed(row: &Row, wish: PutSchedule) -> Result<Row, ScheduleError> {
    let mut new = Row {
        cron: wish.cron.map(|cron| cron.trim().to_owned()).or_else(|| row.cron.clone()),
        zone: wish.zone.unwrap_or_else(|| row.zone.clone()),
        enabled: wish.enabled.unwrap_or(row.enabled),
        misfire: wish.misfire.unwrap_or(row.misfire),
        concurrency: wish.concurrency.unwrap_or(row.concurrency),
        ..row.clone()
    };
    let same = (&new.cron, &new.zone, new.enabled) == (&row.cron, &row.zone, row.enabled);
    let Some(cron) = new.cron.as_ref().filter(|_| new.enabled || !same) else { return Ok(new) };
    let (schedule, next) = schedule::first(cron, &new.zone, row.now)?;
    schedule.zone().clone_into(&mut new.zone);
    if !new.enabled {
        new.next_fire_at = None;
    } else if !same || row.next_fire_at.is_none() {
        new.next_fire_at = Some(next);
    }
    Ok(new)
}

/// The last times of a job's schedule, the newest first, and what became of them.
#[utoipa::path(
    get,
    path = "/api/batch/jobs/{name}/fires",
    tag = "jobs",
    params(("name" = String, Path), FiresQuery),
    responses(
        (status = 200, description = "The newest first", body = Vec<ScheduleFire>),
        (status = 400, description = "E002", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "A001 or A002", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "A003: no administrator", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "B001: no such job", body = Problem, content_type = "application/problem+json"),
    ),
    security(("bearer" = []), ("service" = []))
)]
pub async fn list_fires(
    State(state): State<AppState>,
    _: Operator,
    ApiPath(name): ApiPath<String>,
    ApiQuery(query): ApiQuery<FiresQuery>,
) -> Result<Json<Vec<ScheduleFire>>, Error> {
    known(&state, &name)?;
    let size = query.size.unwrap_or(PAGE_SIZE).clamp(1, MAX_PAGE_SIZE);
    let mut tx = db::begin(&state.db).await?;
    let fires = fire::list(&mut tx, &name, size.into()).await?;
    tx.commit().await?;
    Ok(Json(fires))
}
