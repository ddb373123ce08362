//! Messages: history and sending.

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use chassis::db;
use chassis::extract::{ApiJson, ApiPath, ApiQuery, CurrentUser};
use contract::chat::{ContentType, Message, SenderType};
use contract::id::RoomId;
use contract::problem::Problem;
use contract::response::{MAX_PAGE_SIZE, Page, Sort};
use garde::Validate;
use http::{HeaderValue, header};
use http_body_util::{BodyExt as _, Full};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::room_access::{claimed, open};
use crate::domain::history::{self, Wanted};
use crate::domain::message::{Draft, compose};
use crate::error::Error;
use crate::posting::{New, Posted};
use crate::repository::{message, turn};
use crate::state::AppState;

/// Which messages: a page from the newest on, or those behind a number.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[garde(allow_unvalidated)]
#[into_params(parameter_in = Query)]
pub struct HistoryQuery {
    /// 0 has the newest messages.
    #[serde(default)]
    page: u32,
    /// At most 100; 50 unless said otherwise.
    size: Option<u32>,
    /// Messages with greater numbers than this instead of a page.
    after: Option<i64>,
    /// How many of those: at most 100; 50 unless said otherwise.
    limit: Option<u32>,
    /// Must be the caller.
    #[serde(rename = "userId")]
    user_id: Option<String>,
}

/// Messages of a room in the order of their numbers, also inside a page.
#[utoipa::path(
    get,
    path = "/api/chat/chatrooms/{id}/messages",
    tag = "messages",
    params(("id" = RoomId, Path), HistoryQuery),
    responses(
        (status = 200, description = "Page 0 holds the newest messages", body = Page<Message>),
        (status = 403, description = "A003", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "C001", body = Problem, content_type = "application/problem+json"),
    ),
    security(("bearer" = []))
)]
pub async fn list(
    State(state): State<AppState>,
    user: CurrentUser,
    ApiPath(id): ApiPath<RoomId>,
    ApiQuery(query): ApiQuery<HistoryQuery>,
) -> Result<Json<Page<Message>>, Error> {
    claimed(&user, query.user_id.as_deref())?;
    let wanted = match query.after {
        Some(after) => Wanted::After { after, limit: query.limit.unwrap_or(50).clamp(1, MAX_PAGE_SIZE) },
        None => Wanted::Page { page: query.page, size: query.size.unwrap_or(50).clamp(1, MAX_PAGE_SIZE) },
    };
    let mut tx = db::begin(&state.db).await?;
    let room = open(&mut tx, &user, id).await?;
    let span = history::span(wanted, room.last_seq);
    let messages = message::range(&mut tx, id, room.created_at, span.from, span.to).await?;
    // What is read is no longer owed. Most often nothing is, and then nothing is written.
    if messages.iter().any(|message| message.sender_type == SenderType::Bot)
        && turn::is_owed(&mut tx, id).await?
    {
        turn::deliver(&mut tx, id, span.from, span.to).await?;
    }
    tx.commit().await?;
    let total = room.last_seq.cast_unsigned();
    let mut page = Page::new(messages, span.number, span.size, total, Sort::SORTED);
    page.last = span.last;
    Ok(Json(page))
}

/// What to say.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase")]
#[garde(allow_unvalidated)]
pub struct SendRequest {
    /// 1 to 10000 characters.
    #[schema(required)]
    content: Option<String>,
    content_type: Option<ContentType>,
    /// Nothing but `user`.
    sender_type: Option<SenderType>,
    /// Sent again under the same id, a message is stored once. At most 100 characters.
    client_message_id: Option<String>,
    /// Whether the bot answers; it does unless told not to.
    respond: Option<bool>,
    /// Must be the caller.
    user_id: Option<String>,
}

/// Stores a message. The bot answers over the stream.
#[utoipa::path(
    post,
    path = "/api/chat/chatrooms/{id}/messages",
    tag = "messages",
    params(("id" = RoomId, Path)),
    request_body = SendRequest,
    responses(
        (status = 200, description = "The stored message", body = Message),
        (status = 400, description = "E003", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "A003", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "C001", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "G002", body = Problem, content_type = "application/problem+json"),
    ),
    security(("bearer" = []))
)]
pub async fn send(
    State(state): State<AppState>,
    user: CurrentUser,
    ApiPath(id): ApiPath<RoomId>,
    ApiJson(request): ApiJson<SendRequest>,
) -> Result<Response, Error> {
    claimed(&user, request.user_id.as_deref())?;
    let composed = compose(Draft {
        content: request.content.as_deref().unwrap_or_default(),
        content_type: request.content_type,
        sender_type: request.sender_type,
        client_message_id: request.client_message_id.as_deref(),
    })
    .map_err(Error::Invalid)?;
    let turn = request.respond.unwrap_or(true);
    let posted = state.posting.post(New { room: id, sender: user.id(), composed, turn }).await?;
    answer(posted)
}

/// The turn's pause begins when the answer's body is dropped, which is when it was written.
fn answer(posted: Posted) -> Result<Response, Error> {
    let json = serde_json::to_vec(&*posted.message).map_err(Error::encoding)?;
    let answered = posted.answered;
    let body = Full::new(Bytes::from(json)).map_err(move |never| {
        let _kept_until_then = &answered;
        match never {}
    });
    let mut response = Body::new(body.map_err(|never: axum::Error| never)).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}
