//! Test databases on the real shared server.

#![expect(clippy::unwrap_used, reason = "a test ends by panicking, also in what it calls")]

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use sqlx::{ConnectOptions as _, Connection as _, Executor as _, PgConnection};
use tempfile::TempDir;
use testkit::{TestDb, eventually};

const LIMIT: Duration = Duration::from_secs(30);
const DENIED: &str = "42501";

/// Migrations of a database that exists in these tests only.
fn migrations(files: &[(&str, &str)]) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (name, sql) in files {
        fs::write(directory.path().join(name), sql).unwrap();
    }
    directory
}

async fn shelf() -> TestDb {
    let migrations = migrations(&[
        ("0001_book.sql", "create table book (id bigint primary key, title text not null);"),
        ("0002_reader.sql", "create table reader (id bigint primary key);"),
    ]);
    TestDb::with_migrations("shelf_db", migrations.path()).await
}

async fn names(db: &TestDb) -> Vec<String> {
    let mut superuser = db.superuser().connect().await.unwrap();
    sqlx::query_scalar("select datname::text from pg_database").fetch_all(&mut superuser).await.unwrap()
}

fn code(result: Result<impl Sized, sqlx::Error>) -> String {
    let error = result.err().expect("it is refused");
    error.as_database_error().expect("the server refuses").code().unwrap().into_owned()
}

#[tokio::test]
async fn every_test_has_the_migrated_tables_to_itself() {
    let (one, other) = tokio::join!(shelf(), shelf());
    one.pool().execute("insert into book values (1, 'a')").await.unwrap();
    one.pool().execute("insert into reader values (1)").await.unwrap();
    let count: i64 = sqlx::query_scalar("select count(*) from book").fetch_one(&other.pool()).await.unwrap();
    assert_eq!(count, 0);
    let applied: i64 =
        sqlx::query_scalar("select count(*) from _sqlx_migrations").fetch_one(&other.pool()).await.unwrap();
    assert_eq!(applied, 2);
}

#[tokio::test]
async fn the_roles_may_do_what_they_may_in_a_stack() {
    let db = shelf().await;
    let mut app = PgConnection::connect(&db.url()).await.unwrap();
    assert_eq!(code(app.execute("create table mine ()").await), DENIED);
    assert_eq!(code(app.execute("drop table book").await), DENIED);
    assert_eq!(code(app.execute("truncate book").await), DENIED);
    let mut owner = PgConnection::connect(&db.owner_url()).await.unwrap();
    owner.execute("create table mine ()").await.unwrap();
    // The roles of another service exist on the same server here, and still cannot open this database.
    let other = TestDb::empty("drawer_db").await;
    for role in ["drawer_app", "drawer_owner"] {
        let foreign = db.superuser().username(role).password(&password(&other.url()));
        assert_eq!(code(foreign.connect().await), DENIED, "{role}");
    }
}

fn password(url: &str) -> String {
    url.split([':', '@']).nth(2).unwrap().to_owned()
}

#[tokio::test]
async fn a_dropped_database_is_gone_although_its_pool_is_open() {
    let observer = TestDb::empty("shelf_db").await;
    let db = shelf().await;
    let (name, pool) = (db.name().to_owned(), db.pool());
    pool.execute("select 1").await.unwrap();
    assert!(names(&observer).await.contains(&name));
    drop(db);
    // Not at once when other tests are just logging in.
    eventually(LIMIT, async || !names(&observer).await.contains(&name)).await;
}

#[tokio::test]
async fn many_tests_at_once_all_get_one() {
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..12 {
        tasks.spawn(async {
            let db = shelf().await;
            db.pool().execute("insert into book values (1, 'a')").await.unwrap();
            db
        });
    }
    let databases = tasks.join_all().await;
    let mut names: Vec<_> = databases.iter().map(TestDb::name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), 12);
}

#[tokio::test]
async fn changed_migrations_are_not_served_from_the_old_template() {
    let before = shelf().await;
    let changed =
        migrations(&[("0001_book.sql", "create table book (id bigint primary key, pages int not null);")]);
    let after = TestDb::with_migrations("shelf_db", changed.path()).await;
    after.pool().execute("insert into book (id, pages) values (1, 2)").await.unwrap();
    before.pool().execute("insert into book (id, title) values (1, 'a')").await.unwrap();
}

#[tokio::test]
#[should_panic(expected = "syntax error")]
async fn a_migration_that_fails_is_shown_to_the_test() {
    let broken = migrations(&[("0001_broken.sql", "create tabel book ();")]);
    TestDb::with_migrations("broken_db", broken.path()).await;
}

#[tokio::test]
#[should_panic(expected = "read the migrations in")]
async fn a_database_without_migrations_is_named() {
    TestDb::with_migrations("nowhere_db", Path::new("/nonexistent/nowhere_db")).await;
}

/// Set for the process that a test kills.
const VICTIM: &str = "TESTKIT_TEST_VICTIM";

/// What this test binary does when it runs again as the process that a test kills.
#[expect(clippy::print_stdout, reason = "the parent reads it")]
async fn be_the_victim() {
    let db = shelf().await;
    println!("name={}", db.name());
    std::future::pending::<()>().await;
}

#[tokio::test]
async fn the_database_of_a_killed_test_is_swept() {
    if std::env::var_os(VICTIM).is_some() {
        return be_the_victim().await;
    }
    let mut victim = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "the_database_of_a_killed_test_is_swept", "--nocapture"])
        .env(VICTIM, "yes")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(victim.stdout.take().unwrap()).lines();
    let name = lines.find_map(|line| Some(line.unwrap().split_once("name=")?.1.to_owned())).unwrap();
    let observer = shelf().await;
    assert!(names(&observer).await.contains(&name), "a living test keeps its database");
    victim.kill().unwrap();
    victim.wait().unwrap();
    // The server notices that the session's process is gone a moment later.
    eventually(LIMIT, async || {
        let _sweeper = TestDb::empty("shelf_db").await;
        !names(&observer).await.contains(&name)
    })
    .await;
}
