//! Orders by whose they are and how far they have come, the newest first.

use chrono::{DateTime, Utc};
use contract::id::{OrderId, PaymentId, UserId};
use contract::store::{FailureCode, Order, OrderItem, OrderStatus, PaymentStatus};
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use super::order::Row;

/// Which orders.
#[derive(Debug)]
pub struct Choice {
    /// None is everybody.
    pub user: Option<UserId>,
    pub status: Option<OrderStatus>,
    /// Older than this one.
    pub before: Option<(DateTime<Utc>, Uuid)>,
    pub limit: i64,
}

pub async fn page(db: &mut PgConnection, choice: &Choice) -> Result<Vec<Order>, sqlx::Error> {
    let (at, id) = choice.before.unwrap_or((DateTime::<Utc>::MAX_UTC, Uuid::max()));
    // A query for each index: one for all would use none.
    let ids = match (choice.user, choice.status) {
        (Some(user), status) => of_user(db, user, status, (at, id), choice.limit).await?,
        (None, Some(status)) => with_status(db, status, (at, id), choice.limit).await?,
        (None, None) => newest(db, (at, id), choice.limit).await?,
    };
    let rows = sqlx::query_file_as!(Row, "src/repository/order_views.sql", &ids).fetch_all(db).await?;
    Ok(rows.into_iter().map(Order::from).collect())
}

async fn of_user(
    db: &mut PgConnection,
    user: UserId,
    status: Option<OrderStatus>,
    (at, id): (DateTime<Utc>, Uuid),
    limit: i64,
) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        select id
        from "order"
        where user_id = $1
          and ($2::text is null or status = $2)
          and (created_at, id) < ($3, $4)
        order by created_at desc, id desc
        limit $5
        "#,
        user.as_uuid(),
        status.map(OrderStatus::as_str),
        at,
        id,
        limit
    )
    .fetch_all(db)
    .await
}

async fn with_status(
    db: &mut PgConnection,
    status: OrderStatus,
    (at, id): (DateTime<Utc>, Uuid),
    limit: i64,
) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        select id
        from "order"
        where status = $1 and (created_at, id) < ($2, $3)
        order by created_at desc, id desc
        limit $4
        "#,
        status.as_str(),
        at,
        id,
        limit
    )
    .fetch_all(db)
    .await
}

async fn newest(
    db: &mut PgConnection,
    (at, id): (DateTime<Utc>, Uuid),
    limit: i64,
) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        select id
        from "order"
        where (created_at, id) < ($1, $2)
        order by created_at desc, id desc
        limit $3
        "#,
        at,
        id,
        limit
    )
    .fetch_all(db)
    .await
}

/// Whose it is.
pub async fn owner(db: &mut PgConnection, order: OrderId) -> Result<Option<UserId>, sqlx::Error> {
    sqlx::query_scalar!(r#"select user_id as "user: UserId" from "order" where id = $1"#, order.as_uuid())
        .fetch_optional(db)
        .await
}
