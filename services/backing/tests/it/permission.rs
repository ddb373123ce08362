//! Who may do what in a prepared cluster.

use backing::postgres::ClusterSpec;
use sqlx::{Connection as _, Executor as _, PgConnection, Row as _};

use crate::stage::{APP_PASSWORD, Server, Stage, code, connect};

const DENIED: &str = "42501";
const WRONG_PASSWORD: &str = "28P01";

/// A running cluster of `auth_db`, with a table that the owner made.
async fn cluster() -> (Stage, ClusterSpec, Server) {
    let stage = Stage::new();
    let spec = stage.spec("auth");
    stage.prepare(&spec).unwrap();
    let server = stage.start(&spec).await;
    let mut owner = owner(&spec).await;
    owner
        .execute("create table thing (id bigint generated always as identity primary key, name text)")
        .await
        .unwrap();
    owner.execute("create sequence counter").await.unwrap();
    owner.execute("create function answer() returns int language sql as 'select 42'").await.unwrap();
    (stage, spec, server)
}

async fn owner(spec: &ClusterSpec) -> PgConnection {
    connect(spec.port, "auth_owner", "owner password", "auth_db").await.unwrap()
}

async fn app(spec: &ClusterSpec) -> PgConnection {
    connect(spec.port, "auth_app", APP_PASSWORD, "auth_db").await.unwrap()
}

async fn superuser(spec: &ClusterSpec) -> PgConnection {
    connect(spec.port, "postgres", "super", "postgres").await.unwrap()
}

#[tokio::test]
async fn the_app_role_works_with_rows_that_the_owner_made_room_for() {
    let (_stage, spec, _server) = cluster().await;
    let mut app = app(&spec).await;
    for statement in [
        "insert into thing (name) values ('a'), ('b')",
        "update thing set name = 'c' where name = 'a'",
        "delete from thing where name = 'b'",
        "select nextval('counter'), answer()",
    ] {
        app.execute(statement).await.unwrap_or_else(|error| panic!("{statement}: {error}"));
    }
    let name: String = sqlx::query_scalar("select name from thing").fetch_one(&mut app).await.unwrap();
    assert_eq!(name, "c");
}

#[tokio::test]
async fn the_app_role_changes_no_definitions() {
    let (_stage, spec, _server) = cluster().await;
    let mut app = app(&spec).await;
    for statement in [
        "create table mine (id int)",
        "create schema mine",
        "create temporary table mine (id int)",
        "drop table thing",
        "alter table thing add column extra int",
        "truncate thing",
        "create function mine() returns int language sql as 'select 1'",
        "create extension pg_trgm",
        "create database mine",
        "drop database auth_db",
        "create role mine",
        "alter role auth_app superuser",
        "set role auth_owner",
        "copy (select 1) to program 'true'",
    ] {
        assert_eq!(code(app.execute(statement).await), DENIED, "{statement}");
    }
}

#[tokio::test]
async fn the_owner_migrates_but_rules_nothing_else() {
    let (_stage, spec, _server) = cluster().await;
    let mut owner = owner(&spec).await;
    owner.execute("create extension pg_trgm").await.unwrap();
    owner.execute("alter table thing add column extra int").await.unwrap();
    for statement in ["create database mine", "create role mine", "copy (select 1) to program 'true'"] {
        assert_eq!(code(owner.execute(statement).await), DENIED, "{statement}");
    }
}

#[tokio::test]
async fn nobody_else_connects() {
    let (_stage, spec, _server) = cluster().await;
    let port = spec.port;
    let mut superuser = superuser(&spec).await;
    superuser.execute("create role stranger login password 'x'").await.unwrap();
    for database in ["auth_db", "postgres", "template1"] {
        assert_eq!(code(connect(port, "stranger", "x", database).await), DENIED, "{database}");
    }
    assert_eq!(code(connect(port, "auth_app", APP_PASSWORD, "postgres").await), DENIED);
    for (role, password) in [("auth_app", "owner password"), ("auth_owner", ""), ("postgres", "x")] {
        assert_eq!(code(connect(port, role, password, "auth_db").await), WRONG_PASSWORD, "{role}");
    }
    // No placeholder is left from the cache.
    let roles: Vec<String> =
        sqlx::query_scalar("select rolname::text from pg_roles where rolcanlogin order by rolname")
            .fetch_all(&mut superuser)
            .await
            .unwrap();
    assert_eq!(roles, ["auth_app", "auth_owner", "postgres", "stranger"]);
}

#[tokio::test]
async fn the_cluster_is_durable_and_sorts_and_searches_as_designed() {
    let (_stage, spec, _server) = cluster().await;
    let mut superuser = superuser(&spec).await;
    let settings = [
        ("data_checksums", "on"),
        ("fsync", "on"),
        ("full_page_writes", "on"),
        ("listen_addresses", "127.0.0.1"),
        ("password_encryption", "scram-sha-256"),
        ("server_encoding", "UTF8"),
        ("synchronous_commit", "on"),
        ("unix_socket_directories", ""),
    ];
    for (name, expected) in settings {
        let shown: String = sqlx::query_scalar("select current_setting($1)")
            .bind(name)
            .fetch_one(&mut superuser)
            .await
            .unwrap();
        assert_eq!(shown, expected, "{name}");
    }
    let row = sqlx::query("select datcollate, datctype from pg_database where datname = 'auth_db'")
        .fetch_one(&mut superuser)
        .await
        .unwrap();
    assert_eq!((row.get::<&str, _>(0), row.get::<&str, _>(1)), ("C.UTF-8", "C.UTF-8"));
    superuser.close().await.unwrap();
    // Locale C would drop these letters, and a search for Korean would find nothing.
    let mut owner = owner(&spec).await;
    owner.execute("create extension pg_trgm").await.unwrap();
    let trigrams: Vec<String> =
        sqlx::query_scalar("select unnest(show_trgm('도란'))").fetch_all(&mut owner).await.unwrap();
    assert!(!trigrams.is_empty());
}
