//! Routes for other services; never routed from outside.

use axum::Json;
use axum::extract::State;
use chassis::db;
use chassis::extract::{ApiPath, Callers, ServiceCaller};
use contract::chat::maintenance::RoomRecord;
use contract::claims::OPERATOR;
use contract::id::RoomId;
use contract::problem::Problem;

use crate::error::Error;
use crate::repository::maintenance;
use crate::state::AppState;

/// Who may read any room.
pub struct Readers;

impl Callers for Readers {
    const ALLOWED: &'static [&'static str] = &["store", OPERATOR];
}

/// A room in whatever state: store keeps its name with a bookmark.
#[utoipa::path(
    get,
    path = "/internal/rooms/{id}",
    tag = "internal",
    params(("id" = RoomId, Path)),
    responses(
        (status = 200, description = "The room, also when it was left", body = RoomRecord),
        (status = 404, description = "C001: there never was one, or it was purged", body = Problem, content_type = "application/problem+json"),
    ),
    security(("service" = []))
)]
pub async fn get_room(
    State(state): State<AppState>,
    _caller: ServiceCaller<Readers>,
    ApiPath(id): ApiPath<RoomId>,
) -> Result<Json<RoomRecord>, Error> {
    let mut tx = db::begin(&state.db).await?;
    let room = maintenance::room(&mut tx, id).await?.ok_or(Error::RoomNotFound)?;
    tx.commit().await?;
    Ok(Json(room))
}
