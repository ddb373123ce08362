//! What has served its time, deleted in chunks.

use std::time::Duration;

use sqlx::PgConnection;

/// Which rows are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Old {
    Tickets,
    Turns,
    MessageKeys,
}

/// The one instance that cleans up now. Held until the transaction ends.
pub async fn try_lock(db: &mut PgConnection) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(r#"select pg_try_advisory_xact_lock(hashtextextended('chat-upkeep', 0)) as "mine!""#)
        .fetch_one(db)
        .await
}

/// Deletes up to `limit` rows that are older than `age`, oldest first, and says how many there were.
pub async fn delete(db: &mut PgConnection, old: Old, age: Duration, limit: i64) -> Result<u64, sqlx::Error> {
    let age = age.as_secs_f64();
    match old {
        Old::Tickets => delete_tickets(db, age, limit).await,
        Old::Turns => delete_turns(db, age, limit).await,
        Old::MessageKeys => delete_message_keys(db, age, limit).await,
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

/// For how many seconds the oldest row has been due; 0 when nothing is.
pub async fn overdue(db: &mut PgConnection, old: Old, age: Duration) -> Result<f64, sqlx::Error> {
    // A maximum of ages would read every row: the minimum of a time is the first of its index.
    let oldest = match old {
        Old::Tickets => {
            sqlx::query_scalar!(
                "select extract(epoch from now() - min(expires_at))::float8 from socket_ticket"
            )
            .fetch_one(db)
            .await?
        }
        Old::Turns => {
            sqlx::query_scalar!(
                r#"
                select extract(epoch from now() - min(delivered_at))::float8
                from turn
                where delivered_at is not null
                "#
            )
            .fetch_one(db)
            .await?
        }
        Old::MessageKeys => {
            sqlx::query_scalar!("select extract(epoch from now() - min(created_at))::float8 from message_key")
                .fetch_one(db)
                .await?
        }
    };
    Ok((oldest.unwrap_or(0.0) - age.as_secs_f64()).max(0.0))
}
