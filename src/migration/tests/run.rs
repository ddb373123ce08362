//! What a run does, also when files and history disagree.

use std::fs;
use std::sync::Mutex;
use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::{Connection as _, Executor as _};
use tokio::sync::mpsc;

use super::fixture::{ask, directory, empty, root, up, versions};
use crate::error::{CliError, ExitStatus};
use crate::migration::{DatabaseAccess, MigrationError, Notice, inspect, lock, up_one};

#[tokio::test]
async fn a_syntax_error_names_its_place_and_leaves_nothing_of_its_file() {
    let (_db, access) = empty("batch_db").await;
    let files = directory(&[
        ("0001_good.sql", "create table good (id int);\n"),
        ("0002_bad.sql", "create table half (id int);\n\ncreate tabel other (id int);\n"),
    ]);
    let error = CliError::from(up(&access, files.path()).await.unwrap_err());
    assert_eq!(error.status, ExitStatus::Failure);
    let place = "0002_bad.sql:3:8: syntax error at or near \"tabel\" (42601)";
    assert!(error.message.contains(place), "{}", error.message);
    assert!(error.message.ends_with("3 | create tabel other (id int);\n  |        ^"), "{}", error.message);
    assert!(error.help.unwrap().starts_with("nothing of 0002_bad.sql was applied to batch_db"));

    let mut connection = access.connect().await.unwrap();
    let half: bool = ask(&mut connection, "select to_regclass('half') is null").await;
    assert!(half, "the failed file left a table");
    let plan = inspect(&access, files.path()).await.unwrap();
    let words: Vec<_> = plan.items.iter().map(|item| item.state.word()).collect();
    assert_eq!(words, ["applied", "pending"]);
}

#[tokio::test]
async fn a_failure_without_a_place_still_tells_the_servers_detail() {
    let (_db, access) = empty("batch_db").await;
    let sql = "create table t (id int unique);\ninsert into t values (7), (7);\n";
    let files = directory(&[("0001_twice.sql", sql)]);
    let error = CliError::from(up(&access, files.path()).await.unwrap_err());
    assert!(error.message.contains("0001_twice.sql: duplicate key"), "{}", error.message);
    assert!(error.message.contains("detail: Key (id)=(7) already exists."), "{}", error.message);
}

#[tokio::test]
async fn a_file_edited_after_it_was_applied_is_refused_with_both_checksums() {
    let (_db, access) = empty("batch_db").await;
    let files = directory(&[("0001_a.sql", "create table a (id int);\n")]);
    up(&access, files.path()).await.unwrap();
    fs::write(files.path().join("0001_a.sql"), "create table a (id bigint);\n").unwrap();
    fs::write(files.path().join("0002_b.sql"), "create table b (id int);\n").unwrap();

    let error = CliError::from(up(&access, files.path()).await.unwrap_err());
    assert_eq!(error.status, ExitStatus::Failure);
    assert!(error.message.contains("0001_a.sql was edited after it was applied"), "{}", error.message);
    let sums: Vec<&str> =
        error.message.lines().skip(1).map(|line| line.split_whitespace().last().unwrap()).collect();
    assert_eq!(sums.len(), 2);
    assert!(sums.iter().all(|sum| sum.len() == 96) && sums[0] != sums[1], "{sums:?}");
    assert!(error.help.unwrap().contains("restore 0001_a.sql"));
    let mut connection = access.connect().await.unwrap();
    let untouched: bool = ask(&mut connection, "select to_regclass('b') is null").await;
    assert!(untouched, "something was applied past the edited file");
}

#[tokio::test]
async fn a_missing_file_is_reported_and_holds_nothing_up() {
    let (_db, access) = empty("batch_db").await;
    let files = directory(&[("0001_a.sql", "create table a (id int);\n")]);
    up(&access, files.path()).await.unwrap();
    fs::rename(files.path().join("0001_a.sql"), files.path().join("0002_b.sql")).unwrap();
    fs::write(files.path().join("0002_b.sql"), "create table b (id int);\n").unwrap();
    let outcome = up(&access, files.path()).await.unwrap();
    assert_eq!(versions(&outcome), [2]);
    assert_eq!(outcome.plan.missing().map(|item| item.version).collect::<Vec<_>>(), [1]);
}

#[tokio::test]
async fn a_file_older_than_what_is_applied_is_refused() {
    let (_db, access) = empty("batch_db").await;
    let files = directory(&[("0002_b.sql", "create table b (id int);\n")]);
    up(&access, files.path()).await.unwrap();
    fs::write(files.path().join("0001_a.sql"), "create table a (id int);\n").unwrap();
    let error = up(&access, files.path()).await.unwrap_err();
    assert!(matches!(error, MigrationError::OutOfOrder { newest: 2, .. }), "{error}");
}

#[tokio::test]
async fn of_two_runs_at_once_one_applies_and_the_other_finds_nothing_to_do() {
    let (_db, access) = empty("batch_db").await;
    let migrations = root().join("migrations/batch_db");
    let (first, second) = tokio::join!(up(&access, &migrations), up(&access, &migrations));
    let mut counts = [first.unwrap().applied.len(), second.unwrap().applied.len()];
    counts.sort_unstable();
    assert_eq!(counts, [0, fs::read_dir(&migrations).unwrap().count()]);
}

