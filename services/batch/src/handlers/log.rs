//! What was written down about an execution.

use axum::Json;
use axum::extract::State;
use chassis::db;
use chassis::extract::{ApiPath, ApiQuery};
use contract::batch::LogList;
use contract::id::ExecutionId;
use contract::problem::Problem;
use garde::Validate;
use serde::Deserialize;
use utoipa::IntoParams;

use super::keyset;
use super::operator::Operator;
use crate::error::Error;
use crate::repository::{execution_view, log_view};
use crate::state::AppState;

/// Which part of a list that only grows.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[garde(allow_unvalidated)]
#[into_params(parameter_in = Query)]
pub struct AfterQuery {
    /// What is behind this id; all of it unless given.
    #[serde(default)]
    pub(super) after: i64,
    /// At most 100; 20 unless said otherwise.
    pub(super) size: Option<u32>,
}

/// Lines about an execution, the oldest first.
#[utoipa::path(
    get,
    path = "/api/batch/executions/{id}/logs",
    tag = "executions",
    params(("id" = ExecutionId, Path), AfterQuery),
    responses(
        (status = 200, description = "A page", body = LogList),
        (status = 400, description = "E002", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "A001 or A002", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "A003: no administrator", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "E002: no such execution", body = Problem, content_type = "application/problem+json"),
    ),
    security(("bearer" = []), ("service" = []))
)]
pub async fn list_logs(
    State(state): State<AppState>,
    _: Operator,
    ApiPath(id): ApiPath<ExecutionId>,
    ApiQuery(query): ApiQuery<AfterQuery>,
) -> Result<Json<LogList>, Error> {
    let size = keyset::size(query.size);
    let mut tx = db::begin(&state.db).await?;
    if !execution_view::exists(&mut tx, id).await? {
        return Err(Error::ExecutionNotFound);
    }
    let mut content = log_view::page(&mut tx, id, query.after, keyset::limit(size)).await?;
    tx.commit().await?;
    let next_after = keyset::cut(&mut content, size).map(|last| last.id);
    Ok(Json(LogList { content, next_after }))
}
