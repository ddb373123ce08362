//! Items that a job could not process and went on without.

use axum::Json;
use axum::extract::State;
use chassis::db;
use chassis::extract::{ApiPath, ApiQuery};
use contract::batch::{Redriven, SkippedList};
use contract::id::ExecutionId;
use contract::problem::Problem;
use tracing::info;

use super::keyset;
use super::log::AfterQuery;
use super::operator::Operator;
use crate::error::Error;
use crate::redrive;
use crate::repository::{execution_view, skipped};
use crate::state::AppState;

/// Skipped items of an execution, the oldest first.
#[utoipa::path(
    get,
    path = "/api/batch/executions/{id}/skipped",
    tag = "executions",
    params(("id" = ExecutionId, Path), AfterQuery),
    responses(
        (status = 200, description = "A page", body = SkippedList),
        (status = 400, description = "E002", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "A001 or A002", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "A003: no administrator", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "E002: no such execution", body = Problem, content_type = "application/problem+json"),
    ),
    security(("bearer" = []), ("service" = []))
)]
pub async fn list_skipped(
    State(state): State<AppState>,
    _: Operator,
    ApiPath(id): ApiPath<ExecutionId>,
    ApiQuery(query): ApiQuery<AfterQuery>,
) -> Result<Json<SkippedList>, Error> {
    let size = keyset::size(query.size);
    let mut tx = db::begin(&state.db).await?;
    if !execution_view::exists(&mut tx, id).await? {
        return Err(Error::ExecutionNotFound);
    }
    let mut content = skipped::page(&mut tx, id, query.after, keyset::limit(size)).await?;
    tx.commit().await?;
    let next_after = keyset::cut(&mut content, size).map(|last| last.id);
    Ok(Json(SkippedList { content, next_after }))
}

/// Tries every skipped item of an execution once more, as many as there is time for: the longest untried first.
#[utoipa::path(
    post,
    path = "/api/batch/executions/{id}/skipped/redrive",
    tag = "executions",
    params(("id" = ExecutionId, Path)),
    responses(
        (status = 200, description = "What became of them", body = Redriven),
        (status = 401, description = "A001 or A002", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "A003: no administrator", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "E002: no such execution; B001: its job is gone", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "B002: it runs", body = Problem, content_type = "application/problem+json"),
    ),
    security(("bearer" = []), ("service" = []))
)]
pub async fn redrive_skipped(
    State(state): State<AppState>,
    operator: Operator,
    ApiPath(id): ApiPath<ExecutionId>,
) -> Result<Json<Redriven>, Error> {
    let by = operator.who;
    let done = redrive::redrive(&state.db, &state.jobs, id, &by).await?;
    let Redriven { redriven, failed, .. } = done;
    info!(execution.id = %id, by, redriven, failed, "{by} had skipped items of execution {id} tried again");
    Ok(Json(done))
}
