//! A table in one line: how many rows, and a sum over the hashes of all of them, whatever their order.

use chrono::{DateTime, Utc};
use sqlx::{AssertSqlSafe, PgConnection, Row as _};

/// What differs between two runs that did the same: places in queues, names that chance gave, traces.
const LEFT_OUT: [(&str, &[&str]); 5] = [
    ("outbox", &["id", "position", "event_id", "traceparent"]),
    // How far the event log's readers are says nothing about a job.
    ("outbox_sequencer", &["only_row", "last_position"]),
    ("consumer_position", &["consumer", "source", "position", "updated_at"]),
    // Keys hold the instance's id. They are looked at by themselves.
    (
        "idempotency_key",
        &["scope", "key", "request_hash", "status", "headers", "body", "recovery_point", "state"],
    ),
    ("signing_key", &["kid", "algorithm", "sealed_private_key", "public_jwk", "state"]),
];

/// A text with "now" in place of each time in quotes that is not before the one given.
const WITHOUT_NOW: &str = r#"
    create function pg_temp.without_now(text, timestamptz) returns text language sql as $$
      select case
        -- Most rows hold none.
        when $1 ~ '"\d{4}-\d\d-\d\dT[0-9:.]+Z"' then (
          select string_agg(
            case when piece ~ '^\d{4}-\d\d-\d\dT[0-9:.]+Z$' then
              case when piece::timestamptz >= $2 then 'now' else piece end
            else piece end,
            '"' order by n
          )
          from string_to_table($1, '"') with ordinality as pieces (piece, n)
        )
        else $1
      end
    $$;
"#;

/// Every table of the database with its line. Times since `began` are only "now".
pub(crate) async fn tables(db: &mut PgConnection, began: DateTime<Utc>) -> Vec<(String, String)> {
    let sql = "select table_name::text, array_agg(column_name::text order by ordinal_position),
                      array_agg(data_type::text order by ordinal_position)
               from information_schema.columns
               join pg_class on pg_class.oid = format('%I', table_name)::regclass
               where table_schema = 'public' and not relispartition and table_name not like '\\_sqlx%'
               group by table_name
               order by table_name";
    sqlx::raw_sql(WITHOUT_NOW).execute(&mut *db).await.unwrap();
    let found = sqlx::query(sql).fetch_all(&mut *db).await.unwrap();
    let mut lines = Vec::new();
    for row in found {
        let (table, names, types): (String, Vec<String>, Vec<String>) = (row.get(0), row.get(1), row.get(2));
        let left_out =
            LEFT_OUT.iter().find(|(name, _)| *name == table).map_or(&[][..], |(_, columns)| columns);
        let columns: Vec<String> = names
            .iter()
            .zip(&types)
            .filter(|(name, _)| !left_out.contains(&name.as_str()))
            .map(|(name, kind)| column(name, kind, began))
            .collect();
        // A table whose every column is left out counts its rows elsewhere.
        if !left_out.is_empty() && table != "outbox" {
            continue;
        }
        let line = line(db, &table, &columns).await;
        lines.push((table, line));
    }
    lines
}

fn column(name: &str, kind: &str, began: DateTime<Utc>) -> String {
    match kind {
        "timestamp with time zone" => {
            format!("case when \"{name}\" >= '{}' then 'now' else \"{name}\"::text end", began.to_rfc3339())
        }
        // In events, too.
        "jsonb" => format!("pg_temp.without_now(\"{name}\"::text, '{}')", began.to_rfc3339()),
        _ => format!("\"{name}\"::text"),
    }
}

async fn line(db: &mut PgConnection, table: &str, columns: &[String]) -> String {
    let sql = format!(
        "select count(*) || ' rows, ' || coalesce(sum(hashtextextended(r, 1)), 0) || '.' ||
                coalesce(sum(hashtextextended(r, 2)), 0)
         from (select array_to_string(array[{}], E'\\x01', E'\\x02') as r from \"{table}\") as rows",
        columns.join(", ")
    );
    sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(db).await.unwrap()
}
