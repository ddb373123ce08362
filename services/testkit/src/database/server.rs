//! The shared server: found, or started by whoever comes first.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::Duration;

use anyhow::{Context as _, bail};
use backing::postgres::{
    self, Cache, ClusterSpec, Installation, Role, SUPERUSER, ServerUser, server_user, set_password,
};
use backing::secret;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep, timeout};

use super::session::{PATIENCE, connect, options, run};
use super::verifier::verifier;
use super::watcher;
use crate::free_port;

/// Raised when the server's make-up changes, so that an older one that runs is left to older tests.
const GENERATION: u32 = 1;
const PASSWORD_BYTES: usize = 24;
/// The server ends when nobody was connected for so long. A run over several test binaries must not restart it
/// between two of them.
const IDLE: Duration = Duration::from_secs(30);
/// What no production server may have: tests start anew after a power cut.
const SETTINGS: [(&str, &str); 7] = [
    ("autovacuum_naptime", "10min"),
    ("checkpoint_timeout", "1h"),
    ("fsync", "off"),
    ("full_page_writes", "off"),
    ("max_connections", "400"),
    ("shared_buffers", "128MB"),
    ("synchronous_commit", "off"),
];

/// How to reach the running server.
#[derive(Debug, Clone)]
pub(super) struct Access {
    pub(super) port: u16,
    superuser_password: String,
    /// Of every owner and app role: they guard nothing but tests.
    pub(super) role_password: String,
}

impl Access {
    pub(super) fn superuser(&self) -> PgConnectOptions {
        options(self.port, SUPERUSER, &self.superuser_password, SUPERUSER)
    }

    pub(super) fn role(&self, role: &str, database: &str) -> PgConnectOptions {
        options(self.port, role, &self.role_password, database)
    }

    pub(super) fn url(&self, role: &str, database: &str) -> String {
        format!("postgres://{role}:{}@127.0.0.1:{}/{database}", self.role_password, self.port)
    }
}

/// The running server and a superuser's session of that name in it, which also keeps it running.
pub(super) async fn enter(name: &str) -> anyhow::Result<(Access, PgConnection)> {
    Home::find()?.enter(name, IDLE).await
}

/// The server's place on this machine: beside the cache of clusters, per user.
#[derive(Debug, Clone)]
struct Home {
    directory: PathBuf,
    user: Option<ServerUser>,
}

