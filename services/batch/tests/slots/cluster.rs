//! A PostgreSQL of one's own with `batch_db` in it, under a clock of its own.

use std::collections::BTreeMap;
use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use backing::postgres::{ClusterSpec, Installation, Role, SUPERUSER, launch, prepare, server_user};
use backing::secret::Secret;
use rustix::process::{Pid, Signal, kill_process};
use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{ConnectOptions as _, Connection as _};
use tempfile::TempDir;
use testkit::eventually;

/// For a process to get ready, on a machine that is busy with much else.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);
const PASSWORD: &str = "slots";

pub(crate) struct Cluster {
    server: Child,
    port: u16,
    _home: TempDir,
}

impl Cluster {
    /// Migrated, running, with more in the environment of its processes.
    pub(crate) async fn start(environment: Vec<(String, String)>) -> Self {
        let home = tempfile::tempdir().unwrap();
        fs::set_permissions(home.path(), Permissions::from_mode(0o755)).unwrap();
        let role = |kind: &str| Role { name: format!("batch_{kind}"), password: Secret::new(PASSWORD) };
        let spec = ClusterSpec {
            data: home.path().join("data"),
            port: testkit::free_port(),
            database: "batch_db".to_owned(),
            superuser_password: Secret::new(PASSWORD),
            owner: role("owner"),
            app: role("app"),
            settings: BTreeMap::new(),
        };
        let (installation, user) = (Installation::find().unwrap(), server_user().unwrap());
        prepare(&installation, user.as_ref(), &spec).unwrap();
        let log = home.path().join("log");
        let mut server = launch(&installation, user.as_ref(), &spec)
            .command()
            .envs(environment)
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
        let cluster = Self { server, port: spec.port, _home: home };
        cluster.migrate().await;
        cluster
    }

    /// Of the runtime role.
    pub(crate) fn url(&self) -> String {
        format!("postgres://batch_app:{PASSWORD}@127.0.0.1:{}/batch_db", self.port)
    }

    /// For those who look at it from outside.
    pub(crate) fn pool(&self) -> PgPool {
        let options = self.options(SUPERUSER).application_name("slots");
        PgPoolOptions::new().max_connections(4).acquire_timeout(PATIENCE).connect_lazy_with(options)
    }

    fn options(&self, role: &str) -> PgConnectOptions {
        PgConnectOptions::new_without_pgpass()
            .host("127.0.0.1")
            .port(self.port)
            .username(role)
            .password(PASSWORD)
            .database("batch_db")
    }

    async fn migrate(&self) {
        let migrations = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations/batch_db");
        let migrator = Migrator::new(migrations).await.unwrap();
        let mut owner = self.options("batch_owner").connect().await.unwrap();
        migrator.run_direct(None, &mut owner, false).await.unwrap();
        owner.close().await.unwrap();
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // As fast as it gets: its data goes with it.
        kill_process(Pid::from_child(&self.server), Signal::QUIT).unwrap();
        self.server.wait().unwrap();
    }
}
