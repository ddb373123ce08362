//! A PostgreSQL of one's own with `store_db` in it, as in a stack: what it has acknowledged outlives a SIGKILL of
//! all its processes.

use std::collections::BTreeMap;
use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use backing::postgres::{
    ClusterSpec, Installation, Role, SUPERUSER, ServerUser, launch, prepare, server_user,
};
use backing::secret::Secret;
use rustix::process::{Pid, Signal, kill_process};
use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{ConnectOptions as _, Connection as _};
use tempfile::TempDir;
use testkit::eventually;

/// For a process to get ready, on a machine that is busy with much else.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);
const PASSWORD: &str = "matrix";

pub(crate) struct Cluster {
    home: TempDir,
    installation: Installation,
    user: Option<ServerUser>,
    spec: ClusterSpec,
    environment: Vec<(String, String)>,
    server: Option<Child>,
}

impl Cluster {
    /// Migrated, running, with more in the environment of its processes.
    pub(crate) async fn start(environment: Vec<(String, String)>) -> Self {
        let home = tempfile::tempdir().unwrap();
        fs::set_permissions(home.path(), Permissions::from_mode(0o755)).unwrap();
        let role = |kind: &str| Role { name: format!("store_{kind}"), password: Secret::new(PASSWORD) };
        let spec = ClusterSpec {
            data: home.path().join("data"),
            port: testkit::free_port(),
            database: "store_db".to_owned(),
            superuser_password: Secret::new(PASSWORD),
            owner: role("owner"),
            app: role("app"),
            settings: BTreeMap::new(),
        };
        let (installation, user) = (Installation::find().unwrap(), server_user().unwrap());
        let mut cluster = Self { home, installation, user, spec, environment, server: None };
        cluster.restart().await;
        cluster.migrate().await;
        cluster
    }

    /// Of the runtime role.
    pub(crate) fn url(&self) -> String {
        format!("postgres://store_app:{PASSWORD}@127.0.0.1:{}/store_db", self.spec.port)
    }

    /// For those who look at it from outside. Its connections are tested before use: the server may have died.
    pub(crate) fn pool(&self) -> PgPool {
        let options = self.options(SUPERUSER).application_name("matrix");
        PgPoolOptions::new().max_connections(8).acquire_timeout(PATIENCE).connect_lazy_with(options)
    }

    /// SIGKILL to every process of the server. Completes when all are gone, and a new one may take their place.
    pub(crate) async fn kill(&mut self) {
        for child in self.slay() {
            // A zombie holds nothing, and who has to bury it may take long.
            let path = format!("/proc/{}/stat", child.as_raw_pid());
            eventually(PATIENCE, || async {
                fs::read_to_string(&path).map_or(true, |stat| stat.contains(") Z "))
            })
            .await;
        }
    }

    /// The processes that were ended with the first.
    fn slay(&mut self) -> Vec<Pid> {
        let Some(mut server) = self.server.take() else { return Vec::new() };
        let postmaster = Pid::from_child(&server);
        // It would begin a recovery of its own when it sees a child die.
        kill_process(postmaster, Signal::STOP).unwrap();
        let id = server.id();
        let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap();
        let children: Vec<_> =
            children.split_whitespace().map(|child| Pid::from_raw(child.parse().unwrap()).unwrap()).collect();
        for child in &children {
            // One that has ended meanwhile stays a zombie as long as its parent stands still.
            kill_process(*child, Signal::KILL).unwrap();
        }
        kill_process(postmaster, Signal::KILL).unwrap();
        server.wait().unwrap();
        children
    }

    /// Ready for connections, after the recovery that a kill makes necessary.
    pub(crate) async fn restart(&mut self) {
        let log = File::options().create(true).append(true).open(self.log()).unwrap();
        prepare(&self.installation, self.user.as_ref(), &self.spec).unwrap();
        let mut server = launch(&self.installation, self.user.as_ref(), &self.spec)
            .command()
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        eventually(PATIENCE, || {
            let ended = server.try_wait().unwrap();
            assert_eq!(ended, None, "{}", fs::read_to_string(self.log()).unwrap());
            backing::postgres::is_ready(self.spec.port)
        })
        .await;
        self.server = Some(server);
    }

    fn log(&self) -> std::path::PathBuf {
        self.home.path().join("log")
    }

    fn options(&self, role: &str) -> PgConnectOptions {
        PgConnectOptions::new_without_pgpass()
            .host("127.0.0.1")
            .port(self.spec.port)
            .username(role)
            .password(PASSWORD)
            .database("store_db")
    }

    async fn migrate(&self) {
        let migrations = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations/store_db");
        let migrator = Migrator::new(migrations).await.unwrap();
        let mut owner = self.options("store_owner").connect().await.unwrap();
        migrator.run_direct(None, &mut owner, false).await.unwrap();
        owner.close().await.unwrap();
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.slay();
    }
}
