//! What a user has used, for the user.

use contract::id::UserId;
use sqlx::PgConnection;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Used {
    /// `YYYY-MM`, as the database's clock has it.
    pub month: String,
    pub turns_today: i64,
    pub turns: i64,
    pub prompt_tokens: i64,
    pub completion_tokens: i64,
}

pub async fn this_month(db: &mut PgConnection, user: UserId) -> Result<Used, sqlx::Error> {
    sqlx::query_as!(
        Used,
        r#"
        with today as (
          select (now() at time zone 'UTC')::date as day
        )
        select
          to_char(today.day, 'YYYY-MM') as "month!",
          coalesce(sum(u.turns) filter (where u.day = today.day), 0) as "turns_today!",
          coalesce(sum(u.turns), 0) as "turns!",
          coalesce(sum(u.prompt_tokens), 0)::bigint as "prompt_tokens!",
          coalesce(sum(u.completion_tokens), 0)::bigint as "completion_tokens!"
        from today
        left join usage_day u
          on u.user_id = $1 and u.day >= date_trunc('month', today.day)::date
        group by today.day
        "#,
        user.as_uuid()
    )
    .fetch_one(db)
    .await
}
