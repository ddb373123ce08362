//! What reports count.

use chrono::{DateTime, Utc};
use contract::store::maintenance::{BookmarkStatistics, OrderStatistics, Sales};
use sqlx::PgConnection;

/// How many orders came to each status in `from..to`.
pub async fn orders(
    db: &mut PgConnection,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> Result<OrderStatistics, sqlx::Error> {
    sqlx::query_as!(
        OrderStatistics,
        r#"
        select
          count(*) filter (where from_status is null) as "placed!",
          count(*) filter (where to_status = 'CONFIRMED') as "confirmed!",
          count(*) filter (where to_status = 'SHIPPED') as "shipped!",
          count(*) filter (where to_status = 'DELIVERED') as "delivered!",
          count(*) filter (where to_status = 'CANCELLED') as "cancelled!",
          count(*) filter (where to_status = 'FAILED') as "failed!",
          count(*) filter (where to_status = 'REFUNDED') as "refunded!"
        from order_history
        where created_at >= $1 and created_at < $2 and from_status is distinct from to_status
        "#,
        from,
        to
    )
    .fetch_one(db)
    .await
}

/// By currency.
pub async fn sales(
    db: &mut PgConnection,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> Result<Vec<Sales>, sqlx::Error> {
    sqlx::query_file_as!(Sales, "src/repository/sales.sql", from, to).fetch_all(db).await
}

pub async fn active_users(
    db: &mut PgConnection,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        select count(distinct user_id) as "users!"
        from "order"
        where created_at >= $1 and created_at < $2
        "#,
        from,
        to
    )
    .fetch_one(db)
    .await
}

pub async fn bookmarks(
    db: &mut PgConnection,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> Result<BookmarkStatistics, sqlx::Error> {
    sqlx::query_as!(
        BookmarkStatistics,
        r#"
        select
          (select count(*) from bookmark where created_at >= $1 and created_at < $2) as "created!",
          (select count(*) from bookmark where deleted_at >= $1 and deleted_at < $2) as "deleted!"
        "#,
        from,
        to
    )
    .fetch_one(db)
    .await
}
