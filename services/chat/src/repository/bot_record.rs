//! Bots as administrators see and change them.

use chrono::{DateTime, Utc};
use contract::chat::Concept;
use contract::id::BotId;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use sqlx::types::Json;
use utoipa::ToSchema;

/// One bot as stored.
#[derive(Debug, Clone)]
pub struct Row {
    pub id: BotId,
    pub name: String,
    pub bot_type: String,
    pub concept: Concept,
    pub description: String,
    pub picture: Option<String>,
    pub is_active: bool,
    pub version: i64,
    pub in_use: Json<InUse>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// The version of each task's prompt that is in use; null speaks the built-in one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InUse {
    #[schema(required)]
    pub conversation: Option<i32>,
    #[schema(required)]
    pub analysis: Option<i32>,
    #[schema(required)]
    pub vocabulary: Option<i32>,
    #[schema(required)]
    pub greeting: Option<i32>,
    #[schema(required)]
    pub summary: Option<i32>,
}

/// What of a bot can be changed. Its concept and type are what the web client knows it by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changeable {
    pub name: String,
    pub description: String,
    pub picture: Option<String>,
    pub is_active: bool,
}

impl Row {
    pub fn changeable(&self) -> Changeable {
        Changeable {
            name: self.name.clone(),
            description: self.description.clone(),
            picture: self.picture.clone(),
            is_active: self.is_active,
        }
    }
}

/// Every bot, or the one.
pub async fn list(db: &mut PgConnection, only: Option<BotId>) -> Result<Vec<Row>, sqlx::Error> {
    sqlx::query_as!(
        Row,
        r#"
        select
          b.id as "id: BotId",
          b.name,
          b.bot_type,
          b.concept as "concept: Concept",
          b.description,
          b.picture,
          b.is_active,
          b.version,
          coalesce(
            (select jsonb_object_agg(u.agent, u.version) from prompt_in_use u where u.chatbot_id = b.id),
            '{}'
          ) as "in_use!: Json<InUse>",
          b.created_at,
          b.updated_at
        from chatbot b
        where $1::uuid is null or b.id = $1
        order by b.id
        "#,
        only.map(BotId::as_uuid)
    )
    .fetch_all(db)
    .await
}

pub async fn read(db: &mut PgConnection, id: BotId) -> Result<Option<Row>, sqlx::Error> {
    Ok(list(db, Some(id)).await?.pop())
}

/// Keeps other administrators away until the transaction ends; rooms with the bot can be made all the same. False
/// when there is no such bot.
pub async fn lock(db: &mut PgConnection, id: BotId) -> Result<bool, sqlx::Error> {
    let found = sqlx::query_scalar!("select true from chatbot where id = $1 for no key update", id.as_uuid())
        .fetch_optional(db)
        .await?;
    Ok(found.is_some())
}

/// Stores what has changed as the next version; the caller holds the lock.
pub async fn update(db: &mut PgConnection, id: BotId, to: &Changeable) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        update chatbot
        set
          name = $2,
          description = $3,
          picture = $4,
          is_active = $5,
          version = version + 1,
          updated_at = now()
        where id = $1
        "#,
        id.as_uuid(),
        to.name,
        to.description,
        to.picture,
        to.is_active
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The bot answers otherwise from now on, so what was read of it is stale; the caller holds the lock.
pub async fn touch(db: &mut PgConnection, id: BotId) -> Result<(), sqlx::Error> {
    sqlx::query!("update chatbot set version = version + 1, updated_at = now() where id = $1", id.as_uuid())
        .execute(db)
        .await?;
    Ok(())
}
