//! `doran migrate` as a person and as a script use it.

use std::fs;

use serde_json::Value;
use testkit::free_port;

use crate::fixture::{Fixture, Said, finish};

const GOOD: &str = "create table a (id int);\n";

/// One database with one migration.
fn fixture() -> Fixture {
    let yaml = format!(
        "name: small\ndatabases:\n  batch_db:\n    port: {}\n    migrations: migrations\nservices: {{}}\n",
        free_port()
    );
    let fixture = Fixture::new(&yaml);
    fs::create_dir(fixture.path().join("migrations")).expect("make the migrations' directory");
    write(&fixture, "0001_a.sql", GOOD);
    fixture
}

fn write(fixture: &Fixture, name: &str, sql: &str) {
    fs::write(fixture.path().join("migrations").join(name), sql).expect("write a migration");
}

fn states(said: &Said) -> Vec<String> {
    let document: Value = serde_json::from_str(&said.stdout).expect("standard output is one JSON document");
    assert_eq!(document["schema"], "doran.migrate/1");
    let text = |item: &Value, key: &str| item[key].as_str().expect("a string").to_owned();
    let items = document["items"].as_array().expect("items");
    items.iter().map(|item| format!("{} {}", text(item, "file"), text(item, "state"))).collect()
}

#[test]
fn pending_migrations_are_shown_applied_and_then_no_longer_pending() {
    let fixture = fixture();
    fixture.doran(&["up", "-d", "--wait", "batch_db"]).exits(0);
    let dry = fixture.doran(&["migrate", "--dry-run", "--exit-code", "--json"]).exits(10);
    assert_eq!(states(&dry), ["0001_a.sql pending"]);
    fixture.doran(&["migrate", "status", "--exit-code"]).exits(10).says("pending");

    let up = fixture.doran(&["migrate", "--json"]).exits(0);
    assert_eq!(states(&up), ["0001_a.sql applied"]);
    assert!(states(&fixture.doran(&["migrate", "--json"]).exits(0)).is_empty());
    fixture.doran(&["migrate", "--dry-run", "--exit-code"]).exits(0).says("nothing is pending");
    fixture.doran(&["migrate", "status", "--exit-code"]).exits(0).says("applied");
}

#[test]
fn a_broken_migration_exits_with_1_and_shows_the_line() {
    let fixture = fixture();
    fixture.doran(&["up", "-d", "--wait", "batch_db"]).exits(0);
    write(&fixture, "0002_b.sql", "create table half (id int);\ncreate tabel b (id int);\n");
    let said = fixture.doran(&["migrate", "up", "--json"]).exits(1);
    assert!(said.stderr.contains("0002_b.sql:2:8: syntax error"), "{}", said.stderr);
    assert!(said.stderr.contains("2 | create tabel b (id int);\n  |        ^"), "{}", said.stderr);
    assert!(said.stderr.contains("nothing of 0002_b.sql was applied"), "{}", said.stderr);
    let status = fixture.doran(&["migrate", "status", "--json"]).exits(0);
    assert_eq!(states(&status), ["0001_a.sql applied", "0002_b.sql pending"]);
}

#[test]
fn an_edited_migration_exits_with_1_and_a_missing_one_is_a_warning() {
    let fixture = fixture();
    fixture.doran(&["up", "-d", "--wait", "batch_db"]).exits(0);
    write(&fixture, "0002_b.sql", "create table b (id int);\n");
    fixture.doran(&["migrate"]).exits(0);
    write(&fixture, "0001_a.sql", "create table a (id bigint);\n");
    for args in [&["migrate"][..], &["migrate", "--dry-run"], &["migrate", "status"]] {
        let said = fixture.doran(args).exits(1);
        assert!(said.stderr.contains("0001_a.sql was edited after it was applied"), "{}", said.stderr);
    }
    write(&fixture, "0001_a.sql", GOOD);
    fs::remove_file(fixture.path().join("migrations/0002_b.sql")).unwrap();
    let said = fixture.doran(&["migrate"]).exits(0);
    assert!(said.stderr.contains("migration 2 (b) is applied, but its file is gone"), "{}", said.stderr);
}

#[test]
fn of_two_commands_at_once_one_applies() {
    let fixture = fixture();
    fixture.doran(&["up", "-d", "--wait", "batch_db"]).exits(0);
    let both = [fixture.spawn(&["migrate", "--json"]), fixture.spawn(&["migrate", "--json"])];
    let applied: Vec<usize> = both.map(|child| states(&finish(child).exits(0)).len()).into();
    assert_eq!(applied.iter().sum::<usize>(), 1, "{applied:?}");
}

#[test]
fn a_new_migration_gets_the_next_number() {
    let fixture = fixture();
    let said = fixture.doran(&["migrate", "new", "--db", "batch_db", "Add", "an", "index"]).exits(0);
    assert!(said.stdout.trim_end().ends_with("/migrations/0002_add_an_index.sql"), "{}", said.stdout);
    assert!(fs::read_to_string(said.stdout.trim_end()).unwrap().starts_with("--"));
    fixture.doran(&["migrate", "new", "--db", "btach_db", "x"]).exits(2).says("did you mean `batch_db`?");
}

#[test]
fn a_database_that_does_not_run_is_named_with_what_starts_it() {
    let fixture = fixture();
    for args in [&["migrate"][..], &["migrate", "status"], &["migrate", "--dry-run"], &["seed"]] {
        fixture
            .doran(args)
            .exits(6)
            .says("batch_db is not running on 127.0.0.1:")
            .says("`doran up batch_db`");
    }
}
