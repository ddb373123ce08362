//! What the migrations of the five databases promise.

use std::fs;
use std::path::PathBuf;

use sqlx::postgres::PgConnection;
use sqlx::{Connection as _, Executor as _};
use testkit::TestDb;

use super::fixture::{DATABASES, ask, empty, root, up};
use crate::error::CliError;
use crate::migration::lock;

#[tokio::test]
async fn every_database_migrates_from_empty_and_then_has_nothing_to_do() {
    for name in DATABASES {
        let (_db, access) = empty(name).await;
        let migrations = root().join("migrations").join(name);
        let first =
            up(&access, &migrations).await.unwrap_or_else(|error| panic!("{}", CliError::from(error)));
        assert_eq!(first.applied.len(), first.plan.items.len(), "{name}");
        assert!(first.applied.len() >= 2, "{name}");
        assert!(up(&access, &migrations).await.unwrap().applied.is_empty(), "{name}");
    }
}

#[test]
fn the_shared_tables_are_the_templates_in_every_database() {
    let templates = root().join("templates/sql");
    let read = |path: PathBuf| {
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    };
    let parts = ["outbox", "consumer_position", "dead_letter", "idempotency_key", "seed_run"];
    let bodies: Vec<String> = parts.iter().map(|part| read(templates.join(format!("{part}.sql")))).collect();
    for name in DATABASES {
        let text = read(root().join("migrations").join(name).join("0001_shared_tables.sql"));
        let (title, body) = text.split_once("\n\n").unwrap();
        assert!(title.starts_with("--"), "{name}: {title}");
        assert_eq!(body, bodies.join("\n"), "{name}");
    }
    assert_eq!(fs::read_dir(&templates).unwrap().count(), parts.len(), "a template that no database has");
}

#[tokio::test]
async fn the_runtime_role_manages_message_partitions_but_makes_no_table() {
    let db = TestDb::new("chat_db").await;
    let mut app = PgConnection::connect(&db.url()).await.unwrap();
    let refused = app.execute("create table mine (id int)").await.unwrap_err();
    assert_eq!(lock::code(&refused).as_deref(), Some("42501"), "{refused}");
    assert!(app.execute("drop table message_default").await.is_err());

    app.execute(
        "insert into message (room_id, seq, id, sender_type, sender_id, content, created_at)
         values (gen_random_uuid(), 1, gen_random_uuid(), 'user', gen_random_uuid(), '안녕', '2024-02-29T23:59:59Z')",
    )
    .await
    .unwrap();
    let home = "select tableoid::regclass::text from message where created_at < '2025-01-01'";
    assert_eq!(ask::<String>(&mut app, home).await, "message_default");
    assert!(ask::<bool>(&mut app, "select create_message_partition('2024-02-10')").await);
    assert!(
        !ask::<bool>(&mut app, "select create_message_partition('2024-02-29')").await,
        "it is there already"
    );
    assert_eq!(ask::<String>(&mut app, home).await, "message_2024_02");
    assert!(
        app.execute("select drop_message_partition(current_date)").await.is_err(),
        "this month is not over"
    );
    assert!(ask::<bool>(&mut app, "select drop_message_partition('2024-02-01')").await);
    assert!(!ask::<bool>(&mut app, "select drop_message_partition('2024-02-01')").await);
    assert_eq!(ask::<i64>(&mut app, "select count(*) from message").await, 0);
}

#[tokio::test]
async fn numbered_events_leave_the_default_partition_and_go_with_theirs() {
    let db = TestDb::new("store_db").await;
    let mut app = PgConnection::connect(&db.url()).await.unwrap();
    app.execute(
        "insert into outbox (event_type, aggregate_type, aggregate_id, sequence, payload)
         select 'com.dorandoran.test.v1', 'test', gen_random_uuid(), 1, '{}' from generate_series(1, 3)",
    )
    .await
    .unwrap();
    assert!(ask::<bool>(&mut app, "select create_outbox_partition(1000000)").await);
    app.execute("update outbox set position = 999998 + id where position is null").await.unwrap();
    let homes =
        "select string_agg(tableoid::regclass || ' ' || position, ', ' order by position) from outbox";
    assert_eq!(
        ask::<String>(&mut app, homes).await,
        "outbox_p000000 999999, outbox_p000001 1000000, outbox_p000001 1000001"
    );
    assert_eq!(ask::<i32>(&mut app, "select drop_outbox_partitions(1000001)").await, 1);
    assert_eq!(ask::<i64>(&mut app, "select count(*) from outbox").await, 2);
    let twice = app.execute("update outbox set position = 1000000").await.unwrap_err();
    assert_eq!(lock::code(&twice).as_deref(), Some("23505"), "positions are unique: {twice}");
}
