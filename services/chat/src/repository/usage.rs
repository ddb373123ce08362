//! What users have had answered by a model, by day (UTC).

use chrono::NaiveDate;
use contract::id::UserId;
use sqlx::PgConnection;

/// What a user may use. `None` is without limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// Tokens in a month, prompts and answers together.
    pub monthly_tokens: Option<i64>,
    pub daily_turns: Option<i32>,
}

/// Whether the model may answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// A turn of this day is taken.
    Granted(NaiveDate),
    /// All turns of the day are used.
    Day,
    /// All tokens of the month are used.
    Month,
}

/// Takes one turn of the day, unless the quota says no. One statement, so that requests that race cannot take more
/// turns than there are; tokens are known only afterwards, so the last turns of a month may go over.
pub async fn take_turn(db: &mut PgConnection, user: UserId, quota: Quota) -> Result<Admission, sqlx::Error> {
    let row = sqlx::query!(
        r#"
        with today as (
          select (now() at time zone 'UTC')::date as day
        ),
        month as (
          select coalesce(sum(prompt_tokens + completion_tokens), 0) >= $2::bigint as used
          from usage_day, today
          where user_id = $1 and usage_day.day >= date_trunc('month', today.day)::date
        ),
        taken as (
          insert into usage_day as used (user_id, day, turns)
          select $1, today.day, 1
          from today, month
          where coalesce(not month.used, true)
          on conflict (user_id, day) do update
          set turns = used.turns + 1, updated_at = now()
          where $3::integer is null or used.turns < $3
          returning day
        )
        select coalesce(month.used, false) as "month_used!", (select taken.day from taken) as day
        from month
        "#,
        user.as_uuid(),
        quota.monthly_tokens as Option<i64>,
        quota.daily_turns
    )
    .fetch_one(db)
    .await?;
    Ok(match (row.month_used, row.day) {
        (true, _) => Admission::Month,
        (false, Some(day)) => Admission::Granted(day),
        (false, None) => Admission::Day,
    })
}

/// Gives back a turn that was taken on that day.
pub async fn give_turn_back(db: &mut PgConnection, user: UserId, day: NaiveDate) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update usage_day set turns = turns - 1, updated_at = now() where user_id = $1 and day = $2 and turns > 0",
        user.as_uuid(),
        day
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Whether there are tokens left in this month, for what takes no turn.
pub async fn has_tokens(db: &mut PgConnection, user: UserId, quota: Quota) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        select coalesce(sum(prompt_tokens + completion_tokens) < $2::bigint, true) as "left!"
        from usage_day
        where user_id = $1 and day >= date_trunc('month', now() at time zone 'UTC')::date
        "#,
        user.as_uuid(),
        quota.monthly_tokens
    )
    .fetch_one(db)
    .await
}

/// Adds what was used today.
pub async fn add_tokens(
    db: &mut PgConnection,
    user: UserId,
    prompt: i64,
    completion: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        insert into usage_day as used (user_id, day, prompt_tokens, completion_tokens)
        values ($1, (now() at time zone 'UTC')::date, $2, $3)
        on conflict (user_id, day) do update
        set
          prompt_tokens = used.prompt_tokens + excluded.prompt_tokens,
          completion_tokens = used.completion_tokens + excluded.completion_tokens,
          updated_at = now()
        "#,
        user.as_uuid(),
        prompt,
        completion
    )
    .execute(db)
    .await?;
    Ok(())
}
