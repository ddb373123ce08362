//! Prompts of bots and their versions, for administrators.
//!
//! A version is never changed and never deleted; which one is in use is all that changes.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use chassis::extract::{Admin, ApiJson, ApiPath, ApiQuery};
use chassis::{db, entity_tag};
use contract::chat::Agent;
use contract::id::BotId;
use contract::problem::Problem;
use http::{HeaderMap, StatusCode, header};
use sqlx::PgConnection;
use tracing::info;

use super::bot::{BotView, locked, unchanged, view};
use super::prompt_view::{ActiveRequest, Paging, PromptItem, PromptList, PromptRequest, PromptView};
use crate::error::Error;
use crate::repository::bot_record;
use crate::repository::prompt_version::{self, Row};
use crate::state::AppState;

/// The versions of an agent's prompt, newest first, without their texts.
#[utoipa::path(
    get,
    path = "/api/chat/chatbots/{id}/prompts/{agent}",
    tag = "chatbots",
    params(("id" = BotId, Path), ("agent" = Agent, Path), Paging),
    responses(
        (status = 200, description = "A page of versions, the bot's version as ETag", body = PromptList, headers(("ETag" = String))),
        (status = 401, description = "A001 or A002", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "A003: no administrator", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "E002: no such bot", body = Problem, content_type = "application/problem+json"),
    ),
    security(("bearer" = []))
)]
pub async fn list_prompts(
    State(state): State<AppState>,
    _: Admin,
    ApiPath((id, agent)): ApiPath<(BotId, Agent)>,
    ApiQuery(paging): ApiQuery<Paging>,
) -> Result<Response, Error> {
    let mut tx = db::begin(&state.db).await?;
    let bot = bot_record::read(&mut tx, id).await?.ok_or(Error::BotNotFound)?;
    let in_use = prompt_version::in_use(&mut tx, id, agent).await?;
    let mut rows = prompt_version::list(&mut tx, id, agent, paging.before, paging.limit + 1).await?;
    tx.commit().await?;
    let limit = usize::try_from(paging.limit).unwrap_or(usize::MAX);
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more).map(|last| last.version);
    let content = rows.into_iter().map(PromptItem::from).collect();
    let etag = entity_tag::of_version(bot.version);
    Ok(([(header::ETAG, etag)], Json(PromptList { agent, in_use, content, next })).into_response())
}

/// One version, whole.
#[utoipa::path(
    get,
    path = "/api/chat/chatbots/{id}/prompts/{agent}/versions/{version}",
    tag = "chatbots",
    params(("id" = BotId, Path), ("agent" = Agent, Path), ("version" = i32, Path)),
    responses(
        (status = 200, description = "The version", body = PromptView),
        (status = 401, description = "A001 or A002", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "A003: no administrator", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "E002: no such version", body = Problem, content_type = "application/problem+json"),
    ),
    security(("bearer" = []))
)]
pub async fn get_prompt(
    State(state): State<AppState>,
    _: Admin,
    ApiPath((id, agent, version)): ApiPath<(BotId, Agent, i32)>,
) -> Result<Json<PromptView>, Error> {
    let mut tx = db::begin(&state.db).await?;
    let row = one(&mut tx, id, agent, version).await?;
    tx.commit().await?;
    Ok(Json(PromptView::of(agent, row)))
}