impl Home {
    fn find() -> anyhow::Result<Self> {
        let user = server_user()?;
        let directory =
            Cache::of_this_machine(user.as_ref())?.directory().join(format!("testkit-{GENERATION}"));
        backing::ensure_directory(&directory, user.as_ref())?;
        Ok(Self { directory, user })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    async fn lock(&self) -> anyhow::Result<File> {
        let path = self.path("lock");
        let lock = spawn_blocking(move || {
            let file = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(path)?;
            file.lock().map(|()| file)
        });
        lock.await?.context("lock the test server")
    }

    async fn enter(&self, name: &str, idle: Duration) -> anyhow::Result<(Access, PgConnection)> {
        if let Some((access, mut session)) = self.running(name).await?
            && watcher::is_at_work(&mut session).await?
        {
            return Ok((access, session));
        }
        let _lock = self.lock().await?;
        let (access, mut session) = match self.running(name).await? {
            Some(running) => running,
            None => self.start(name).await?,
        };
        watcher::ensure(&access, &mut session, idle).await?;
        self.announce(&access)?;
        Ok((access, session))
    }

    /// The server that was announced, if it lets us in. Its port may belong to somebody else by now, or the server
    /// may be stopping: then a new one is started.
    async fn running(&self, name: &str) -> anyhow::Result<Option<(Access, PgConnection)>> {
        let port = match fs::read_to_string(self.path("port")) {
            Ok(text) => text.trim().parse().ok(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error).context("read the test server's port"),
        };
        let Some(port) = port else { return Ok(None) };
        let access = self.access(port)?;
        if !matches!(timeout(PATIENCE, postgres::is_ready(port)).await, Ok(Ok(()))) {
            return Ok(None);
        }
        let session = connect(&access.superuser().application_name(name)).await;
        Ok(session.ok().map(|session| (access, session)))
    }

    fn access(&self, port: u16) -> anyhow::Result<Access> {
        let password = |name| secret::read_or_create(&self.path("secrets").join(name), PASSWORD_BYTES);
        Ok(Access {
            port,
            superuser_password: password("superuser")?.expose().to_owned(),
            role_password: password("roles")?.expose().to_owned(),
        })
    }

    /// Only now may others come: the watcher is at work.
    fn announce(&self, access: &Access) -> anyhow::Result<()> {
        let (path, aside) = (self.path("port"), self.path("port.new"));
        fs::write(&aside, access.port.to_string()).context("write the test server's port")?;
        fs::rename(aside, path).context("announce the test server's port")
    }

    /// Starts the server. The caller holds the lock.
    async fn start(&self, name: &str) -> anyhow::Result<(Access, PgConnection)> {
        let installation = Installation::find()?;
        let access = self.access(free_port())?;
        let spec = spec(&self.path(&format!("cluster-{}", installation.major())), &access);
        self.forget_after_reboot(&spec.data)?;
        let home = self.clone();
        let child = spawn_blocking(move || {
            postgres::prepare(&installation, home.user.as_ref(), &spec)?;
            let log = private(&home.path("log")).context("open the test server's log")?;
            let mut command = postgres::launch(&installation, home.user.as_ref(), &spec).command();
            // A group of its own: what ends the test, Ctrl-C or a runner's timeout, must not end the server.
            command
                .process_group(0)
                .stdout(log.try_clone()?)
                .stderr(log)
                .spawn()
                .context("start the test server")
        });
        self.wait(child.await??, &access).await?;
        let mut session = connect(&access.superuser().application_name(name)).await?;
        let cheap = set_password(SUPERUSER, &verifier(&access.superuser_password)?);
        run(&mut session, [cheap]).await?;
        Ok((access, session))
    }

    /// Without fsync a power cut may leave anything, so a cluster lives no longer than its boot.
    fn forget_after_reboot(&self, data: &Path) -> anyhow::Result<()> {
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").context("read the boot's id")?;
        let path = self.path("boot");
        if fs::read_to_string(&path).is_ok_and(|last| last == boot) {
            return Ok(());
        }
        match fs::remove_dir_all(data) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(error).context("remove the test server's data of an earlier boot");
            }
            _ => {}
        }
        fs::write(path, boot).context("note the boot's id")
    }

    async fn wait(&self, mut child: Child, access: &Access) -> anyhow::Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while let Err(error) = postgres::is_ready(access.port).await {
            if let Some(status) = child.try_wait()? {
                let log = fs::read_to_string(self.path("log")).unwrap_or_default();
                bail!("the test server ended with {status} instead of starting:\n{log}");
            }
            if Instant::now() > deadline {
                return Err(error).context("the test server does not become ready");
            }
            sleep(Duration::from_millis(5)).await;
        }
        Ok(())
    }
}

fn private(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(path)
}

fn spec(data: &Path, access: &Access) -> ClusterSpec {
    // The roles of the cluster's own database are not used: each tested database brings its own.
    let role =
        |name: &str| Role { name: name.to_owned(), password: secret::Secret::new(&access.role_password) };
    ClusterSpec {
        data: data.to_owned(),
        port: access.port,
        database: "testkit".to_owned(),
        superuser_password: secret::Secret::new(&access.superuser_password),
        owner: role("testkit_owner"),
        app: role("testkit_app"),
        settings: SETTINGS
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect::<BTreeMap<_, _>>(),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use sqlx::Connection as _;

    use super::*;
    use crate::eventually;

    #[tokio::test]
    async fn a_server_that_nobody_needs_stops_and_the_next_who_comes_starts_it_again() {
        let directory = tempfile::tempdir().unwrap();
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let home = Home { directory: directory.path().to_owned(), user: server_user().unwrap() };
        for round in 0..2 {
            let (access, session) = home.enter("first", Duration::from_secs(1)).await.unwrap();
            let (again, second) = home.enter("second", Duration::from_secs(1)).await.unwrap();
            assert_eq!(access.port, again.port, "in round {round} the running server is found");
            second.close().await.unwrap();
            session.close().await.unwrap();
            let stopped = async || postgres::is_ready(access.port).await.err().ok_or("it still runs");
            eventually(Duration::from_secs(30), stopped).await;
        }
        let lock = format!("cluster-{}/postmaster.pid", Installation::find().unwrap().major());
        eventually(Duration::from_secs(30), async || !directory.path().join(&lock).exists()).await;
    }
}
