//! Runs a job now.

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use chassis::db;
use chassis::extract::{ApiJson, ApiPath};
use contract::batch::{Execution, TriggerJob, path};
use contract::problem::Problem;
use http::{StatusCode, header};
use tracing::info;
use uuid::Uuid;

use super::operator::Operator;
use crate::domain::parameter::{self, RUN};
use crate::error::Error;
use crate::repository::execution::{self, Start};
use crate::repository::execution_view;
use crate::state::AppState;

/// Begins an execution of the job. The same parameters run once at a time, and are complete once; without any it is a
/// new run.
#[utoipa::path(
    post,
    path = "/api/batch/jobs/{name}/executions",
    tag = "jobs",
    params(("name" = String, Path)),
    request_body = TriggerJob,
    responses(
        (status = 202, description = "It waits for an instance to take it up; `Location` is where it is seen", body = Execution),
        (status = 400, description = "E002, or E003 for each parameter that breaks a rule", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "A001 or A002", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "A003: no administrator", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "B001", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "B002: these parameters run, or are complete", body = Problem, content_type = "application/problem+json"),
    ),
    security(("bearer" = []), ("service" = []))
)]
pub async fn trigger_job(
    State(state): State<AppState>,
    operator: Operator,
    ApiPath(name): ApiPath<String>,
    ApiJson(body): ApiJson<TriggerJob>,
) -> Result<impl IntoResponse, Error> {
    let job = state.jobs.get(&name).ok_or(Error::JobNotFound)?;
    let mut parameters = parameter::resolve(job, &body.parameters).map_err(Error::Parameters)?;
    // A dry run may be repeated, too: what would be done is something else tomorrow.
    if body.parameters.is_empty() || body.dry_run {
        parameters.push(parameter::own(RUN, Uuid::now_v7().to_string()));
        parameters.sort_by(|a, b| a.name.cmp(&b.name));
    }
    let mut tx = db::begin(&state.db).await?;
    let as_of = execution_view::now(&mut tx).await?;
    let (dry_run, triggered_by) = (body.dry_run, operator.who.as_str());
    let start = Start { job: job.name, parameters: &parameters, dry_run, triggered_by, as_of };
    let id = execution::start(&mut tx, &start).await?;
    let view = execution_view::get(&mut tx, id).await?.ok_or(Error::ExecutionNotFound)?;
    tx.commit().await?;
    state.runner.wake();
    info!(execution.id = %id, job = name, by = triggered_by, "{triggered_by} runs {name} as {id}");
    Ok((StatusCode::ACCEPTED, [(header::LOCATION, path::execution(id))], Json(view)))
}
