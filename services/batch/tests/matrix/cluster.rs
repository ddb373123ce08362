//! A PostgreSQL of one's own with the databases of all services, and copies of what was prepared in them.

use std::collections::BTreeMap;
use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use backing::postgres::{
    ClusterSpec, DatabaseNames, Installation, Role, SUPERUSER, launch, prepare, server_user, set_password,
};
use backing::secret::Secret;
use rustix::process::{Pid, Signal, kill_process};
use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _};
use tempfile::TempDir;
use testkit::eventually;

/// For a process to get ready, on a machine that is busy with much else.
pub(crate) const PATIENCE: Duration = Duration::from_mins(2);
const PASSWORD: &str = "matrix";
/// Of a database, in bytes.
const LARGE: i64 = 64 << 20;

pub(crate) struct Cluster {
    _home: TempDir,
    server: Child,
    port: u16,
    copies: AtomicU32,
}

/// One of its databases.
#[derive(Debug, Clone)]
pub(crate) struct Database {
    /// Whose it is, e.g. `chat`.
    pub(crate) service: &'static str,
    name: String,
    port: u16,
}

impl Cluster {
    /// Running, with these settings beside those of a stack.
    pub(crate) async fn start(settings: &[(&str, &str)]) -> Self {
        let home = tempfile::tempdir().unwrap();
        fs::set_permissions(home.path(), Permissions::from_mode(0o755)).unwrap();
        let role = |name: &str| Role { name: name.to_owned(), password: Secret::new(PASSWORD) };
        let text = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let spec = ClusterSpec {
            data: home.path().join("data"),
            port: testkit::free_port(),
            database: "matrix_db".to_owned(),
            superuser_password: Secret::new(PASSWORD),
            owner: role("matrix_owner"),
            app: role("matrix_app"),
            settings: settings.iter().map(text).collect::<BTreeMap<_, _>>(),
        };
        let (installation, user) = (Installation::find().unwrap(), server_user().unwrap());
        prepare(&installation, user.as_ref(), &spec).unwrap();
        let log = home.path().join("log");
        let mut server = launch(&installation, user.as_ref(), &spec)
            .command()
            .stdout(Stdio::null())
            .stderr(File::create(&log).unwrap())
            .spawn()
            .unwrap();
        eventually(PATIENCE, || {
            let ended = server.try_wait().unwrap();
            assert_eq!(ended, None, "{}", fs::read_to_string(&log).unwrap());
            backing::postgres::is_ready(spec.port)
        })
        .await;
        Self { _home: home, server, port: spec.port, copies: AtomicU32::new(0) }
    }

    /// The service's database with all its migrations, and its roles.
    pub(crate) async fn create(&self, service: &'static str) -> Database {
        let database = Database { service, name: format!("{service}_db"), port: self.port };
        let (owner, app) = (database.role("owner"), database.role("app"));
        let names = DatabaseNames { database: &database.name, owner: &owner, app: &app };
        let password = Secret::new(PASSWORD);
        let passwords = [&owner, &app].map(|role| set_password(role, &password));
        let mut admin = self.admin().await;
        run(&mut admin, names.create_roles()).await;
        run(&mut admin, passwords).await;
        run(&mut admin, [format!("create database {} owner {owner}", database.name)]).await;
        run(&mut admin, names.guard_database()).await;
        run(&mut database.superuser().await, names.guard_schema()).await;
        let migrations = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations").join(&database.name);
        let migrator = Migrator::new(migrations).await.unwrap();
        let mut session = database.owner().await;
        migrator.run_direct(None, &mut session, false).await.unwrap();
        session.close().await.unwrap();
        database
    }

    /// Another database of the same content. Nobody may be connected to the original.
    pub(crate) async fn copy(&self, original: &Database) -> Database {
        let number = self.copies.fetch_add(1, Ordering::Relaxed);
        let copy = Database { name: format!("{}_{number}", original.name), ..original.clone() };
        let (owner, app) = (copy.role("owner"), copy.role("app"));
        let admin = tokio::sync::Mutex::new(self.admin().await);
        let size: i64 = sqlx::query_scalar("select pg_database_size($1)")
            .bind(&original.name)
            .fetch_one(&mut *admin.lock().await)
            .await
            .unwrap();
        // Small ones by the page, because by the file costs two checkpoints.
        let strategy = if size < LARGE { "wal_log" } else { "file_copy" };
        let sql = format!(
            "create database {} owner {owner} template {} strategy {strategy}",
            copy.name, original.name
        );
        eventually(PATIENCE, || async {
            // A session that was just closed still counts for some milliseconds.
            sqlx::raw_sql(AssertSqlSafe(sql.clone())).execute(&mut *admin.lock().await).await
        })
        .await;
        let names = DatabaseNames { database: &copy.name, owner: &owner, app: &app };
        run(&mut admin.into_inner(), names.guard_database()).await;
        copy
    }

    pub(crate) async fn remove(&self, database: Database) {
        run(&mut self.admin().await, [format!("drop database {} with (force)", database.name)]).await;
    }

    async fn admin(&self) -> PgConnection {
        options(self.port, SUPERUSER, "postgres").connect().await.unwrap()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // As fast as it gets: its data goes with it.
        let postmaster = Pid::from_child(&self.server);
        kill_process(postmaster, Signal::QUIT).unwrap();
        self.server.wait().unwrap();
    }
}

impl Database {
    fn role(&self, kind: &str) -> String {
        format!("{}_{kind}", self.service)
    }

    /// Of the runtime role.
    pub(crate) fn url(&self) -> String {
        format!("postgres://{}:{PASSWORD}@127.0.0.1:{}/{}", self.role("app"), self.port, self.name)
    }

    /// Who makes its tables, and fills them in bulk.
    pub(crate) async fn owner(&self) -> PgConnection {
        options(self.port, &self.role("owner"), &self.name).connect().await.unwrap()
    }

    /// Who looks at it from outside.
    pub(crate) async fn superuser(&self) -> PgConnection {
        options(self.port, SUPERUSER, &self.name).application_name("matrix").connect().await.unwrap()
    }
}

fn options(port: u16, role: &str, database: &str) -> PgConnectOptions {
    PgConnectOptions::new_without_pgpass()
        .host("127.0.0.1")
        .port(port)
        .username(role)
        .password(PASSWORD)
        .database(database)
}

async fn run(session: &mut PgConnection, statements: impl IntoIterator<Item = String>) {
    for statement in statements {
        let done = sqlx::raw_sql(AssertSqlSafe(statement.clone())).execute(&mut *session).await;
        done.unwrap_or_else(|error| panic!("{statement}: {error}"));
    }
}
