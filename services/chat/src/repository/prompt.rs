//! The prompts that a bot uses now.

use contract::chat::Agent;
use contract::id::BotId;
use serde_json::Value;
use sqlx::PgConnection;

#[derive(Debug, Clone, PartialEq)]
pub struct InUse {
    pub agent: Agent,
    pub version: i32,
    pub system_prompt: String,
    /// Further instructions by level: `{"1": […], "2": […], "3": […]}`.
    pub directives: Value,
}

/// One for each agent that has one of its own.
pub async fn in_use(db: &mut PgConnection, bot: BotId) -> Result<Vec<InUse>, sqlx::Error> {
    sqlx::query_as!(
        InUse,
        r#"
        select p.agent as "agent: Agent", p.version, p.system_prompt, p.directives
        from prompt_in_use u
        join chatbot_prompt p using (chatbot_id, agent, version)
        where u.chatbot_id = $1
        "#,
        bot.as_uuid()
    )
    .fetch_all(db)
    .await
}
