//! One-time entries to a room's WebSocket.

use axum::Json;
use axum::extract::State;
use chassis::extract::{ApiPath, CurrentUser};
use chassis::{ApiError, db};
use contract::chat::SocketTicket;
use contract::id::RoomId;
use contract::problem::Problem;

use super::room_access::open;
use crate::error::Error;
use crate::repository::ticket;
use crate::socket::Ticket;
use crate::state::AppState;

/// A ticket that opens the room's WebSocket once, within 30 s: browsers can send no header with that.
#[utoipa::path(
    post,
    path = "/api/chat/chatrooms/{id}/ticket",
    tag = "stream",
    params(("id" = RoomId, Path)),
    responses(
        (status = 200, description = "For `GET /ws/chat/{id}?ticket=…`", body = SocketTicket),
        (status = 401, description = "A001, A002", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "A003: somebody else's room", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "C001", body = Problem, content_type = "application/problem+json"),
    ),
    security(("bearer" = []))
)]
pub async fn issue(
    State(state): State<AppState>,
    user: CurrentUser,
    ApiPath(id): ApiPath<RoomId>,
) -> Result<Json<SocketTicket>, Error> {
    let ticket = Ticket::random().map_err(ApiError::internal)?;
    let mut tx = db::begin(&state.db).await?;
    open(&mut tx, &user, id).await?;
    let seconds = Ticket::LIFETIME.as_secs_f64();
    let expires_at = ticket::insert(&mut tx, &ticket.hash(), id, &user.0, seconds).await?;
    tx.commit().await?;
    Ok(Json(SocketTicket { ticket: ticket.into_text(), expires_at }))
}
