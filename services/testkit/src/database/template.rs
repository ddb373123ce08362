//! Migrated databases to clone: one per database and content of its migrations.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use aws_lc_rs::digest::{Context as Digest, SHA256};
use backing::postgres::{DatabaseNames, set_password};
use sqlx::Connection as _;
use sqlx::migrate::Migrator;
use sqlx::postgres::PgConnection;
use tokio::time::{Instant, sleep};

use super::server::Access;
use super::session::{PATIENCE, connect, run};
use super::verifier::verifier;

/// Branches and unfinished migrations each leave a template; this many of a database are kept.
const KEPT: i64 = 6;
/// `object_in_use`: a session that was just closed still counts for some milliseconds.
const IN_USE: &str = "55006";

/// The template for `names.database` with these migrations, made now if it is missing.
pub(super) async fn ensure(
    access: &Access,
    session: &mut PgConnection,
    names: DatabaseNames<'_>,
    migrations: Option<&Path>,
) -> anyhow::Result<String> {
    let template = format!("template_{}_{}", names.database, hash(names, migrations)?);
    if exists(session, &template).await? {
        return Ok(template);
    }
    // Ends with the session at the latest, also when the process is killed.
    sqlx::query("select pg_advisory_lock(hashtextextended($1, 0))")
        .bind(names.database)
        .execute(&mut *session)
        .await?;
    if !exists(session, &template).await? {
        make(access, session, names, migrations, &template)
            .await
            .with_context(|| format!("prepare a template of {}", names.database))?;
    }
    sqlx::query("select pg_advisory_unlock(hashtextextended($1, 0))")
        .bind(names.database)
        .execute(session)
        .await?;
    Ok(template)
}

/// Templates beyond those that are kept of each database, oldest last.
pub(super) async fn replaced(session: &mut PgConnection) -> Result<Vec<String>, sqlx::Error> {
    let sql = "select name from (
            select datname::text as name, row_number() over (
                partition by regexp_replace(datname::text, '_[0-9a-f]{16}$', '') order by oid desc
            ) as age
            from pg_database where starts_with(datname, 'template_')
        ) as templates
        where age > $1";
    sqlx::query_scalar(sql).bind(KEPT).fetch_all(session).await
}

async fn exists(session: &mut PgConnection, name: &str) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar("select exists (select from pg_database where datname = $1)")
        .bind(name)
        .fetch_one(session)
        .await
}

async fn make(
    access: &Access,
    session: &mut PgConnection,
    names: DatabaseNames<'_>,
    migrations: Option<&Path>,
    template: &str,
) -> anyhow::Result<()> {
    create_roles(access, session, names).await?;
    let unfinished = format!("unfinished_{}", names.database);
    let making = DatabaseNames { database: &unfinished, ..names };
    run(session, [format!("drop database if exists \"{unfinished}\" with (force)")]).await?;
    run(session, [format!("create database \"{unfinished}\" owner \"{}\"", names.owner)]).await?;
    run(session, making.guard_database()).await?;
    let mut inside = connect(&access.superuser().database(&unfinished)).await?;
    run(&mut inside, making.guard_schema()).await?;
    inside.close().await?;
    if let Some(migrations) = migrations {
        let migrator = Migrator::new(migrations.to_owned()).await.context("read the migrations")?;
        let mut owner = connect(&access.role(names.owner, &unfinished)).await?;
        // `run` does the same, but is generic in a way that makes this future unfit for spawning.
        migrator
            .run_direct(None, &mut owner, false)
            .await
            .context("apply the migrations as the owner role")?;
        owner.close().await?;
    }
    rename(session, &unfinished, template).await?;
    // A forgotten session in it would stop all clones.
    run(session, [format!("alter database \"{template}\" allow_connections false")]).await?;
    Ok(())
}

async fn create_roles(
    access: &Access,
    session: &mut PgConnection,
    names: DatabaseNames<'_>,
) -> anyhow::Result<()> {
    let sql = "select exists (select from pg_roles where rolname = $1)";
    if !sqlx::query_scalar::<_, bool>(sql).bind(names.app).fetch_one(&mut *session).await? {
        // Both or none.
        let mut tx = session.begin().await?;
        run(&mut tx, names.create_roles()).await?;
        tx.commit().await?;
    }
    let password = verifier(&access.role_password)?;
    run(session, [names.owner, names.app].map(|role| set_password(role, &password))).await?;
    Ok(())
}

async fn rename(session: &mut PgConnection, from: &str, to: &str) -> Result<(), sqlx::Error> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match run(session, [format!("alter database \"{from}\" rename to \"{to}\"")]).await {
            Err(sqlx::Error::Database(error))
                if error.code().as_deref() == Some(IN_USE) && Instant::now() < deadline =>
            {
                sleep(Duration::from_millis(5)).await;
            }
            renamed => return renamed,
        }
    }
}

/// Of everything that goes into a template.
fn hash(names: DatabaseNames<'_>, migrations: Option<&Path>) -> anyhow::Result<String> {
    let mut digest = Digest::new(&SHA256);
    let mut add = |part: &[u8]| {
        digest.update(&part.len().to_le_bytes());
        digest.update(part);
    };
    add(names.guard_schema().join("\n").as_bytes());
    if let Some(directory) = migrations {
        let what = || format!("read the migrations in {}", directory.display());
        let entries =
            fs::read_dir(directory).with_context(what)?.collect::<Result<Vec<_>, _>>().with_context(what)?;
        let mut files: Vec<_> =
            entries.into_iter().map(|entry| entry.path()).filter(|path| path.is_file()).collect();
        files.sort();
        for file in files {
            add(file.file_name().unwrap_or_default().as_encoded_bytes());
            add(&fs::read(&file).with_context(what)?);
        }
    }
    let digest = digest.finish();
    let (first, _) = digest.as_ref().split_first_chunk().expect("SHA-256 has 32 bytes");
    Ok(format!("{:016x}", u64::from_be_bytes(*first)))
}
