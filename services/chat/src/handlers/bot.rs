//! Bots, for administrators.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use chassis::extract::{Admin, ApiJson, ApiPath};
use chassis::{db, entity_tag};
use chrono::{DateTime, Utc};
use contract::chat::Concept;
use contract::id::BotId;
use contract::problem::Problem;
use garde::Validate;
use http::{HeaderMap, header};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use tracing::info;
use utoipa::ToSchema;

use crate::domain::prompt::{LONGEST_DESCRIPTION, picture_address, text};
use crate::error::Error;
use crate::repository::bot_record::{self, Changeable, InUse, Row};
use crate::state::AppState;

/// A bot with everything but its prompts.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BotView {
    id: BotId,
    name: String,
    /// The word the web client knows it by.
    bot_type: String,
    concept: Concept,
    description: String,
    #[schema(required)]
    picture: Option<String>,
    is_active: bool,
    /// Its `ETag`, quoted.
    version: i64,
    prompts_in_use: InUse,
    #[serde(with = "contract::time::micros")]
    created_at: DateTime<Utc>,
    #[serde(with = "contract::time::micros")]
    updated_at: DateTime<Utc>,
}

impl From<Row> for BotView {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            name: row.name,
            bot_type: row.bot_type,
            concept: row.concept,
            description: row.description,
            picture: row.picture,
            is_active: row.is_active,
            version: row.version,
            prompts_in_use: row.in_use.0,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// All that can be changed of a bot, in full: what is to stay is sent as it is.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BotRequest {
    /// 1 to 100 characters.
    #[garde(custom(|name: &str, (): &()| text(name, 100)))]
    #[schema(max_length = 100)]
    name: String,
    #[garde(length(chars, max = LONGEST_DESCRIPTION))]
    #[schema(max_length = 1000)]
    description: String,
    /// An http(s) address or a path, at most 500 characters; null for none.
    #[garde(inner(custom(|address: &str, (): &()| picture_address(address))))]
    #[schema(required, max_length = 500)]
    // Must be there: forgetting it must not remove the picture.
    #[serde(deserialize_with = "Option::deserialize")]
    picture: Option<String>,
    /// No new room can be made with an inactive bot; those that there are go on.
    #[garde(skip)]
    is_active: bool,
}

/// Every bot, inactive ones too.
#[utoipa::path(
    get,
    path = "/api/chat/chatbots",
    tag = "chatbots",
    responses(
        (status = 200, description = "All of them, by id", body = Vec<BotView>),
        (status = 401, description = "A001 or A002", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "A003: no administrator", body = Problem, content_type = "application/problem+json"),
    ),
    security(("bearer" = []))
)]
pub async fn list_bots(State(state): State<AppState>, _: Admin) -> Result<Json<Vec<BotView>>, Error> {
    let mut tx = db::begin(&state.db).await?;
    let rows = bot_record::list(&mut tx, None).await?;
    tx.commit().await?;
    Ok(Json(rows.into_iter().map(BotView::from).collect()))
}

/// One bot, inactive or not.
#[utoipa::path(
    get,
    path = "/api/chat/chatbots/{id}",
    tag = "chatbots",
    params(("id" = BotId, Path)),
    responses(
        (status = 200, description = "The bot, its version as ETag", body = BotView),
        (status = 401, description = "A001 or A002", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "A003: no administrator", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "E002: no such bot", body = Problem, content_type = "application/problem+json"),
    ),
    security(("bearer" = []))
)]
pub async fn get_bot(
    State(state): State<AppState>,
    _: Admin,
    ApiPath(id): ApiPath<BotId>,
) -> Result<Response, Error> {
    let mut tx = db::begin(&state.db).await?;
    let row = bot_record::read(&mut tx, id).await?.ok_or(Error::BotNotFound)?;
    tx.commit().await?;
    Ok(view(row))
}

/// Changes a bot. `If-Match` is honoured when sent. What changes nothing keeps the version.
#[utoipa::path(
    put,
    path = "/api/chat/chatbots/{id}",
    tag = "chatbots",
    params(("id" = BotId, Path), ("If-Match" = Option<String>, Header, description = "ETag of the bot")),
    request_body = BotRequest,
    responses(
        (status = 200, description = "The bot as it is now", body = BotView),
        (status = 400, description = "E002, E003", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "A001 or A002", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "A003: no administrator", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "E002: no such bot", body = Problem, content_type = "application/problem+json"),
        (status = 412, description = "The bot, or which prompt it uses, changed since it was read", body = Problem, content_type = "application/problem+json"),
    ),
    security(("bearer" = []))
)]
pub async fn put_bot(
    State(state): State<AppState>,
    Admin(admin): Admin,
    ApiPath(id): ApiPath<BotId>,
    headers: HeaderMap,
    ApiJson(body): ApiJson<BotRequest>,
) -> Result<Response, Error> {
    let mut tx = db::begin(&state.db).await?;
    let row = locked(&mut tx, id).await?;
    unchanged(&headers, &row)?;
    let before = row.changeable();
    let after = Changeable {
        name: body.name.trim().to_owned(),
        description: body.description,
        picture: body.picture,
        is_active: body.is_active,
    };
    if after == before {
        return Ok(view(row));
    }
    bot_record::update(&mut tx, id, &after).await?;
    let row = bot_record::read(&mut tx, id).await?.ok_or(Error::BotNotFound)?;
    tx.commit().await?;
    let (by, version, changed) = (admin.id(), row.version, differences(&before, &after));
    info!(admin.id = %by, bot.id = %id, version, changed, "administrator {by} changed bot {id} to version {version}");
    Ok(view(row))
}

/// The bot, kept from other administrators until the transaction ends.
pub(super) async fn locked(db: &mut PgConnection, id: BotId) -> Result<Row, Error> {
    if !bot_record::lock(db, id).await? {
        return Err(Error::BotNotFound);
    }
    bot_record::read(db, id).await?.ok_or(Error::BotNotFound)
}

/// Whether the caller knows the bot as it is; false when it does not say what it knows.
///
/// # Errors
/// When what it knows is stale.
pub(super) fn unchanged(headers: &HeaderMap, row: &Row) -> Result<bool, Error> {
    match entity_tag::if_match(headers) {
        None => Ok(false),
        Some(versions) if versions.contains(&row.version) => Ok(true),
        Some(_) => Err(Error::Stale),
    }
}

pub(super) fn view(row: Row) -> Response {
    let etag = entity_tag::of_version(row.version);
    ([(header::ETAG, etag)], Json(BotView::from(row))).into_response()
}

/// Names of the fields, for the log.
fn differences(before: &Changeable, after: &Changeable) -> String {
    let fields = [
        ("name", before.name != after.name),
        ("description", before.description != after.description),
        ("picture", before.picture != after.picture),
        ("isActive", before.is_active != after.is_active),
    ];
    let names: Vec<_> = fields.into_iter().filter_map(|(name, differs)| differs.then_some(name)).collect();
    names.join(",")
}
