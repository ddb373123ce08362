//! Jobs: what they are, when they run by themselves, how they ran last.

use axum::Json;
use axum::extract::State;
use chassis::db;
use chassis::extract::ApiPath;
use contract::batch;
use contract::batch::{Execution, JobParameter, JobSchedule};
use contract::problem::Problem;

use super::operator::Operator;
use crate::engine::Job;
use crate::error::Error;
use crate::repository::execution_view;
use crate::repository::job::{self, Row};
use crate::state::AppState;

/// Every job.
#[utoipa::path(
    get,
    path = "/api/batch/jobs",
    tag = "jobs",
    responses(
        (status = 200, description = "All of them", body = Vec<batch::Job>),
        (status = 401, description = "A001 or A002", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "A003: no administrator", body = Problem, content_type = "application/problem+json"),
    ),
    security(("bearer" = []), ("service" = []))
)]
pub async fn list_jobs(State(state): State<AppState>, _: Operator) -> Result<Json<Vec<batch::Job>>, Error> {
    let mut tx = db::begin(&state.db).await?;
    let mut rows = job::list(&mut tx).await?;
    let mut newest = execution_view::newest_by_job(&mut tx).await?;
    tx.commit().await?;
    let mut view_of = |job: &Job| {
        let row = rows.iter().position(|row| row.name == job.name).map(|at| rows.swap_remove(at));
        view(job, row, newest.remove(job.name))
    };
    Ok(Json(state.jobs.iter().map(&mut view_of).collect()))
}

/// One job.
#[utoipa::path(
    get,
    path = "/api/batch/jobs/{name}",
    tag = "jobs",
    params(("name" = String, Path)),
    responses(
        (status = 200, description = "The job", body = batch::Job),
        (status = 401, description = "A001 or A002", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "A003: no administrator", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "B001: no such job", body = Problem, content_type = "application/problem+json"),
    ),
    security(("bearer" = []), ("service" = []))
)]
pub async fn get_job(
    State(state): State<AppState>,
    _: Operator,
    ApiPath(name): ApiPath<String>,
) -> Result<Json<batch::Job>, Error> {
    let known = known(&state, &name)?;
    let mut tx = db::begin(&state.db).await?;
    let row = job::find(&mut tx, &name).await?;
    let newest = execution_view::newest_of(&mut tx, &name).await?;
    tx.commit().await?;
    Ok(Json(view(known, row, newest)))
}

/// The job of that name, in this version of the service.
pub(super) fn known<'a>(state: &'a AppState, name: &str) -> Result<&'a Job, Error> {
    state.jobs.get(name).ok_or(Error::JobNotFound)
}

fn view(job: &Job, row: Option<Row>, last_execution: Option<Execution>) -> batch::Job {
    let parameter = |parameter: &crate::engine::Parameter| JobParameter {
        name: parameter.name.to_owned(),
        description: parameter.description.to_owned(),
        kind: parameter.kind,
        default: parameter.default.map(str::to_owned),
        required: parameter.required,
        identifying: parameter.identifying,
    };
    batch::Job {
        name: job.name.to_owned(),
        description: job.description.to_owned(),
        schedule: row.map_or_else(|| declared(job), JobSchedule::from),
        parameters: job.parameters.iter().map(parameter).collect(),
        last_execution,
    }
}

/// Until the service has written its jobs into the database.
fn declared(job: &Job) -> JobSchedule {
    JobSchedule {
        cron: Some(job.schedule.cron.to_owned()),
        zone: job::ZONE.to_owned(),
        enabled: true,
        misfire: job.schedule.misfire,
        concurrency: job.schedule.concurrency,
        next_fire_time: None,
    }
}
