//! Rows in bulk for each job.

use chrono::{DateTime, Utc};
use sqlx::AssertSqlSafe;

use crate::cluster::Database;
use crate::seed;

/// The service's database as the job is to find it.
pub(crate) async fn fill(database: &Database, job: &str, rows: u64, now: DateTime<Utc>) {
    let sql = match (database.service, job) {
        ("chat", "chatroom-cleanup") => ROOMS,
        ("chat", "daily-report") => DAY,
        ("store", "order-expiry") => SAGAS,
        ("store", "payment-reconciliation") => PAYMENTS,
        // The report counts what they have of that day: next to nothing.
        ("auth" | "user" | "store", "daily-report") => return,
        _ => return seed::fill(database, rows, now).await,
    };
    let sql = sql
        .replace("$rows", &rows.to_string())
        .replace("$now", &format!("'{}'::timestamptz", now.to_rfc3339()));
    let mut owner = database.owner().await;
    for sql in [sql, "vacuum (analyze)".to_owned()] {
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut owner).await.unwrap();
    }
}

const ROOMS: &str = "
    insert into chatbot (id, name, bot_type, concept, description)
    values (md5('bot')::uuid, '튜터', 'figures', 'FRIEND', '친구');
    insert into chat_room (id, user_id, chatbot_id, name, concept, last_seq, created_at, active_at, deleted_at)
    select md5('room' || n)::uuid, md5('user' || n)::uuid, md5('bot')::uuid, '방', 'FRIEND', 40,
      $now - interval '90 days', $now - interval '80 days', $now - interval '60 days' + n * interval '1 ms'
    from generate_series(0, $rows / 40 - 1) n;
    insert into message (room_id, seq, id, sender_type, sender_id, content, content_type, created_at)
    select md5('room' || n / 40)::uuid, n % 40 + 1, md5('message' || n)::uuid, 'user', md5('user' || n / 40)::uuid,
      '오늘 회의에서 안녕하세요라고 말했어요. ' || n, 'text', $now - interval '1 hour'
    from generate_series(0, $rows - 1) n;
";

const DAY: &str = "
    insert into message (room_id, seq, id, sender_type, sender_id, content, content_type, created_at)
    select md5('room' || n / 40)::uuid, n % 40 + 1, md5('message' || n)::uuid,
      case n % 2 when 0 then 'user' else 'bot' end, md5('sender' || n / 40)::uuid,
      '오늘 회의에서 안녕하세요라고 말했어요. ' || n, 'text',
      date_trunc('day', $now - interval '1 day') + n * interval '23 hours' / $rows
    from generate_series(0, $rows - 1) n;
";

/// Orders whose buyers were not waited for: held, not authorised, past their deadline.
const SAGAS: &str = "
    insert into store_item (id, sku, name, category, price)
    values (md5('item')::uuid, 'FIGURES', '책', 'books', 1200);
    insert into stock_ledger (item_id, kind, initial_delta, available_delta, reason)
    values (md5('item')::uuid, 'ADJUST', $rows, $rows, 'opening stock');
    insert into stock (item_id, initial, available, held) values (md5('item')::uuid, $rows, 0, $rows);
    insert into \"order\" (id, user_id, currency, total_amount, created_at)
    select md5('order' || n)::uuid, md5('user' || n)::uuid, 'KRW', 1200, $now - interval '1 hour'
    from generate_series(1, $rows) n;
    insert into order_item (order_id, position, item_id, name, unit_price, quantity)
    select md5('order' || n)::uuid, 1, md5('item')::uuid, '책', 1200, 1 from generate_series(1, $rows) n;
    insert into order_history (order_id, seq, kind, to_status)
    select md5('order' || n)::uuid, 1, 'PLACED', 'PENDING' from generate_series(1, $rows) n;
    insert into stock_hold (order_id, item_id, quantity, expires_at)
    select md5('order' || n)::uuid, md5('item')::uuid, 1, $now from generate_series(1, $rows) n;
    insert into stock_ledger (item_id, kind, available_delta, held_delta, order_id)
    select md5('item')::uuid, 'HOLD', -1, 1, md5('order' || n)::uuid from generate_series(1, $rows) n;
    insert into payment (id, order_id, provider, method, token, currency, amount, version)
    select md5('payment' || n)::uuid, md5('order' || n)::uuid, 'sandbox', 'card', 'tok_approve', 'KRW', 1200, 0
    from generate_series(1, $rows) n;
    insert into saga (id, order_id, kind, step, deadline, data, created_at)
    select md5('saga' || n)::uuid, md5('order' || n)::uuid, 'PLACE', 'AUTHORISE', $now - interval '59 minutes',
      jsonb_build_object('payment', md5('payment' || n)::uuid), $now - interval '1 hour'
    from generate_series(1, $rows) n;
";

/// As the provider has them.
const PAYMENTS: &str = "
    create function figure(kind text, n bigint) returns uuid language sql
      as $$ select (lpad(kind, 16, '0') || lpad(to_hex(n), 16, '0'))::uuid $$;
    insert into \"order\" (id, user_id, status, currency, total_amount, created_at)
    select figure('2', n), md5('user' || n)::uuid, 'CONFIRMED', 'KRW', 1200, $now - interval '1 day'
    from generate_series(1, $rows) n;
    insert into payment (id, order_id, provider, method, token, status, currency, amount, created_at)
    select figure('1', n), figure('2', n), 'sandbox', 'card', 'tok_approve', 'CAPTURED', 'KRW', 1200,
      date_trunc('day', $now - interval '1 day') + interval '12 hours' + n * interval '1 ms'
    from generate_series(1, $rows) n;
";
