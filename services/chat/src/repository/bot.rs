//! Tutor bots.

use contract::chat::Concept;
use contract::id::BotId;
use sqlx::PgConnection;

use crate::domain::bot::Bot;

/// The bot, if it is there and active.
pub async fn find(db: &mut PgConnection, id: BotId) -> Result<Option<Bot>, sqlx::Error> {
    sqlx::query_as!(
        Bot,
        r#"
        select id as "id: BotId", name, concept as "concept: Concept"
        from chatbot
        where id = $1 and is_active
        "#,
        id.as_uuid()
    )
    .fetch_optional(db)
    .await
}
