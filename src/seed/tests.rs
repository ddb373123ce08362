//! Against real PostgreSQL: whole databases, filled and looked at.

use std::sync::Mutex;

use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _};
use testkit::TestDb;

use super::{ACCOUNTS, Progress, Report, Request, SeedError, fill};
use crate::error::CliError;
use crate::migration::DatabaseAccess;

const DATABASES: [&str; 5] = ["auth_db", "batch_db", "chat_db", "store_db", "user_db"];

const fn load(users: u32) -> Request {
    Request::Load { users, number: 7 }
}

async fn seed(db: &TestDb, name: &str, request: Request) -> Report {
    let access = DatabaseAccess::with_options(name, db.owner_url().parse().unwrap());
    fill(&access, request, &|_| ()).await.unwrap_or_else(|error| panic!("{}", CliError::from(error)))
}

async fn ask<T>(db: &TestDb, sql: &str) -> T
where
    T: for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres> + Send + Unpin,
{
    let mut connection = PgConnection::connect(&db.owner_url()).await.unwrap();
    sqlx::query_scalar(AssertSqlSafe(sql.to_owned())).fetch_one(&mut connection).await.unwrap()
}

/// A fingerprint of every row of the tables that seeds fill, but for when users were last here: that is the moment in
/// which they were put in.
async fn fingerprint(db: &TestDb, tables: &[&str]) -> Vec<String> {
    let mut prints = Vec::new();
    for table in tables {
        let sql = format!(
            "select count(*) || ' ' || md5(string_agg(line::text, ',' order by line::text))
             from (select to_jsonb(t) - 'last_conn_time' line from {table} t) lines"
        );
        prints.push(format!("{table} {}", ask::<String>(db, &sql).await));
    }
    prints
}

fn tables(report: &Report) -> Vec<&'static str> {
    report.tables.iter().map(|table| table.table).collect()
}

#[tokio::test]
async fn the_demo_goes_in_once_and_a_second_run_changes_nothing() {
    for name in DATABASES {
        let db = TestDb::new(name).await;
        let first = seed(&db, name, Request::Demo).await;
        assert_eq!(first.rows() > 0, name != "batch_db", "{name}");
        let before = fingerprint(&db, &tables(&first)).await;
        let second = seed(&db, name, Request::Demo).await;
        assert_eq!((second.rows(), second.tables.len()), (0, 0), "{name}");
        assert_eq!(fingerprint(&db, &tables(&first)).await, before, "{name}");
    }
}

#[tokio::test]
async fn demo_accounts_have_one_id_in_auth_and_user() {
    let (auth, user) = (TestDb::new("auth_db").await, TestDb::new("user_db").await);
    seed(&auth, "auth_db", Request::Demo).await;
    seed(&user, "user_db", Request::Demo).await;
    let people =
        |table: &str| format!("select string_agg(id || email || name, ',' order by email) from {table}");
    let known: String = ask(&auth, &people("auth_user")).await;
    assert_eq!(known, ask::<String>(&user, &people("user_profile")).await);
    assert!(ACCOUNTS.iter().all(|account| known.contains(account.email)));
    let admins = "select email from auth_user where role = 'ROLE_ADMIN'";
    assert_eq!(ask::<String>(&auth, admins).await, "admin@dorandoran.dev");
}

#[tokio::test]
async fn an_address_that_somebody_has_taken_stays_theirs() {
    let db = TestDb::new("user_db").await;
    let mut connection = PgConnection::connect(&db.url()).await.unwrap();
    connection
        .execute(
            "insert into user_profile (id, email, first_name, last_name, name)
             values (gen_random_uuid(), 'Minji@dorandoran.dev', 'a', 'b', 'c')",
        )
        .await
        .unwrap();
    let report = seed(&db, "user_db", Request::Demo).await;
    let profiles = report.tables.iter().find(|table| table.table == "user_profile").unwrap();
    assert_eq!(profiles.rows, 2);
    assert_eq!(
        ask::<i64>(&db, "select count(*) from user_role").await,
        2,
        "a role without a profile of ours"
    );
}

#[tokio::test]
async fn a_load_is_the_same_wherever_it_runs_and_a_larger_one_continues_a_smaller() {
    for name in DATABASES {
        let (whole, grown) = (TestDb::new(name).await, TestDb::new(name).await);
        let report = seed(&whole, name, load(230)).await;
        seed(&grown, name, load(90)).await;
        seed(&grown, name, load(230)).await;
        // The ledger's ids count insertions, which is all that may differ.
        let tables: Vec<_> = tables(&report).into_iter().filter(|table| *table != "stock_ledger").collect();
        assert_eq!(fingerprint(&whole, &tables).await, fingerprint(&grown, &tables).await, "{name}");
        assert_eq!(seed(&grown, name, load(230)).await.rows(), 0, "{name}");
        assert_eq!(seed(&grown, name, load(10)).await.rows(), 0, "{name}");
    }
}

