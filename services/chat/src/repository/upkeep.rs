//! What has served its time, deleted in chunks.

use std::time::Duration;

use chassis::upkeep::{self, IdempotencyKeys};
use sqlx::PgConnection;

use crate::domain::retention::{DELIVERED_TURNS, MESSAGE_KEYS};

/// Which rows are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Old {
    Tickets,
    Turns,
    MessageKeys,
    /// Answers that were kept for requests that come again.
    IdempotencyKeys,
}

impl Old {
    /// How long they stay after the moment that counts for them.
    const fn age(self) -> Duration {
        match self {
            // They know themselves when they end.
            Self::Tickets | Self::IdempotencyKeys => Duration::ZERO,
            Self::Turns => DELIVERED_TURNS,
            Self::MessageKeys => MESSAGE_KEYS,
        }
    }
}

impl upkeep::Old for Old {
    fn name(self) -> &'static str {
        match self {
            Self::Tickets => "tickets",
            Self::Turns => "turns",
            Self::MessageKeys => "message_keys",
            Self::IdempotencyKeys => IdempotencyKeys.name(),
        }
    }

    async fn delete(self, db: &mut PgConnection, limit: i64) -> Result<u64, sqlx::Error> {
        let age = self.age().as_secs_f64();
        match self {
            Self::Tickets => delete_tickets(db, age, limit).await,
            Self::Turns => delete_turns(db, age, limit).await,
            Self::MessageKeys => delete_message_keys(db, age, limit).await,
            Self::IdempotencyKeys => IdempotencyKeys.delete(db, limit).await,
        }
    }

    async fn overdue(self, db: &mut PgConnection) -> Result<Option<f64>, sqlx::Error> {
        let oldest = match self {
            Self::Tickets => oldest_ticket(db).await?,
            Self::Turns => oldest_turn(db).await?,
            Self::MessageKeys => oldest_message_key(db).await?,
            Self::IdempotencyKeys => return IdempotencyKeys.overdue(db).await,
        };
        Ok(Some((oldest.unwrap_or(0.0) - self.age().as_secs_f64()).max(0.0)))
    }
}

async fn delete_tickets(db: &mut PgConnection, age_secs: f64, limit: i64) -> Result<u64, sqlx::Error> {
    let deleted = sqlx::query!(
        r#"
        delete from socket_ticket
        where hash in (
          select hash
          from socket_ticket
          where expires_at <= now() - make_interval(secs => $1)
          order by expires_at
          limit $2
        )
        "#,
        age_secs,
        limit
    )
    .execute(db)
    .await?;
    Ok(deleted.rows_affected())
}

async fn delete_turns(db: &mut PgConnection, age_secs: f64, limit: i64) -> Result<u64, sqlx::Error> {
    let deleted = sqlx::query!(
        r#"
        delete from turn
        where id in (
          select id
          from turn
          where delivered_at <= now() - make_interval(secs => $1) and state = 'DONE'
          order by delivered_at
          limit $2
        )
        "#,
        age_secs,
        limit
    )
    .execute(db)
    .await?;
    Ok(deleted.rows_affected())
}

async fn delete_message_keys(db: &mut PgConnection, age_secs: f64, limit: i64) -> Result<u64, sqlx::Error> {
    let deleted = sqlx::query!(
        r#"
        delete from message_key
        where (room_id, sender_id, client_message_id) in (
          select room_id, sender_id, client_message_id
          from message_key
          where created_at <= now() - make_interval(secs => $1)
          order by created_at
          limit $2
        )
        "#,
        age_secs,
        limit
    )
    .execute(db)
    .await?;
    Ok(deleted.rows_affected())
}

// A maximum of ages would read every row: the minimum of a time is the first of its index.

async fn oldest_ticket(db: &mut PgConnection) -> Result<Option<f64>, sqlx::Error> {
    sqlx::query_scalar!("select extract(epoch from now() - min(expires_at))::float8 from socket_ticket")
        .fetch_one(db)
        .await
}

async fn oldest_turn(db: &mut PgConnection) -> Result<Option<f64>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        select extract(epoch from now() - min(delivered_at))::float8
        from turn
        where delivered_at is not null
        "#
    )
    .fetch_one(db)
    .await
}

async fn oldest_message_key(db: &mut PgConnection) -> Result<Option<f64>, sqlx::Error> {
    sqlx::query_scalar!("select extract(epoch from now() - min(created_at))::float8 from message_key")
        .fetch_one(db)
        .await
}
