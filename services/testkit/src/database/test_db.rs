//! A database of one's own for the length of a test.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use backing::postgres::DatabaseNames;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use super::removal;
use super::server::{self, Access};
use super::session::{PATIENCE, is_gone, run};
use super::template;

/// Enough for a handler and what it calls at once; all tests of a machine share the server's connections.
const POOL_SIZE: u32 = 5;

/// A fresh database with the roles and permissions that it has in a stack. Dropping it removes the database.
///
/// A session named as the database is open for as long: it keeps the server running, and tells everybody whose
/// database is still wanted. The database of a test that was killed is removed by the next test that ends.
#[derive(Debug)]
pub struct TestDb {
    name: String,
    owner: String,
    app: String,
    access: Access,
    pool: PgPool,
    _session: PgConnection,
}

impl TestDb {
    /// A clone of the database (e.g. `auth_db`) with all its migrations applied by its owner.
    ///
    /// # Panics
    /// When PostgreSQL is not installed, or a migration fails; the message says what and why.
    pub async fn new(database: &str) -> Self {
        let migrations = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations").join(database);
        Self::with_migrations(database, &migrations).await
    }

    /// The same with migrations from elsewhere.
    ///
    /// # Panics
    /// When PostgreSQL is not installed, or a migration fails; the message says what and why.
    pub async fn with_migrations(database: &str, directory: &Path) -> Self {
        Self::create(database, Some(directory.to_owned())).await
    }

    /// A database with its roles and nothing in it, for tests of migrating.
    ///
    /// # Panics
    /// When PostgreSQL is not installed; the message says so.
    pub async fn empty(database: &str) -> Self {
        Self::create(database, None).await
    }

    /// Of the runtime role, which changes rows only.
    pub fn url(&self) -> String {
        self.access.url(&self.app, &self.name)
    }

    /// Of the owner role, which changes the schema.
    pub fn owner_url(&self) -> String {
        self.access.url(&self.owner, &self.name)
    }

    /// For the superuser, in this database.
    pub fn superuser(&self) -> PgConnectOptions {
        self.access.superuser().database(&self.name)
    }

    /// A pool of the runtime role, of a few connections.
    pub fn pool(&self) -> PgPool {
        self.pool.clone()
    }

    /// The name that the clone has on the server.
    pub fn name(&self) -> &str {
        &self.name
    }

    async fn create(database: &str, migrations: Option<PathBuf>) -> Self {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match Self::try_create(database, migrations.as_deref()).await {
                Ok(created) => return created,
                Err(error) if is_gone(&error) && Instant::now() < deadline => {
                    sleep(Duration::from_millis(20)).await;
                }
                Err(error) => panic!("no test database {database}: {error:?}"),
            }
        }
    }

    async fn try_create(database: &str, migrations: Option<&Path>) -> anyhow::Result<Self> {
        let service = database.strip_suffix("_db").context("a database's name ends with `_db`")?;
        let (owner, app) = (format!("{service}_owner"), format!("{service}_app"));
        let name = format!("{}{service}_{}", removal::PREFIX, Uuid::now_v7().simple());
        let (access, mut session) = server::enter(&name).await?;
        let names = DatabaseNames { database, owner: &owner, app: &app };
        let template = template::ensure(&access, &mut session, names, migrations).await?;
        let clone = format!("create database \"{name}\" owner \"{owner}\" template \"{template}\"");
        run(&mut session, [clone]).await.context("clone the template")?;
        run(&mut session, DatabaseNames { database: &name, ..names }.guard_database()).await?;
        let pool = PgPoolOptions::new()
            .max_connections(POOL_SIZE)
            .acquire_timeout(PATIENCE)
            .connect_lazy_with(access.role(&app, &name));
        Ok(Self { name, owner, app, access, pool, _session: session })
    }
}

impl Drop for TestDb {
    fn drop(&mut self) {
        removal::remove(self.access.clone(), self.name.clone());
    }
}