/// Stores a new version, which is in use at once unless `activate` is false. Sent again by the same administrator while
/// it is the newest, it is the same version; which one is in use then stays as it is, because somebody may have changed
/// that in the meantime, unless `If-Match` shows that nobody has.
#[utoipa::path(
    put,
    path = "/api/chat/chatbots/{id}/prompts/{agent}",
    tag = "chatbots",
    params(
        ("id" = BotId, Path),
        ("agent" = Agent, Path),
        ("If-Match" = Option<String>, Header, description = "ETag of the bot"),
    ),
    request_body = PromptRequest,
    responses(
        (status = 201, description = "A new version", body = PromptView, headers(("Location" = String))),
        (status = 200, description = "The newest version, which says the same", body = PromptView),
        (status = 400, description = "E002, E003", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "A001 or A002", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "A003: no administrator", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "E002: no such bot", body = Problem, content_type = "application/problem+json"),
        (status = 412, description = "The bot, or which prompt it uses, changed since it was read", body = Problem, content_type = "application/problem+json"),
    ),
    security(("bearer" = []))
)]
pub async fn put_prompt(
    State(state): State<AppState>,
    Admin(admin): Admin,
    ApiPath((id, agent)): ApiPath<(BotId, Agent)>,
    headers: HeaderMap,
    ApiJson(body): ApiJson<PromptRequest>,
) -> Result<Response, Error> {
    let by = admin.id();
    let mut tx = db::begin(&state.db).await?;
    let matched = unchanged(&headers, &locked(&mut tx, id).await?)?;
    let newest = prompt_version::read(&mut tx, id, agent, None).await?;
    let same = newest.filter(|row| body.says_the_same(row, by)).map(|row| row.version);
    let version = match same {
        Some(version) => version,
        None => prompt_version::insert(&mut tx, id, agent, body.new_version(by)).await?,
    };
    // What is only repeated must not undo what others have decided since.
    let may_switch = body.activate && (same.is_none() || matched);
    let activated = may_switch && switch(&mut tx, id, agent, Some(version)).await?;
    let row = one(&mut tx, id, agent, version).await?;
    let bot = bot_record::read(&mut tx, id).await?.ok_or(Error::BotNotFound)?;
    tx.commit().await?;
    if same.is_none() || activated {
        info!(
            admin.id = %by, bot.id = %id, agent = %agent, version, activated,
            "administrator {by} stored version {version} of the {agent} prompt of bot {id}"
        );
    }
    let status = if same.is_none() { StatusCode::CREATED } else { StatusCode::OK };
    let location = format!("/api/chat/chatbots/{id}/prompts/{agent}/versions/{version}");
    let etag = entity_tag::of_version(bot.version);
    Ok((status, [(header::LOCATION, location)], [(header::ETAG, etag)], Json(PromptView::of(agent, row)))
        .into_response())
}

/// Takes another version into use: back to an earlier one, or on to one that was only stored.
#[utoipa::path(
    put,
    path = "/api/chat/chatbots/{id}/prompts/{agent}/active",
    tag = "chatbots",
    params(
        ("id" = BotId, Path),
        ("agent" = Agent, Path),
        ("If-Match" = Option<String>, Header, description = "ETag of the bot"),
    ),
    request_body = ActiveRequest,
    responses(
        (status = 200, description = "The bot as it is now", body = BotView),
        (status = 400, description = "E002", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "A001 or A002", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "A003: no administrator", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "E002: no such bot or version", body = Problem, content_type = "application/problem+json"),
        (status = 412, description = "The bot, or which prompt it uses, changed since it was read", body = Problem, content_type = "application/problem+json"),
    ),
    security(("bearer" = []))
)]
pub async fn put_active(
    State(state): State<AppState>,
    Admin(admin): Admin,
    ApiPath((id, agent)): ApiPath<(BotId, Agent)>,
    headers: HeaderMap,
    ApiJson(body): ApiJson<ActiveRequest>,
) -> Result<Response, Error> {
    let mut tx = db::begin(&state.db).await?;
    unchanged(&headers, &locked(&mut tx, id).await?)?;
    if let Some(version) = body.version {
        one(&mut tx, id, agent, version).await?;
    }
    let switched = switch(&mut tx, id, agent, body.version).await?;
    let row = bot_record::read(&mut tx, id).await?.ok_or(Error::BotNotFound)?;
    tx.commit().await?;
    if switched {
        let by = admin.id();
        let version = body.version.map_or("the built-in one".to_owned(), |version| version.to_string());
        info!(
            admin.id = %by, bot.id = %id, agent = %agent, version,
            "administrator {by} switched the {agent} prompt of bot {id} to {version}"
        );
    }
    Ok(view(row))
}

async fn one(db: &mut PgConnection, id: BotId, agent: Agent, version: i32) -> Result<Row, Error> {
    prompt_version::read(db, id, agent, Some(version)).await?.ok_or(Error::PromptNotFound)
}

/// Whether that was another version than the one in use.
async fn switch(
    db: &mut PgConnection,
    id: BotId,
    agent: Agent,
    to: Option<i32>,
) -> Result<bool, sqlx::Error> {
    if prompt_version::in_use(db, id, agent).await? == to {
        return Ok(false);
    }
    prompt_version::activate(db, id, agent, to).await?;
    bot_record::touch(db, id).await?;
    Ok(true)
}
