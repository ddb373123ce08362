//! Sagas as people see them.

use chrono::{DateTime, Utc};
use contract::id::{OrderId, SagaId};
use contract::store::maintenance::OverdueSaga;
use contract::store::{SagaKind, SagaState, SagaStep, SagaView};
use sqlx::PgConnection;
use uuid::Uuid;

/// Which sagas.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    All,
    State(SagaState),
    /// Those that wait for a person, and those that have been tried for so long that one should look.
    InTrouble,
}

/// Attempts after which somebody should look.
const TROUBLE: i32 = 10;

/// The newest first, older than `before`.
pub async fn page(
    db: &mut PgConnection,
    choice: Choice,
    before: Option<SagaId>,
    limit: i64,
) -> Result<Vec<SagaView>, sqlx::Error> {
    let before = before.map_or(Uuid::max(), SagaId::as_uuid);
    let ids = match choice {
        Choice::InTrouble => in_trouble(db, before, limit).await?,
        Choice::All => any(db, None, before, limit).await?,
        Choice::State(state) => any(db, Some(state), before, limit).await?,
    };
    views(db, &ids).await
}

async fn in_trouble(db: &mut PgConnection, before: Uuid, limit: i64) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        select id
        from saga
        where state in ('RUNNING', 'COMPENSATING', 'STUCK')
          and (state = 'STUCK' or attempt >= $1)
          and id < $2
        order by id desc
        limit $3
        "#,
        TROUBLE,
        before,
        limit
    )
    .fetch_all(db)
    .await
}

async fn any(
    db: &mut PgConnection,
    state: Option<SagaState>,
    before: Uuid,
    limit: i64,
) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        select id
        from saga
        where ($1::text is null or state = $1) and id < $2
        order by id desc
        limit $3
        "#,
        state.map(SagaState::as_str),
        before,
        limit
    )
    .fetch_all(db)
    .await
}

pub async fn find(db: &mut PgConnection, saga: SagaId) -> Result<Option<SagaView>, sqlx::Error> {
    Ok(views(db, &[saga.as_uuid()]).await?.pop())
}

async fn views(db: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<SagaView>, sqlx::Error> {
    sqlx::query_as!(
        SagaView,
        r#"
        select
          id as "id: SagaId",
          order_id as "order_id: OrderId",
          kind as "kind: SagaKind",
          step as "step: SagaStep",
          state as "state: SagaState",
          attempt,
          next_at as "next_at: DateTime<Utc>",
          deadline as "deadline: DateTime<Utc>",
          last_error,
          resolution,
          created_at as "created_at: DateTime<Utc>",
          updated_at as "updated_at: DateTime<Utc>"
        from saga
        where id = any($1)
        order by id desc
        "#,
        ids
    )
    .fetch_all(db)
    .await
}

/// Past their deadlines, the oldest first.
pub async fn overdue(db: &mut PgConnection, limit: i64) -> Result<Vec<OverdueSaga>, sqlx::Error> {
    sqlx::query_as!(
        OverdueSaga,
        r#"
        select id as "id: SagaId", order_id as "order_id: OrderId", deadline as "deadline: DateTime<Utc>"
        from saga
        where state in ('RUNNING', 'COMPENSATING') and deadline <= now()
        order by deadline
        limit $1
        "#,
        limit
    )
    .fetch_all(db)
    .await
}

/// How many wait for a person.
pub async fn stuck(db: &mut PgConnection) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(r#"select count(*) as "stuck!" from saga where state = 'STUCK'"#).fetch_one(db).await
}
