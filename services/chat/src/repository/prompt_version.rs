//! Versions of prompts, for administrators. A version is never changed and never deleted.

use chrono::{DateTime, Utc};
use contract::chat::Agent;
use contract::id::{BotId, UserId};
use sqlx::PgConnection;
use sqlx::types::Json;

use crate::domain::prompt::Directives;

/// One version, whole.
#[derive(Debug, Clone)]
pub struct Row {
    pub version: i32,
    pub system_prompt: String,
    pub directives: Json<Directives>,
    pub note: Option<String>,
    pub created_by: Option<UserId>,
    pub created_at: DateTime<Utc>,
    pub in_use: bool,
}

/// One version in a list.
#[derive(Debug, Clone)]
pub struct Listed {
    pub version: i32,
    pub length: i32,
    pub note: Option<String>,
    pub created_by: Option<UserId>,
    pub created_at: DateTime<Utc>,
    pub in_use: bool,
}

/// A version to be.
#[derive(Debug, Clone, Copy)]
pub struct New<'a> {
    pub system_prompt: &'a str,
    pub directives: &'a Directives,
    pub note: Option<&'a str>,
    pub by: UserId,
}

/// Versions below `before`, newest first.
pub async fn list(
    db: &mut PgConnection,
    bot: BotId,
    agent: Agent,
    before: Option<i32>,
    limit: i64,
) -> Result<Vec<Listed>, sqlx::Error> {
    sqlx::query_as!(
        Listed,
        r#"
        select
          p.version,
          char_length(p.system_prompt) as "length!",
          p.note,
          p.created_by as "created_by: UserId",
          p.created_at,
          u.version is not null as "in_use!"
        from chatbot_prompt p
        left join prompt_in_use u
          on (u.chatbot_id, u.agent, u.version) = (p.chatbot_id, p.agent, p.version)
        where p.chatbot_id = $1 and p.agent = $2 and p.version < coalesce($3, 2147483647)
        order by p.version desc
        limit $4
        "#,
        bot.as_uuid(),
        agent.as_str(),
        before,
        limit
    )
    .fetch_all(db)
    .await
}

/// That version, or the newest.
pub async fn read(
    db: &mut PgConnection,
    bot: BotId,
    agent: Agent,
    version: Option<i32>,
) -> Result<Option<Row>, sqlx::Error> {
    sqlx::query_as!(
        Row,
        r#"
        select
          p.version,
          p.system_prompt,
          p.directives as "directives: Json<Directives>",
          p.note,
          p.created_by as "created_by: UserId",
          p.created_at,
          u.version is not null as "in_use!"
        from chatbot_prompt p
        left join prompt_in_use u
          on (u.chatbot_id, u.agent, u.version) = (p.chatbot_id, p.agent, p.version)
        where p.chatbot_id = $1 and p.agent = $2 and ($3::integer is null or p.version = $3)
        order by p.version desc
        limit 1
        "#,
        bot.as_uuid(),
        agent.as_str(),
        version
    )
    .fetch_optional(db)
    .await
}

/// The version in use; `None` is the built-in prompt.
pub async fn in_use(db: &mut PgConnection, bot: BotId, agent: Agent) -> Result<Option<i32>, sqlx::Error> {
    sqlx::query_scalar!(
        "select version from prompt_in_use where chatbot_id = $1 and agent = $2",
        bot.as_uuid(),
        agent.as_str()
    )
    .fetch_optional(db)
    .await
}

/// Stores the next version and says its number; the caller holds the bot's lock, which keeps numbers apart.
pub async fn insert(
    db: &mut PgConnection,
    bot: BotId,
    agent: Agent,
    new: New<'_>,
) -> Result<i32, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        insert into chatbot_prompt (chatbot_id, agent, version, system_prompt, directives, note, created_by)
        select $1, $2, coalesce(max(version), 0) + 1, $3, $4, $5, $6
        from chatbot_prompt
        where chatbot_id = $1 and agent = $2
        returning version
        "#,
        bot.as_uuid(),
        agent.as_str(),
        new.system_prompt,
        Json(new.directives) as _,
        new.note,
        new.by.as_uuid()
    )
    .fetch_one(db)
    .await
}

/// From now on the bot is told this version, or with `None` the built-in prompt. The version is there, and the caller
/// holds the bot's lock.
pub async fn activate(
    db: &mut PgConnection,
    bot: BotId,
    agent: Agent,
    version: Option<i32>,
) -> Result<(), sqlx::Error> {
    let Some(version) = version else {
        sqlx::query!(
            "delete from prompt_in_use where chatbot_id = $1 and agent = $2",
            bot.as_uuid(),
            agent.as_str()
        )
        .execute(db)
        .await?;
        return Ok(());
    };
    sqlx::query!(
        r#"
        insert into prompt_in_use (chatbot_id, agent, version)
        values ($1, $2, $3)
        on conflict (chatbot_id, agent) do update
        set version = excluded.version, updated_at = now()
        "#,
        bot.as_uuid(),
        agent.as_str(),
        version
    )
    .execute(db)
    .await?;
    Ok(())
}
