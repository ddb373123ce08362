//! One room: reading, changing, leaving.

use axum::Json;
use axum::extract::State;
use chassis::db;
use chassis::extract::{ApiJson, ApiPath, CurrentUser};
use contract::chat::{Level, Room};
use contract::id::RoomId;
use contract::problem::Problem;
use garde::Validate;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::room_access::{open, own};
use crate::domain;
use crate::error::Error;
use crate::repository::room::{self, Change};
use crate::state::AppState;

/// One room of the caller.
#[utoipa::path(
    get,
    path = "/api/chat/chatrooms/{id}",
    tag = "rooms",
    params(("id" = RoomId, Path)),
    responses(
        (status = 200, description = "The room", body = Room),
        (status = 403, description = "A003", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "C001", body = Problem, content_type = "application/problem+json"),
    ),
    security(("bearer" = []))
)]
pub async fn get(
    State(state): State<AppState>,
    user: CurrentUser,
    ApiPath(id): ApiPath<RoomId>,
) -> Result<Json<Room>, Error> {
    let mut tx = db::begin(&state.db).await?;
    let room = open(&mut tx, &user, id).await?;
    tx.commit().await?;
    Ok(Json(room.into()))
}

/// What to change; absent and null leave as it is.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct ChangeRequest {
    /// 1 to 100 characters.
    name: Option<String>,
    /// At most 500 characters; empty removes it.
    description: Option<String>,
    archived: Option<bool>,
}

/// Renames, describes or archives a room.
#[utoipa::path(
    patch,
    path = "/api/chat/rooms/{id}",
    tag = "rooms",
    params(("id" = RoomId, Path)),
    request_body = ChangeRequest,
    responses(
        (status = 200, description = "The room as it is now", body = Room),
        (status = 400, description = "E003", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "A003", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "C001", body = Problem, content_type = "application/problem+json"),
    ),
    security(("bearer" = []))
)]
pub async fn change(
    State(state): State<AppState>,
    user: CurrentUser,
    ApiPath(id): ApiPath<RoomId>,
    ApiJson(request): ApiJson<ChangeRequest>,
) -> Result<Json<Room>, Error> {
    let change = Change {
        name: request.name.as_deref().map(domain::room::name).transpose()?,
        description: request.description.as_deref().map(domain::room::description).transpose()?,
        archived: request.archived,
    };
    let mut tx = db::begin(&state.db).await?;
    open(&mut tx, &user, id).await?;
    room::update(&mut tx, id, change).await?;
    let room = open(&mut tx, &user, id).await?;
    tx.commit().await?;
    Ok(Json(room.into()))
}

/// The wanted level.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase")]
#[garde(allow_unvalidated)]
pub struct IntimacyRequest {
    /// 1 formal, 2 soft polite, 3 casual; the nearest one counts.
    intimacy_level: f64,
}

/// The level that was set.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct IntimacyAnswer {
    /// Always true: errors are a problem.
    success: bool,
    message: String,
    intimacy_level: i16,
}

/// Changes how politely the caller wants to talk.
#[utoipa::path(
    patch,
    path = "/api/chat/chatrooms/{id}/intimacy",
    tag = "rooms",
    params(("id" = RoomId, Path)),
    request_body = IntimacyRequest,
    responses(
        (status = 200, description = "The level that was set", body = IntimacyAnswer),
        (status = 403, description = "A003", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "C001", body = Problem, content_type = "application/problem+json"),
    ),
    security(("bearer" = []))
)]
pub async fn set_intimacy(
    State(state): State<AppState>,
    user: CurrentUser,
    ApiPath(id): ApiPath<RoomId>,
    ApiJson(request): ApiJson<IntimacyRequest>,
) -> Result<Json<IntimacyAnswer>, Error> {
    let level = Level::nearest(request.intimacy_level);
    let mut tx = db::begin(&state.db).await?;
    open(&mut tx, &user, id).await?;
    room::set_level(&mut tx, id, level).await?;
    tx.commit().await?;
    let text = domain::room::level_set(level);
    Ok(Json(IntimacyAnswer {
        success: true,
        message: text.in_language(chassis::context::language()).to_owned(),
        intimacy_level: level.number(),
    }))
}

/// Leaves a room. Its last talk is remembered; entering again makes a new one.
#[utoipa::path(
    post,
    path = "/api/chat/chatrooms/{id}/leave",
    tag = "rooms",
    params(("id" = RoomId, Path)),
    responses(
        (status = 204, description = "Left, perhaps before"),
        (status = 403, description = "A003", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "C001", body = Problem, content_type = "application/problem+json"),
    ),
    security(("bearer" = []))
)]
pub async fn leave(
    State(state): State<AppState>,
    user: CurrentUser,
    ApiPath(id): ApiPath<RoomId>,
) -> Result<StatusCode, Error> {
    let mut tx = db::begin(&state.db).await?;
    own(&mut tx, &user, id).await?;
    room::leave(&mut tx, id).await?;
    tx.commit().await?;
    state.live.left(id);
    Ok(StatusCode::NO_CONTENT)
}
