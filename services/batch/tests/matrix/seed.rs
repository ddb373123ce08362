//! Data in bulk, the same every time, written by the owner of each database.

use chrono::{DateTime, Utc};
use sqlx::{AssertSqlSafe, PgConnection};

use super::cluster::Database;

/// The service's database for jobs over `rows` rows, as of `now`.
pub(crate) async fn fill(database: &Database, rows: u64, now: DateTime<Utc>) {
    let sql = match database.service {
        "auth" => AUTH,
        "user" => USER,
        "chat" => CHAT,
        _ => return,
    };
    let sql = sql
        .replace("$rows", &rows.to_string())
        .replace("$now", &format!("'{}'::timestamptz", now.to_rfc3339()));
    let mut owner = database.owner().await;
    run(&mut owner, sql).await;
    // As autovacuum would have by then.
    run(&mut owner, "vacuum (analyze)".to_owned()).await;
}

async fn run(db: &mut PgConnection, sql: String) {
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(db).await.unwrap();
}

/// A message a line, in rooms of 40, and messages of the months around, which stay.
const CHAT: &str = r#"
    select create_message_partition(make_date(2024, month, 1)) from generate_series(1, 3) month;
    insert into message
      (room_id, seq, id, sender_type, sender_id, content, content_type, metadata, created_at)
    select
      md5('room' || n / 40)::uuid, n % 40 + 1, md5('message' || n)::uuid,
      case n % 2 when 0 then 'user' else 'bot' end,
      md5('sender' || n / 40 || '.' || n % 2)::uuid,
      case n % 2
        when 0 then '오늘 회의에서 "안녕하세요"라고 말했어요. ' || n
        else E'좋아요!\n더 공손하게는 "안녕하십니까"라고 해요. ' || n
      end,
      'text',
      case n % 2 when 1 then jsonb_build_object('analysis', jsonb_build_object('score', n % 100, 'level', '존댓말')) end,
      timestamptz '2024-02-01T00:00:00Z' + n * interval '29 days' / $rows
    from generate_series(0, $rows - 1) n;
    insert into message (room_id, seq, id, sender_type, content, content_type, created_at)
    select md5('room' || n)::uuid, 100 + n, md5('other' || n)::uuid, 'system', '알림', 'system', at
    from generate_series(1, 50) n, unnest(array['2024-01-31T23:59:59Z', '2024-03-01T00:00:00Z']::timestamptz[]) at;
"#;

/// Accounts that were used lately, that were not for months, and that nobody has used for years.
const USER: &str = "
    insert into user_profile
      (id, email, first_name, last_name, name, info, status, last_conn_time, inactive_since, version,
       created_at, updated_at)
    select
      md5('user' || n)::uuid, 'user-' || n || '@example.com', '학생' || n, '김', '김 학생' || n, '한국어를 배워요',
      case when n % 4 = 2 then 'INACTIVE' else 'ACTIVE' end,
      case n % 4
        when 0 then $now - interval '10 days'
        when 1 then $now - interval '100 days'
        when 2 then $now - interval '3 years'
      end,
      case when n % 4 = 2 then $now - interval '3 years' end,
      1 + n % 3,
      $now - interval '4 years', $now - interval '3 years'
    from generate_series(1, $rows) n;
    insert into user_role (user_id, role, granted_at)
    select id, 'ROLE_USER', created_at from user_profile;
";

/// Sessions with a token each, half of them long over.
const AUTH: &str = "
    insert into auth_user (id, email, password_hash, name, created_at, updated_at)
    select md5('user' || n)::uuid, 'user-' || n || '@example.com', 'none', '김 학생' || n,
      $now - interval '2 years', $now - interval '2 years'
    from generate_series(0, $rows / 10) n;
    insert into session (id, user_id, created_at, last_used_at, expires_at, ended_at, end_reason)
    select
      md5('session' || n)::uuid, md5('user' || n / 10)::uuid,
      $now - interval '400 days', $now - interval '300 days',
      case n % 2 when 0 then $now - interval '200 days' else $now + interval '200 days' end,
      case n % 4 when 0 then $now - interval '250 days' end,
      case n % 4 when 0 then 'LOGOUT' end
    from generate_series(0, $rows - 1) n;
    insert into token (hash, session_id, created_at, expires_at, rotated_at)
    select
      sha256(('token' || n)::bytea), md5('session' || n)::uuid, $now - interval '400 days',
      case n % 2 when 0 then $now - interval '200 days' else $now + interval '200 days' end,
      case n % 3 when 0 then $now - interval '300 days' end
    from generate_series(0, $rows - 1) n;
";
