//! A place with a cache, a cluster in it, and its running server.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus, Stdio};
use std::time::Duration;

use backing::Launch;
use backing::postgres::{
    Cache, ClusterSpec, Installation, Preparation, PrepareError, Role, ServerUser, launch, prepare_from,
    server_user,
};
use backing::secret::Secret;
use rustix::process::{Pid, Signal, kill_process};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions as _, Error};
use tempfile::TempDir;
use testkit::eventually;

/// Quotes, a backslash, a dollar and two scripts: what a careless statement would break on.
pub(crate) const APP_PASSWORD: &str = r#"it's "quoted" \ $1 %s 도란"#;
/// Far above what a server needs to start on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Stage {
    pub(crate) home: TempDir,
    pub(crate) installation: Installation,
    pub(crate) user: Option<ServerUser>,
}

impl Stage {
    pub(crate) fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        open(home.path());
        Self { home, installation: Installation::find().unwrap(), user: server_user().unwrap() }
    }

    /// Shared by the tests of a run, so that one `initdb` serves most of them.
    pub(crate) fn shared_cache() -> Cache {
        Cache::of_this_machine(server_user().unwrap().as_ref()).unwrap()
    }

    pub(crate) fn spec(&self, service: &str) -> ClusterSpec {
        let role = |kind: &str, password: &str| Role {
            name: format!("{service}_{kind}"),
            password: Secret::new(password),
        };
        ClusterSpec {
            data: self.data(service),
            port: testkit::free_port(),
            database: format!("{service}_db"),
            superuser_password: Secret::new("super"),
            owner: role("owner", "owner password"),
            app: role("app", APP_PASSWORD),
            settings: BTreeMap::new(),
        }
    }

    pub(crate) fn data(&self, service: &str) -> PathBuf {
        self.home.path().join("data").join(service)
    }

    pub(crate) fn prepare(&self, spec: &ClusterSpec) -> Result<Preparation, PrepareError> {
        self.prepare_from(&Self::shared_cache(), spec)
    }

    pub(crate) fn prepare_from(
        &self,
        cache: &Cache,
        spec: &ClusterSpec,
    ) -> Result<Preparation, PrepareError> {
        prepare_from(cache, &self.installation, self.user.as_ref(), spec)
    }

    /// Starts the server and waits until it is ready.
    pub(crate) async fn start(&self, spec: &ClusterSpec) -> Server {
        let mut server = Server::spawn(&launch(&self.installation, self.user.as_ref(), spec));
        eventually(PATIENCE, || {
            assert_eq!(server.child.try_wait().unwrap(), None, "the server ended instead of starting");
            backing::postgres::is_ready(spec.port)
        })
        .await;
        server
    }
}

pub(crate) fn open(directory: &Path) {
    fs::set_permissions(directory, fs::Permissions::from_mode(0o755)).unwrap();
}

/// A running server, ended with the test.
pub(crate) struct Server {
    child: Child,
}

impl Server {
    pub(crate) fn spawn(launch: &Launch) -> Self {
        Self { child: launch.command().stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap() }
    }

    pub(crate) fn kill(mut self) {
        self.signal(Signal::KILL);
        self.child.wait().unwrap();
    }

    pub(crate) fn wait(&mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }

    fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.child.id().cast_signed()).unwrap();
        kill_process(pid, signal).unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            // To PostgreSQL an immediate shutdown that takes its children along; to Redis an end like any other.
            self.signal(Signal::QUIT);
            // Redis ignores the first where whoever runs the tests does, as behind `&` in a script.
            self.signal(Signal::TERM);
            self.child.wait().unwrap();
        }
    }
}

pub(crate) async fn connect(
    port: u16,
    role: &str,
    password: &str,
    database: &str,
) -> Result<PgConnection, Error> {
    let options = PgConnectOptions::new_without_pgpass().host("127.0.0.1").port(port);
    options.username(role).password(password).database(database).connect().await
}

/// The SQLSTATE of a refusal.
pub(crate) fn code<T>(result: Result<T, Error>) -> String {
    let error = result.err().expect("it is refused");
    let refusal = error.as_database_error().unwrap_or_else(|| panic!("the server did not refuse: {error}"));
    refusal.code().expect("PostgreSQL always gives a code").into_owned()
}
