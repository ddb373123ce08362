//! Upkeep: months for messages to come, and what has served its time taken away.

use chat::upkeep::{Done, round};
use sqlx::{Connection as _, PgConnection, PgPool};
use testkit::TestDb;

use crate::stack;

const PARTITIONS: &str =
    "select relname::text from pg_class where relname ~ '^message_[0-9]{4}_[0-9]{2}$' order by relname";

async fn months(db: &PgPool) -> Vec<String> {
    sqlx::query_scalar(PARTITIONS).fetch_all(db).await.unwrap()
}

async fn count(db: &PgPool, table: &'static str) -> i64 {
    let sql = format!("select count(*) from {table}");
    sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(db).await.unwrap()
}

#[tokio::test]
async fn months_that_are_missing_are_made_two_ahead() {
    let db = TestDb::new("chat_db").await;
    let before = months(&db.pool()).await;
    assert_eq!(before.len(), 3);
    assert_eq!(round(&db.pool()).await.unwrap(), Done::default(), "nothing is due");
    let mut owner = PgConnection::connect(&db.owner_url()).await.unwrap();
    for month in &before[1..] {
        sqlx::raw_sql(sqlx::AssertSqlSafe(format!("drop table {month}"))).execute(&mut owner).await.unwrap();
    }
    assert_eq!(round(&db.pool()).await.unwrap(), Done { months: 2, rows: 0 });
    assert_eq!(months(&db.pool()).await, before);
}

#[tokio::test]
async fn messages_that_came_without_a_month_get_one() {
    let db = TestDb::new("chat_db").await;
    let pool = db.pool();
    sqlx::query(
        "insert into message (room_id, seq, id, sender_type, content, created_at)
         select gen_random_uuid(), 1, gen_random_uuid(), 'system', '옛말', at
         from unnest(array['2024-02-01', '2024-02-29', '2024-05-31T23:59:59Z']::timestamptz[]) at",
    )
    .execute(&pool)
    .await
    .unwrap();
    assert_eq!(count(&pool, "message_default").await, 3);
    assert_eq!(round(&pool).await.unwrap(), Done { months: 2, rows: 0 });
    assert_eq!((count(&pool, "message_default").await, count(&pool, "message").await), (0, 3));
    assert_eq!(months(&pool).await[..2], ["message_2024_02", "message_2024_05"]);
}

/// Tickets, turns, keys of messages and of requests, of each more than one transaction deletes, and one that stays.
async fn clutter(db: &PgPool) {
    let room = stack::room(db, chassis::fresh_id()).await;
    sqlx::raw_sql(sqlx::AssertSqlSafe(format!(
        "insert into socket_ticket (hash, room_id, claims, expires_at)
           select sha256(n::text::bytea), '{room}', '{{}}',
             now() + case when n = 0 then interval '20 s' else interval '-1 s' end
           from generate_series(0, 1500) n;
         insert into turn (id, room_id, user_message_id, user_message_seq, bot_message_id, state, finished_at, delivered_at)
           select gen_random_uuid(), '{room}', gen_random_uuid(), n + 1, gen_random_uuid(), 'DONE', now() - interval '60 d',
             case n when 0 then null when 1 then now() - interval '6 d' else now() - interval '8 d' end
           from generate_series(0, 1501) n;
         insert into message_key (room_id, sender_id, client_message_id, message_id, seq, created_at)
           select '{room}', gen_random_uuid(), 'k', gen_random_uuid(), n + 1,
             now() - case when n = 0 then interval '29 d' else interval '31 d' end
           from generate_series(0, 1500) n;
         insert into idempotency_key (scope, key, request_hash, state, status, body, expires_at)
           select 'purge', n::text, sha256('x'), 'DONE', 200, '{{}}',
             now() + case when n = 0 then interval '1 minute' else interval '-1 minute' end
           from generate_series(0, 1500) n"
    )))
    .execute(db)
    .await
    .unwrap();
}

#[tokio::test]
async fn what_has_served_its_time_goes_and_nothing_else() {
    let db = TestDb::new("chat_db").await;
    let pool = db.pool();
    clutter(&pool).await;
    assert_eq!(round(&pool).await.unwrap(), Done { months: 0, rows: 6000 });
    for (table, left) in [("socket_ticket", 1), ("turn", 2), ("message_key", 1), ("idempotency_key", 1)] {
        assert_eq!(count(&pool, table).await, left, "{table}");
    }
    assert_eq!(count(&pool, "turn where delivered_at is null").await, 1, "a turn that is owed stays");
    assert_eq!(round(&pool).await.unwrap(), Done::default());
}

#[tokio::test]
async fn one_instance_works_and_the_others_leave_it_alone() {
    let db = TestDb::new("chat_db").await;
    let pool = db.pool();
    clutter(&pool).await;
    let mut other = pool.begin().await.unwrap();
    sqlx::query("select pg_advisory_xact_lock(hashtextextended('chat-upkeep', 0))")
        .execute(&mut *other)
        .await
        .unwrap();
    assert_eq!(round(&pool).await.unwrap(), Done::default());
    other.rollback().await.unwrap();
    let (one, two, three) = tokio::join!(round(&pool), round(&pool), round(&pool));
    let rows: u64 = [one, two, three].into_iter().map(|done| done.unwrap().rows).sum();
    let rest = round(&pool).await.unwrap().rows;
    assert_eq!(rows + rest, 6000, "each row once, whoever took it");
}

#[tokio::test]
async fn what_is_late_is_measured() {
    let db = TestDb::new("chat_db").await;
    let pool = db.pool();
    let metrics = chassis::metrics::install();
    clutter(&pool).await;
    let mut other = pool.begin().await.unwrap();
    sqlx::query("select pg_advisory_xact_lock(hashtextextended('chat-upkeep', 0))")
        .execute(&mut *other)
        .await
        .unwrap();
    round(&pool).await.unwrap();
    other.rollback().await.unwrap();
    // Other tests of this process measure too: only that the names are there can be said for sure.
    let text = metrics.render();
    for name in ["chat_upkeep_overdue_seconds{what=\"turns\"}", "chat_message_partitions_ahead 2"] {
        assert!(text.contains(name), "{name} is missing");
    }
}

#[tokio::test]
async fn an_instance_begins_with_it() {
    let db = TestDb::new("chat_db").await;
    let pool = db.pool();
    clutter(&pool).await;
    let config = chat::Config::from_env(&[("DATABASE_URL", &*db.url())]).unwrap();
    let platform = chassis::Platform::quiet(config.base.clone()).unwrap();
    let _service = chat::build(config, platform.clone()).await.unwrap();
    testkit::eventually(std::time::Duration::from_secs(30), || async {
        count(&pool, "message_key").await == 1
    })
    .await;
    platform.drain().end();
}