#[tokio::test]
async fn loaded_databases_agree_about_people_rooms_and_messages() {
    let (auth, chat) = (TestDb::new("auth_db").await, TestDb::new("chat_db").await);
    let (user, store) = (TestDb::new("user_db").await, TestDb::new("store_db").await);
    for (db, name) in [(&auth, "auth_db"), (&chat, "chat_db"), (&user, "user_db"), (&store, "store_db")] {
        seed(db, name, load(60)).await;
    }
    let ids = |column: &str, table: &str| {
        format!(
            "select md5(string_agg(id, ',' order by id)) from (select distinct {column}::text id from {table}) t"
        )
    };
    let people: String = ask(&auth, &ids("id", "auth_user")).await;
    assert_eq!(people, ask::<String>(&user, &ids("id", "user_profile")).await);
    assert_eq!(people, ask::<String>(&chat, &ids("user_id", "chat_room")).await);

    // What a bookmark names exists in chat, with the same words.
    let kept: Vec<String> = ask(&store, "select array_agg(message_id || content) from bookmark").await;
    let said: Vec<String> = ask(&chat, "select array_agg(id || content) from message").await;
    assert!(kept.len() > 20);
    assert!(kept.iter().all(|message| said.contains(message)));
}

#[tokio::test]
async fn loaded_rooms_count_their_messages() {
    let db = TestDb::new("chat_db").await;
    seed(&db, "chat_db", load(100)).await;
    let wrong: i64 = ask(
        &db,
        "select count(*)
         from chat_room r
         where last_seq <> (select count(*) from message m where m.room_id = r.id)
            or last_seq <> (select max(seq) from message m where m.room_id = r.id)
            or last_message_id <> (select id from message m where m.room_id = r.id order by seq desc limit 1)
            or last_message_at <> (select max(created_at) from message m where m.room_id = r.id)",
    )
    .await;
    assert_eq!(wrong, 0);
    let strays: i64 = ask(&db, "select count(*) from message_default").await;
    assert_eq!(strays, 0, "messages without a month of their own");
    let stock = TestDb::new("store_db").await;
    seed(&stock, "store_db", load(500)).await;
    let unbalanced: i64 = ask(
        &stock,
        "select count(*)
         from stock
         left join stock_ledger using (item_id)
         where initial is distinct from initial_delta
            or available is distinct from available_delta",
    )
    .await;
    assert_eq!(unbalanced, 0);
}

#[tokio::test]
async fn rows_that_are_there_already_are_left_as_they_are() {
    let (db, other) = (TestDb::new("auth_db").await, TestDb::new("auth_db").await);
    seed(&db, "auth_db", load(50)).await;
    seed(&other, "auth_db", load(50)).await;
    // As if the note of the run had been lost, and one row had been changed since.
    let mut connection = PgConnection::connect(&db.owner_url()).await.unwrap();
    connection.execute("delete from seed_run").await.unwrap();
    connection
        .execute("delete from auth_user where id in (select id from auth_user order by id limit 5)")
        .await
        .unwrap();
    assert_eq!(seed(&db, "auth_db", load(50)).await.rows(), 5);
    assert_eq!(fingerprint(&db, &["auth_user"]).await, fingerprint(&other, &["auth_user"]).await);
}

#[tokio::test]
async fn two_seeds_at_once_take_turns() {
    let db = TestDb::new("user_db").await;
    let (first, second) = tokio::join!(seed(&db, "user_db", load(40)), seed(&db, "user_db", load(40)));
    let mut rows = [first.rows(), second.rows()];
    rows.sort_unstable();
    assert_eq!(rows[0], 0);
    assert_eq!(ask::<i64>(&db, "select count(*) from user_profile").await, 40);
}

#[tokio::test]
async fn progress_reaches_its_total() {
    let db = TestDb::new("user_db").await;
    let access = DatabaseAccess::with_options("user_db", db.owner_url().parse().unwrap());
    let seen = Mutex::new((0, 0));
    fill(&access, load(30), &|progress| {
        let mut seen = seen.lock().unwrap();
        match progress {
            Progress::Total(total) => seen.0 = total,
            Progress::Done(units) => seen.1 += units,
            Progress::Table(_) => (),
        }
    })
    .await
    .unwrap();
    assert_eq!(*seen.lock().unwrap(), (90, 90));
}

#[tokio::test]
async fn an_unmigrated_database_is_said_to_be_one() {
    let db = TestDb::new("auth_db").await;
    let mut connection = PgConnection::connect(&db.owner_url()).await.unwrap();
    connection.execute("drop table seed_run").await.unwrap();
    let access = DatabaseAccess::with_options("auth_db", db.owner_url().parse().unwrap());
    let error = fill(&access, Request::Demo, &|_| ()).await.unwrap_err();
    assert!(matches!(error, SeedError::NotMigrated { .. }), "{error}");
    assert_eq!(CliError::from(error).help.as_deref(), Some("`doran migrate up --db auth_db`"));
}
