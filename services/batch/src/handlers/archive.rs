//! Which rows were moved out of a database, and where to.

use axum::Json;
use axum::extract::State;
use chassis::db;
use chassis::extract::ApiQuery;
use contract::batch::ArchiveList;
use contract::problem::Problem;
use garde::Validate;
use serde::Deserialize;
use utoipa::IntoParams;

use super::keyset::{self, Keyset};
use super::operator::Operator;
use crate::error::Error;
use crate::repository::archive;
use crate::state::AppState;

/// Which archives.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[garde(allow_unvalidated)]
#[into_params(parameter_in = Query)]
pub struct ListQuery {
    /// `nextCursor` of the page before.
    cursor: Option<String>,
    /// At most 100; 20 unless said otherwise.
    size: Option<u32>,
}

/// Archives, the newest first. Their parts are in the object store.
#[utoipa::path(
    get,
    path = "/api/batch/archives",
    tag = "archives",
    params(ListQuery),
    responses(
        (status = 200, description = "A page", body = ArchiveList),
        (status = 400, description = "E002, E003", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "A001 or A002", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "A003: no administrator", body = Problem, content_type = "application/problem+json"),
    ),
    security(("bearer" = []), ("service" = []))
)]
pub async fn list_archives(
    State(state): State<AppState>,
    _: Operator,
    ApiQuery(query): ApiQuery<ListQuery>,
) -> Result<Json<ArchiveList>, Error> {
    let before = Keyset::read(query.cursor.as_deref())?;
    let size = keyset::size(query.size);
    let mut tx = db::begin(&state.db).await?;
    let mut content = archive::page(&mut tx, before, keyset::limit(size)).await?;
    tx.commit().await?;
    let next_cursor =
        keyset::cut(&mut content, size).map(|last| Keyset::new(last.created_at, last.id).to_string());
    Ok(Json(ArchiveList { content, next_cursor }))
}
