//! The WebSocket of a room.

use std::sync::Arc;

use axum::extract::State;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::response::{IntoResponse as _, Response};
use chassis::extract::{ApiPath, ApiQuery, CurrentUser};
use chassis::{ApiError, context, db};
use contract::claims::AccessClaims;
use contract::code::ErrorCode;
use contract::id::RoomId;
use contract::problem::Problem;
use contract::text::Text;
use garde::Validate;
use http::HeaderMap;
use serde::Deserialize;
use utoipa::IntoParams;

use super::room_access;
use crate::error::Error;
use crate::repository::ticket;
use crate::socket::{Credential, Offer, Opening, Ticket};
use crate::state::AppState;

/// How to enter.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[garde(allow_unvalidated)]
#[into_params(parameter_in = Query)]
pub struct SocketQuery {
    /// Of `POST /api/chat/chatrooms/{id}/ticket`; instead of a token.
    ticket: Option<String>,
    /// Messages behind this number follow; unless it is said, those behind the newest one.
    after: Option<i64>,
}

/// Opens the room's WebSocket. The token comes by `Authorization`, or as `bearer.<token>` among the offered
/// sub-protocols, or a ticket stands for it. Frames are described in docs/chat.md.
#[utoipa::path(
    get,
    path = "/ws/chat/{id}",
    tag = "stream",
    params(("id" = RoomId, Path), SocketQuery),
    responses(
        (status = 101, description = "Frames follow"),
        (status = 400, description = "E002: no handshake of a WebSocket", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "A001, A002: also for a ticket that is used, expired or for another room", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "A003: somebody else's room", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "C001", body = Problem, content_type = "application/problem+json"),
    ),
    security(("bearer" = []), ())
)]
pub async fn open(
    State(state): State<AppState>,
    ApiPath(id): ApiPath<RoomId>,
    ApiQuery(query): ApiQuery<SocketQuery>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Error> {
    let offer = Offer::read(&headers);
    let who = match offer.credential(&headers, query.ticket.as_deref()) {
        Some(Credential::Token(token)) => {
            state.identity.access.verify(token).await.map_err(ApiError::from)?
        }
        Some(Credential::Ticket(ticket)) => redeem(&state, id, ticket).await?,
        None => return Err(ApiError::new(ErrorCode::TokenInvalid).into()),
    };
    let mut tx = db::begin(&state.db).await?;
    let room = room_access::open(&mut tx, &CurrentUser(who.clone()), id).await?;
    tx.commit().await?;
    let upgrade = upgrade.map_err(no_handshake)?;
    let after = query.after.map_or(room.last_seq, |after| after.clamp(0, room.last_seq));
    let opening = Opening { room: id, who, after, language: context::language() };
    Ok(state.sockets.open(upgrade, &offer, opening))
}

/// Whose ticket it is. Shown once, it is gone, even if it opens nothing.
async fn redeem(state: &AppState, room: RoomId, shown: &str) -> Result<Arc<AccessClaims>, Error> {
    let hash = Ticket::presented(shown.to_owned()).hash();
    let mut tx = db::begin(&state.db).await?;
    let used = ticket::take(&mut tx, &hash).await?;
    tx.commit().await?;
    let claims = used.filter(|used| used.room_id == room && !used.expired).map(|used| used.claims.0);
    let claims = claims.ok_or_else(|| ApiError::new(ErrorCode::TokenInvalid))?;
    state.identity.access.recheck(&claims).await.map_err(ApiError::from)?;
    Ok(Arc::new(claims))
}

fn no_handshake(rejection: WebSocketUpgradeRejection) -> Error {
    let text = rejection.body_text();
    let status = rejection.into_response().status();
    let (ko, en) =
        (format!("WebSocket 연결 요청이 아닙니다: {text}"), format!("This opens no WebSocket: {text}"));
    ApiError::new(ErrorCode::BadRequest).status(status).text(Text::owned(ko, en)).into()
}
