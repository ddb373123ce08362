//! What the chunks of an instance have found, for its report.

use contract::id::InstanceId;
use serde_json::Value;
use sqlx::PgConnection;

/// The first rows of the instance, in the order of these columns: which part of a step was faster makes no difference.
///
/// # Errors
/// When the database does not answer.
pub async fn list(
    db: &mut PgConnection,
    instance: InstanceId,
    columns: &[&str],
    limit: usize,
) -> Result<Vec<Value>, sqlx::Error> {
    let columns: Vec<String> = columns.iter().map(|name| (*name).to_owned()).collect();
    // A million rows take a while to sort, and nobody waits for it.
    sqlx::query!("set local statement_timeout = '2min'").execute(&mut *db).await?;
    sqlx::query_scalar!(
        r#"
        select content
        from report_row
        where instance_id = $1
        order by
          (
            select array_agg(content -> name order by position)
            from unnest($2::text[]) with ordinality as sorted (name, position)
          ),
          content
        limit $3
        "#,
        instance.as_uuid(),
        &columns,
        i64::try_from(limit).unwrap_or(i64::MAX)
    )
    .fetch_all(db)
    .await
}
