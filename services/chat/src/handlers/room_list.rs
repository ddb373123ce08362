//! The caller's rooms, and whom they talked with last.

use axum::Json;
use axum::extract::State;
use chassis::db;
use chassis::extract::{ApiQuery, CurrentUser};
use contract::chat::{Interaction, Room};
use contract::response::{MAX_PAGE_SIZE, Page, Sort};
use garde::Validate;
use serde::Deserialize;
use utoipa::IntoParams;

use super::room_access::claimed;
use crate::error::Error;
use crate::repository::room;
use crate::state::AppState;

/// Rooms that the web client shows at once.
const ALL: i64 = 4;

/// Which page.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[garde(allow_unvalidated)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// From 0.
    #[serde(default)]
    page: u32,
    /// At most 100; 20 unless said otherwise.
    size: Option<u32>,
    /// Must be the caller.
    #[serde(rename = "userId")]
    user_id: Option<String>,
}

/// The caller's rooms that were not left, those with the newest activity first.
#[utoipa::path(
    get,
    path = "/api/chat/chatrooms",
    tag = "rooms",
    params(PageQuery),
    responses((status = 200, description = "A page", body = Page<Room>)),
    security(("bearer" = []))
)]
pub async fn list(
    State(state): State<AppState>,
    user: CurrentUser,
    ApiQuery(query): ApiQuery<PageQuery>,
) -> Result<Json<Page<Room>>, Error> {
    claimed(&user, query.user_id.as_deref())?;
    let size = query.size.unwrap_or(20).clamp(1, MAX_PAGE_SIZE);
    let mut tx = db::begin(&state.db).await?;
    let offset = i64::from(query.page) * i64::from(size);
    let rooms = room::list(&mut tx, user.id(), size.into(), offset).await?;
    let total = room::count(&mut tx, user.id()).await?;
    tx.commit().await?;
    let rooms = rooms.into_iter().map(Room::from).collect();
    Ok(Json(Page::new(rooms, query.page, size, total.cast_unsigned(), Sort::SORTED)))
}

/// The same as an array of at most four.
#[utoipa::path(
    get,
    path = "/api/chat/chatrooms/all",
    tag = "rooms",
    responses((status = 200, description = "At most four", body = Vec<Room>)),
    security(("bearer" = []))
)]
pub async fn all(State(state): State<AppState>, user: CurrentUser) -> Result<Json<Vec<Room>>, Error> {
    let mut tx = db::begin(&state.db).await?;
    let rooms = room::list(&mut tx, user.id(), ALL, 0).await?;
    tx.commit().await?;
    Ok(Json(rooms.into_iter().map(Room::from).collect()))
}

/// Of whom, and how many.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(rename_all = "camelCase")]
#[garde(allow_unvalidated)]
#[into_params(parameter_in = Query)]
pub struct InteractionQuery {
    /// Must be the caller.
    user_id: Option<String>,
    /// At most 100; 4 unless said otherwise.
    limit: Option<u32>,
}

/// The last talk with each bot that the caller ever used, also in rooms that were left.
#[utoipa::path(
    get,
    path = "/api/chat/chatrooms/last-interactions",
    tag = "rooms",
    params(InteractionQuery),
    responses((status = 200, description = "One item a bot, the newest first", body = Vec<Interaction>)),
    security(("bearer" = []))
)]
pub async fn last_interactions(
    State(state): State<AppState>,
    user: CurrentUser,
    ApiQuery(query): ApiQuery<InteractionQuery>,
) -> Result<Json<Vec<Interaction>>, Error> {
    claimed(&user, query.user_id.as_deref())?;
    let limit = query.limit.unwrap_or(4).clamp(1, MAX_PAGE_SIZE);
    let mut tx = db::begin(&state.db).await?;
    let interactions = room::interactions(&mut tx, user.id(), limit.into()).await?;
    tx.commit().await?;
    Ok(Json(interactions))
}
