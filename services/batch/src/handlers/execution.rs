//! Executions: what became of them, and how they are stopped, restarted and given up.

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use chassis::db;
use chassis::extract::{ApiPath, ApiQuery};
use contract::batch::{Execution, ExecutionList, ExecutionStatus, path};
use contract::id::ExecutionId;
use contract::problem::Problem;
use garde::Validate;
use http::{StatusCode, header};
use serde::Deserialize;
use tracing::info;
use utoipa::IntoParams;

use super::beginning;
use super::keyset::{self, Keyset};
use super::operator::Operator;
use crate::error::{Error, Wish};
use crate::repository::execution::{self, Wished};
use crate::repository::execution_view::{self, Choice};
use crate::state::AppState;

/// Which executions.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[garde(allow_unvalidated)]
#[into_params(parameter_in = Query)]
pub struct ListQuery {
    /// Of this job.
    job: Option<String>,
    /// A status in any case.
    status: Option<String>,
    /// Those that are not over.
    #[serde(default)]
    running: bool,
    /// The beginning of an id, at least 8 digits.
    id: Option<String>,
    /// `nextCursor` of the page before.
    cursor: Option<String>,
    /// At most 100; 20 unless said otherwise.
    size: Option<u32>,
}

/// Executions, the newest first.
#[utoipa::path(
    get,
    path = "/api/batch/executions",
    tag = "executions",
    params(ListQuery),
    responses(
        (status = 200, description = "A page", body = ExecutionList),
        (status = 400, description = "E002, E003", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "A001 or A002", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "A003: no administrator", body = Problem, content_type = "application/problem+json"),
    ),
    security(("bearer" = []), ("service" = []))
)]
pub async fn list_executions(
    State(state): State<AppState>,
    _: Operator,
    ApiQuery(query): ApiQuery<ListQuery>,
) -> Result<Json<ExecutionList>, Error> {
    let read = |status: &String| status.to_ascii_uppercase().parse::<ExecutionStatus>();
    let status = query.status.as_ref().map(read).transpose().map_err(|_unknown| Error::Status)?;
    let before = Keyset::read(query.cursor.as_deref())?;
    let size = keyset::size(query.size);
    let (ids, limit) = (beginning::ids(query.id.as_deref())?, keyset::limit(size));
    let choice = Choice { job: query.job.as_deref(), status, running: query.running, ids, before, limit };
    let mut tx = db::begin(&state.db).await?;
    let mut content = execution_view::list(&mut tx, &choice).await?;
    tx.commit().await?;
    let next_cursor =
        keyset::cut(&mut content, size).map(|last| Keyset::new(last.create_time, last.id).to_string());
    Ok(Json(ExecutionList { content, next_cursor }))
}

/// One execution, with its steps and how far it has come.
#[utoipa::path(
    get,
    path = "/api/batch/executions/{id}",
    tag = "executions",
    params(("id" = ExecutionId, Path)),
    responses(
        (status = 200, description = "As it is now", body = Execution),
        (status = 401, description = "A001 or A002", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "A003: no administrator", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "E002: no such execution", body = Problem, content_type = "application/problem+json"),
    ),
    security(("bearer" = []), ("service" = []))
)]
pub async fn get_execution(
    State(state): State<AppState>,
    _: Operator,
    ApiPath(id): ApiPath<ExecutionId>,
) -> Result<Json<Execution>, Error> {
    let mut tx = db::begin(&state.db).await?;
    let execution = execution_view::get(&mut tx, id).await?.ok_or(Error::ExecutionNotFound)?;
    tx.commit().await?;
    Ok(Json(execution))
}

/// Has it end at its next commit, at once if nobody works on it. It can be restarted.
#[utoipa::path(
    post,
    path = "/api/batch/executions/{id}/stop",
    tag = "executions",
    params(("id" = ExecutionId, Path)),
    responses(
        (status = 202, description = "It is stopping, or has stopped", body = Execution),
        (status = 401, description = "A001 or A002", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "A003: no administrator", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "E002: no such execution", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "B002: it is over", body = Problem, content_type = "application/problem+json"),
    ),
    security(("bearer" = []), ("service" = []))
)]
pub async fn stop_execution(
    State(state): State<AppState>,
    operator: Operator,
    ApiPath(id): ApiPath<ExecutionId>,
) -> Result<impl IntoResponse, Error> {
    let mut tx = db::begin(&state.db).await?;
    let wished = execution::stop(&mut tx, id).await?;
    let view = granted(&mut tx, Wish::Stop, wished).await?;
    tx.commit().await?;
    // Whoever owns it sees it with the next commit or heartbeat. One that nobody has taken up ends here.
    info!(execution.id = %id, by = operator.who, "{} stops execution {id}", operator.who);
    Ok((StatusCode::ACCEPTED, Json(view)))
}

/// A new execution that goes on at the last commit of this one: the newest of its instance, failed or stopped.
#[utoipa::path(
    post,
    path = "/api/batch/executions/{id}/restart",
    tag = "executions",
    params(("id" = ExecutionId, Path)),
    responses(
        (status = 202, description = "The new execution; `Location` is where it is seen", body = Execution),
        (status = 401, description = "A001 or A002", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "A003: no administrator", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "E002: no such execution", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "B002: it cannot be restarted", body = Problem, content_type = "application/problem+json"),
    ),
    security(("bearer" = []), ("service" = []))
)]
pub async fn restart_execution(
    State(state): State<AppState>,
    operator: Operator,
    ApiPath(id): ApiPath<ExecutionId>,
) -> Result<impl IntoResponse, Error> {
    let mut tx = db::begin(&state.db).await?;
    let wished = execution::restart(&mut tx, id, &operator.who).await?;
    let view = granted(&mut tx, Wish::Restart, wished).await?;
    tx.commit().await?;
    state.runner.wake();
    let (by, next) = (operator.who, view.id);
    info!(execution.id = %next, by, "{by} restarts execution {id} as {next}");
    Ok((StatusCode::ACCEPTED, [(header::LOCATION, path::execution(next))], Json(view)))
}

/// Gives an execution up: these parameters never run again.
#[utoipa::path(
    post,
    path = "/api/batch/executions/{id}/abandon",
    tag = "executions",
    params(("id" = ExecutionId, Path)),
    responses(
        (status = 202, description = "It is given up", body = Execution),
        (status = 401, description = "A001 or A002", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "A003: no administrator", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "E002: no such execution", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "B002: it runs, or is complete", body = Problem, content_type = "application/problem+json"),
    ),
    security(("bearer" = []), ("service" = []))
)]
pub async fn abandon_execution(
    State(state): State<AppState>,
    operator: Operator,
    ApiPath(id): ApiPath<ExecutionId>,
) -> Result<impl IntoResponse, Error> {
    let mut tx = db::begin(&state.db).await?;
    let wished = execution::abandon(&mut tx, id).await?;
    let view = granted(&mut tx, Wish::Abandon, wished).await?;
    tx.commit().await?;
    info!(execution.id = %id, by = operator.who, "{} gives execution {id} up", operator.who);
    Ok((StatusCode::ACCEPTED, Json(view)))
}

/// What the wish has made.
async fn granted(db: &mut sqlx::PgConnection, wish: Wish, wished: Wished) -> Result<Execution, Error> {
    match wished {
        Wished::Done(id) => execution_view::get(db, id).await?.ok_or(Error::ExecutionNotFound),
        Wished::NotFound => Err(Error::ExecutionNotFound),
        Wished::Refused(status) => Err(Error::Refused { wish, status }),
    }
}