#[tokio::test]
async fn whoever_waits_names_the_holder_and_goes_on_when_it_is_done() {
    let (_db, access) = empty("batch_db").await;
    let files = directory(&[("0001_a.sql", "create table a (id int);\n")]);
    let mut holder = access.connect().await.unwrap();
    let key = "select pg_try_advisory_lock($1)";
    let name: String = ask(&mut holder, "select current_database()").await;
    let taken: bool = sqlx::query_scalar(key).bind(lock::key(&name)).fetch_one(&mut holder).await.unwrap();
    assert!(taken);

    let (sender, mut waiting) = mpsc::unbounded_channel();
    let observe = move |notice| {
        if let Notice::Waiting { holder } = notice {
            sender.send(holder).unwrap();
        }
    };
    let run = up_one(&access, files.path(), &observe);
    let release = async {
        let named = tokio::time::timeout(Duration::from_secs(20), waiting.recv()).await.unwrap().unwrap();
        holder.close().await.unwrap();
        named
    };
    let (outcome, named) = tokio::join!(run, release);
    assert!(named.starts_with("doran (pid "), "{named}");
    assert_eq!(versions(&outcome.unwrap()), [1]);
}

#[tokio::test]
async fn sqlx_accepts_our_history_and_we_accept_its() {
    let first = directory(&[("0001_a.sql", "create table a (id int);\n")]);
    let both = directory(&[
        ("0001_a.sql", "create table a (id int);\n"),
        ("0002_chat_rooms.sql", "create table b (id int);\n"),
    ]);
    let (_db, access) = empty("batch_db").await;
    up(&access, first.path()).await.unwrap();
    let mut connection = access.connect().await.unwrap();
    Migrator::new(both.path()).await.unwrap().run_direct(None, &mut connection, false).await.unwrap();
    assert!(up(&access, both.path()).await.unwrap().applied.is_empty(), "we would apply what sqlx applied");
    let description: String =
        ask(&mut connection, "select description from _sqlx_migrations where version = 2").await;
    assert_eq!(description, "chat rooms");
}

#[tokio::test]
async fn a_dry_run_changes_nothing_and_needs_no_right_to() {
    let (db, access) = empty("batch_db").await;
    let files = directory(&[("0001_a.sql", "create table a (id int);\n")]);
    assert_eq!(inspect(&access, files.path()).await.unwrap().pending().count(), 1);
    let mut connection = access.connect().await.unwrap();
    let tables: i64 =
        ask(&mut connection, "select count(*) from pg_class where relnamespace = 'public'::regnamespace")
            .await;
    assert_eq!(tables, 0, "not even the history table");

    up(&access, files.path()).await.unwrap();
    let app = DatabaseAccess::with_options("batch_db", db.url().parse().unwrap());
    assert_eq!(inspect(&app, files.path()).await.unwrap().pending().count(), 0);
    let error = up(
        &app,
        directory(&[("0001_a.sql", "create table a (id int);\n"), ("0002_b.sql", "create table b ();\n")])
            .path(),
    )
    .await;
    assert!(error.is_err(), "the runtime role may not migrate");
}

#[tokio::test]
async fn an_index_is_built_concurrently_outside_a_transaction() {
    let (_db, access) = empty("batch_db").await;
    let bare = "-- no-transaction\ncreate index concurrently a_id on a (id);\n";
    let files = directory(&[("0001_a.sql", "create table a (id int);\n"), ("0002_index.sql", bare)]);
    assert_eq!(versions(&up(&access, files.path()).await.unwrap()), [1, 2]);
}

#[tokio::test]
async fn a_database_that_is_down_is_told_apart_from_a_failure() {
    let port = testkit::free_port();
    let password = backing::secret::Secret::new("x");
    let access = DatabaseAccess::owner("auth_db", port, &password);
    let error = CliError::from(up(&access, &root().join("migrations/auth_db")).await.unwrap_err());
    assert_eq!(error.status, ExitStatus::NotRunning);
    assert!(
        error.message.starts_with(&format!("auth_db is not running on 127.0.0.1:{port}")),
        "{}",
        error.message
    );
    assert_eq!(error.help.as_deref(), Some("start it: `doran up auth_db`"));
}

#[tokio::test]
async fn a_file_that_cannot_get_its_table_gives_up_soon() {
    let (_db, access) = empty("batch_db").await;
    let files = directory(&[("0001_a.sql", "create table a (id int);\n")]);
    up(&access, files.path()).await.unwrap();
    let mut busy = access.connect().await.unwrap();
    busy.execute("begin; lock table a in access share mode").await.unwrap();
    fs::write(files.path().join("0002_b.sql"), "alter table a add column b int;\n").unwrap();
    let seen = Mutex::new(Vec::new());
    let error = up_one(&access, files.path(), &|notice| seen.lock().unwrap().push(notice)).await.unwrap_err();
    let error = CliError::from(error);
    assert!(error.help.unwrap().contains("a busy session holds a table it needs"), "{}", error.message);
    assert_eq!(
        *seen.lock().unwrap(),
        [Notice::Applying { file: String::from("0002_b.sql"), number: 1, of: 1 }]
    );
}
