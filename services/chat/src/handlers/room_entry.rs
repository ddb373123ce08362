//! Entering a room.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use chassis::db;
use chassis::extract::{ApiJson, CurrentUser};
use contract::chat::{Concept, Level, Room};
use contract::id::BotId;
use contract::problem::Problem;
use garde::Validate;
use serde::Deserialize;
use sqlx::PgConnection;
use tokio::time::Instant;
use utoipa::ToSchema;

use super::room_access::claimed;
use crate::domain;
use crate::domain::bot::Bot;
use crate::domain::room::Violation;
use crate::error::Error;
use crate::repository;
use crate::repository::room::{self, NewRoom, Row};
use crate::state::AppState;

/// What a model may take for a greeting; then it is a canned one. The route ends within 5 s.
const OPENING_LIMIT: Duration = Duration::from_secs(4);

/// Whom to talk with, and how.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase")]
#[garde(allow_unvalidated)]
pub struct EnterRequest {
    /// A bot's id.
    #[schema(required)]
    chatbot_id: Option<String>,
    /// FRIEND, HONEY, COWORKER, SENIOR or BOSS, in any case of letters.
    #[schema(required)]
    concept: Option<String>,
    /// 1 formal, 2 soft polite, 3 casual; the nearest one counts.
    intimacy_level: Option<f64>,
    /// 1 to 100 characters; made of the bot's name otherwise.
    name: Option<String>,
    /// Must be the caller.
    user_id: Option<String>,
}

/// An entry whose fields were checked.
struct Entry<'a> {
    bot: BotId,
    concept: Concept,
    level: Level,
    name: Option<&'a str>,
}

impl EnterRequest {
    fn check(&self) -> Result<Entry<'_>, Error> {
        let mut wrong = Vec::new();
        let bot = self.chatbot_id.as_deref().unwrap_or_default().trim().parse();
        if bot.is_err() {
            let text = ("챗봇의 ID가 필요합니다.", "The id of a chatbot is needed.");
            wrong.push(Violation::new("chatbotId", text.0, text.1));
        }
        let concept = domain::room::concept(self.concept.as_deref().unwrap_or_default());
        let name = self.name.as_deref().filter(|name| !name.trim().is_empty());
        let name = name.map(domain::room::name).transpose();
        match (bot, concept, name) {
            (Ok(bot), Ok(concept), Ok(name)) => {
                Ok(Entry { bot, concept, level: domain::room::level(self.intimacy_level), name })
            }
            (_, concept, name) => {
                wrong.extend(concept.err());
                wrong.extend(name.err());
                Err(Error::Invalid(wrong))
            }
        }
    }
}

/// The caller's room with a bot: the active one, which takes the concept and the level, or a new one with its
/// greeting and its guide.
#[utoipa::path(
    post,
    path = "/api/chat/chatrooms",
    tag = "rooms",
    request_body = EnterRequest,
    responses(
        (status = 200, description = "The room", body = Room),
        (status = 400, description = "E003", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "A003: `userId` is somebody else", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such bot", body = Problem, content_type = "application/problem+json"),
    ),
    security(("bearer" = []))
)]
pub async fn enter(
    State(state): State<AppState>,
    user: CurrentUser,
    ApiJson(request): ApiJson<EnterRequest>,
) -> Result<Json<Room>, Error> {
    claimed(&user, request.user_id.as_deref())?;
    let entry = request.check()?;
    let mut tx = db::begin(&state.db).await?;
    let room = existing(&mut tx, &user, &entry).await?;
    if let Some(room) = room {
        tx.commit().await?;
        return Ok(Json(room.into()));
    }
    let bot = repository::bot::find(&mut tx, entry.bot).await?.ok_or(Error::BotNotFound)?;
    tx.commit().await?;
    let bot = Bot { concept: entry.concept, ..bot };
    let opening = state.responder.open(user.id(), &bot, entry.level, Instant::now() + OPENING_LIMIT).await;
    let default_name = domain::room::default_name(&bot.name);
    let new = NewRoom {
        id: chassis::fresh_id(),
        user_id: user.id(),
        chatbot_id: bot.id,
        name: entry.name.unwrap_or(&default_name),
        concept: entry.concept,
        level: entry.level,
        greeting_id: chassis::fresh_id(),
        greeting: &opening.greeting,
        guide_id: chassis::fresh_id(),
        guide: &opening.guide,
    };
    let mut tx = db::begin(&state.db).await?;
    let inserted = room::insert(&mut tx, &new).await?;
    // Another request may have made it while the greeting was.
    let room =
        if inserted { room::find(&mut tx, new.id).await? } else { existing(&mut tx, &user, &entry).await? };
    tx.commit().await?;
    Ok(Json(room.ok_or(Error::RoomNotFound)?.into()))
}

/// The same under the name that other clients use.
#[utoipa::path(
    post,
    path = "/api/chat/rooms",
    tag = "rooms",
    request_body = EnterRequest,
    responses((status = 200, description = "As `/api/chat/chatrooms`", body = Room)),
    security(("bearer" = []))
)]
pub async fn enter_alias(
    state: State<AppState>,
    user: CurrentUser,
    request: ApiJson<EnterRequest>,
) -> Result<Json<Room>, Error> {
    enter(state, user, request).await
}

/// The room that the caller has with the bot, if there is one.
async fn existing(
    db: &mut PgConnection,
    user: &CurrentUser,
    entry: &Entry<'_>,
) -> Result<Option<Row>, sqlx::Error> {
    match room::enter(db, user.id(), entry.bot, entry.concept, entry.level).await? {
        Some(id) => room::find(db, id).await,
        None => Ok(None),
    }
}
