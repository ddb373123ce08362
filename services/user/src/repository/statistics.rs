//! What reports count.

use chrono::{DateTime, NaiveDate, Utc};
use contract::user::maintenance::{DayStatistics, UserStatistics};
use sqlx::PgConnection;

/// What happened in `from..to`, and how many accounts there are of each status now. Sign-ups that are not finished are
/// nobody's accounts.
pub async fn day(
    db: &mut PgConnection,
    day: NaiveDate,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> Result<DayStatistics, sqlx::Error> {
    let counted = sqlx::query!(
        r#"
        select
          count(*) filter (where created_at >= $1 and created_at < $2) as "sign_ups!",
          count(*) filter (where inactive_since >= $1 and inactive_since < $2) as "deactivated!",
          count(*) filter (where pseudonymised_at >= $1 and pseudonymised_at < $2) as "pseudonymised!",
          count(*) filter (where last_conn_time >= $1 and last_conn_time < $2) as "last_seen!",
          count(*) filter (where status = 'ACTIVE') as "active!",
          count(*) filter (where status = 'INACTIVE') as "inactive!",
          count(*) filter (where status = 'SUSPENDED') as "suspended!"
        from user_profile
        where signup_state <> 'PENDING'
        "#,
        from,
        to
    )
    .fetch_one(db)
    .await?;
    Ok(DayStatistics {
        day,
        sign_ups: counted.sign_ups,
        deactivated: counted.deactivated,
        pseudonymised: counted.pseudonymised,
        last_seen: counted.last_seen,
        users: UserStatistics {
            active: counted.active,
            inactive: counted.inactive,
            suspended: counted.suspended,
        },
    })
}
