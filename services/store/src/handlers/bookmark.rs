//! Saving and deleting bookmarks.

use axum::Json;
use axum::extract::State;
use chassis::extract::{ApiJson, ApiPath, ApiQuery, CurrentUser};
use chassis::{ApiError, db};
use contract::id::BookmarkId;
use contract::problem::Problem;
use contract::store::Bookmark;
use garde::Validate;
use http::StatusCode;
use serde::Deserialize;
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::claim::claimed;
use crate::domain::bookmark::{Draft, compose, deletable};
use crate::error::Error;
use crate::repository::bookmark;
use crate::state::AppState;

/// What to keep.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase")]
#[garde(allow_unvalidated)]
pub struct SaveRequest {
    #[schema(required)]
    message_id: Option<String>,
    #[schema(required)]
    chatroom_id: Option<String>,
    #[schema(required)]
    chatbot_id: Option<String>,
    /// 1 to 10000 characters, kept byte for byte.
    #[schema(required)]
    content: Option<String>,
    /// At most 10000 characters.
    corrected_content: Option<String>,
    /// Comes back as it was sent. At most 64 KiB, at most 32 levels deep.
    #[schema(value_type = Option<Object>)]
    ai_response: Option<Box<RawValue>>,
    /// friend, honey, coworker, senior or boss, in any case of letters; told by the bot otherwise.
    bot_type: Option<String>,
    /// Must be the caller.
    user_id: Option<String>,
}

/// Keeps a message, once: the bookmark that is there stays as it is.
#[utoipa::path(
    post,
    path = "/api/store/bookmarks",
    tag = "bookmarks",
    request_body = SaveRequest,
    responses(
        (status = 201, description = "The new bookmark", body = Bookmark),
        (status = 200, description = "The message is kept already", body = Bookmark),
        (status = 400, description = "E002, E003", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "A003: `userId` is somebody else", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "E002", body = Problem, content_type = "application/problem+json"),
    ),
    security(("bearer" = []))
)]
pub async fn save(
    State(state): State<AppState>,
    user: CurrentUser,
    ApiJson(request): ApiJson<SaveRequest>,
) -> Result<(StatusCode, Json<Bookmark>), Error> {
    claimed(&user, request.user_id.as_deref())?;
    let kept = compose(Draft {
        message: request.message_id.as_deref(),
        room: request.chatroom_id.as_deref(),
        bot: request.chatbot_id.as_deref(),
        bot_type: request.bot_type.as_deref(),
        content: request.content.as_deref(),
        corrected_content: request.corrected_content.as_deref(),
        ai_response: request.ai_response.as_deref().map(RawValue::get),
    })
    .map_err(Error::Invalid)?;
    let mut tx = db::begin(&state.db).await?;
    let known = bookmark::find(&mut tx, user.id(), kept.message).await?;
    tx.commit().await?;
    if let Some(row) = known {
        return Ok((StatusCode::OK, Json(row.into())));
    }
    let room_name = state.rooms.name(kept.room, user.id()).await;
    let mut tx = db::begin(&state.db).await?;
    bookmark::lock(&mut tx, user.id()).await?;
    let id = chassis::fresh_id();
    let inserted = bookmark::insert(&mut tx, id, user.id(), &kept, room_name.as_deref()).await?;
    let status = if inserted.is_some() { StatusCode::CREATED } else { StatusCode::OK };
    // Another request may have been faster; with the lock held, nobody takes it away again.
    let row = match inserted {
        Some(row) => Some(row),
        None => bookmark::find(&mut tx, user.id(), kept.message).await?,
    };
    tx.commit().await?;
    let row = row.ok_or_else(|| ApiError::internal("a bookmark both is and is not there"))?;
    Ok((status, Json(row.into())))
}

/// Whose.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(rename_all = "camelCase")]
#[garde(allow_unvalidated)]
#[into_params(parameter_in = Query)]
pub struct Whose {
    /// Must be the caller.
    user_id: Option<String>,
}

/// Deletes a bookmark. The message can be kept again.
#[utoipa::path(
    delete,
    path = "/api/store/bookmarks/{id}",
    tag = "bookmarks",
    params(("id" = BookmarkId, Path), Whose),
    responses(
        (status = 204, description = "Deleted"),
        (status = 403, description = "A003", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "E002: there is none, or it was deleted", body = Problem, content_type = "application/problem+json"),
    ),
    security(("bearer" = []))
)]
pub async fn delete(
    State(state): State<AppState>,
    user: CurrentUser,
    ApiPath(id): ApiPath<BookmarkId>,
    ApiQuery(whose): ApiQuery<Whose>,
) -> Result<StatusCode, Error> {
    claimed(&user, whose.user_id.as_deref())?;
    let mut tx = db::begin(&state.db).await?;
    bookmark::lock(&mut tx, user.id()).await?;
    if bookmark::delete(&mut tx, user.id(), &[id.as_uuid()]).await? == 0 {
        return Err(match bookmark::owner(&mut tx, id).await? {
            Some(_somebody_else) => Error::NotYours,
            None => Error::BookmarkNotFound,
        });
    }
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// At most 1000 ids of bookmarks.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(transparent)]
#[garde(allow_unvalidated)]
pub struct Ids(Vec<String>);

/// Deletes many bookmarks. Those that are not there, or somebody else's, are skipped.
#[utoipa::path(
    delete,
    path = "/api/store/bookmarks",
    tag = "bookmarks",
    params(Whose),
    request_body = Ids,
    responses(
        (status = 204, description = "None of the caller's among them is left"),
        (status = 400, description = "E002, E003", body = Problem, content_type = "application/problem+json"),
    ),
    security(("bearer" = []))
)]
pub async fn delete_many(
    State(state): State<AppState>,
    user: CurrentUser,
    ApiQuery(whose): ApiQuery<Whose>,
    ApiJson(Ids(ids)): ApiJson<Ids>,
) -> Result<StatusCode, Error> {
    claimed(&user, whose.user_id.as_deref())?;
    let ids: Vec<Uuid> = deletable(&ids)?;
    let mut tx = db::begin(&state.db).await?;
    bookmark::lock(&mut tx, user.id()).await?;
    bookmark::delete(&mut tx, user.id(), &ids).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
