//! What happened to an order.

use chrono::{DateTime, Utc};
use contract::id::{OrderId, UserId};
use contract::store::{OrderChange, OrderStatus};
use sqlx::PgConnection;

pub async fn list(db: &mut PgConnection, order: OrderId) -> Result<Vec<OrderChange>, sqlx::Error> {
    sqlx::query_as!(
        OrderChange,
        r#"
        select
          seq,
          kind,
          from_status as "from: OrderStatus",
          to_status as "to: OrderStatus",
          actor_id as "actor_id: UserId",
          reason,
          created_at as "created_at: DateTime<Utc>"
        from order_history
        where order_id = $1
        order by seq
        "#,
        order.as_uuid()
    )
    .fetch_all(db)
    .await
}

/// Adds what happened to an order that stays as it is, and whose lock the caller holds. Its version stays, too: the
/// events of an order are numbered by it, without gaps.
pub async fn note(
    db: &mut PgConnection,
    order: OrderId,
    kind: &str,
    actor: Option<UserId>,
    reason: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        insert into order_history (order_id, seq, kind, from_status, to_status, actor_id, reason)
        select
          id,
          (select coalesce(max(seq), 0) + 1 from order_history where order_id = $1),
          $2,
          status,
          status,
          $3,
          $4
        from "order"
        where id = $1
        "#,
        order.as_uuid(),
        kind,
        actor.map(UserId::as_uuid),
        reason
    )
    .execute(db)
    .await?;
    Ok(())
}
