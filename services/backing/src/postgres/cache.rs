//! The cache of initialised clusters: `initdb` takes half a second and more, a copy a tenth of it.
//!
//! A cached cluster already holds a database and its two roles under placeholder names without passwords, so
//! that making a real one is a copy and a few renames.

use std::fs;
use std::os::unix::fs::lchown;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use thiserror::Error;

use super::copy;
use super::home::{SYSTEM_HOME, short_digest};
use super::installation::Installation;
use super::setup::{DatabaseNames, SUPERUSER, quoted};
use super::single_user::{Durability, SingleUser, SingleUserError};
use crate::ServerUser;
use crate::directory::{self, DirectoryError, Lock, failed};
use crate::secret::{self, Secret, SecretError};
use crate::tool::{self, ToolError};

/// Raised when what is done to a cached cluster changes in a way that its statements do not show.
const FORMAT: u32 = 1;
/// With locale C, trigram search finds no Korean.
const INITDB: [&str; 6] = [
    "--encoding=UTF8",
    "--locale=C.UTF-8",
    "--data-checksums",
    "--auth=scram-sha-256",
    "--username=postgres",
    "--no-sync",
];
/// Loopback TCP with passwords, and nothing else: no unix socket, no replication.
const PG_HBA: &str = "# type database user address method\n\
                      host all all 127.0.0.1/32 scram-sha-256\n\
                      host all all ::1/128 scram-sha-256\n";
/// What the database and its roles are called until a copy gets its real names.
pub(super) const PLACEHOLDER: DatabaseNames<'_> =
    DatabaseNames { database: "doran_db", owner: "doran_owner", app: "doran_app" };

#[derive(Debug, Error)]
pub enum CacheError {
    #[error("neither XDG_CACHE_HOME nor HOME says where caches go: set one of them")]
    NoHome,
    #[error("cannot initialise a PostgreSQL cluster for the cache")]
    Initialise(#[source] ToolError),
    #[error("cannot prepare the cached PostgreSQL cluster")]
    Prepare(#[source] SingleUserError),
    #[error(transparent)]
    Secret(#[from] SecretError),
    #[error(transparent)]
    Directory(#[from] DirectoryError),
}

/// A directory of initialised clusters, one per version and way of initialising.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cache {
    directory: PathBuf,
}

impl Cache {
    /// The directory's parents must be reachable by the server's user.
    pub fn new(directory: PathBuf) -> Self {
        Self { directory }
    }

    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// `/var/lib/doran/cache` for root, else `doran` in the user's cache directory.
    ///
    /// # Errors
    /// When nothing says where an ordinary user's caches go.
    pub fn of_this_machine(user: Option<&ServerUser>) -> Result<Self, CacheError> {
        if user.is_some() {
            return Ok(Self::new(Path::new(SYSTEM_HOME).join("cache")));
        }
        let variable = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let caches = variable("XDG_CACHE_HOME").or_else(|| Some(variable("HOME")?.join(".cache")));
        Ok(Self::new(caches.ok_or(CacheError::NoHome)?.join("doran")))
    }

    /// The cached cluster, made now if it is missing. Everybody who comes meanwhile waits for it.
    pub(super) fn cluster(
        &self,
        installation: &Installation,
        user: Option<&ServerUser>,
    ) -> Result<PathBuf, CacheError> {
        let name = format!("postgres-{}-{}", installation.version, key(installation));
        let finished = self.directory.join(&name);
        if finished.is_dir() {
            return Ok(finished);
        }
        directory::ensure_directory(&self.directory, user)?;
        let lock = Lock::wait(&self.directory.join(format!("{name}.lock")))?;
        if finished.is_dir() {
            return Ok(finished);
        }
        // Holding the lock, we are the only one who makes it: what lies here is of somebody who was killed.
        let unfinished = self.directory.join(format!("{name}.making"));
        directory::remove(&unfinished)?;
        let made = make(SingleUser { installation, user, lock: &lock }, &unfinished);
        if made.is_err() {
            // The first error says more than a failure to tidy up after it.
            let _ = directory::remove(&unfinished);
        }
        made?;
        directory::publish(&unfinished, &finished)?;
        Ok(finished)
    }
}

/// Everything that decides what a cached cluster looks like.
fn key(installation: &Installation) -> String {
    let statements = [in_cluster(), PLACEHOLDER.guard_schema()].concat().join("\n");
    let parts = [
        format!("{FORMAT}"),
        installation.bin_dir.display().to_string(),
        INITDB.join(" "),
        PG_HBA.to_owned(),
        statements,
    ];
    short_digest(parts.join("\0").as_bytes())
}

fn in_cluster() -> Vec<String> {
    let database = quoted(PLACEHOLDER.database);
    let mut statements = PLACEHOLDER.create_roles();
    statements.push(format!("create database {database} owner {}", quoted(PLACEHOLDER.owner)));
    statements.extend(PLACEHOLDER.guard_database());
    for shared in [SUPERUSER, "template1"] {
        statements.push(format!("revoke all on database {} from public", quoted(shared)));
    }
    statements
}

fn make(server: SingleUser<'_>, data: &Path) -> Result<(), CacheError> {
    directory::make_private(data, server.user)?;
    // Nobody ever logs in with it: each copy sets its own before its server listens.
    let password = data.with_extension("password");
    let written = initialise(server, data, &password);
    let removed = fs::remove_file(&password).map_err(failed("remove", &password));
    written?;
    removed?;
    let hba = data.join("pg_hba.conf");
    fs::write(&hba, PG_HBA).map_err(failed("write", &hba))?;
    let steps = [(SUPERUSER, in_cluster()), (PLACEHOLDER.database, PLACEHOLDER.guard_schema())];
    for (database, statements) in steps {
        server.run(data, database, Durability::Later, &statements).map_err(CacheError::Prepare)?;
    }
    copy::punch_holes(&data.join("pg_wal"))?;
    server.user.map_or(Ok(()), |_| take_back(data))?;
    Ok(())
}

fn initialise(server: SingleUser<'_>, data: &Path, password: &Path) -> Result<(), CacheError> {
    // Left over from somebody who was killed.
    let _ = fs::remove_file(password);
    secret::create(password, &Secret::random(24)?)?;
    directory::hand_over(password, server.user)?;
    let mut command = tool::command(&server.installation.program("initdb"), server.user);
    command.args(INITDB).arg("--pgdata").arg(data).arg("--pwfile").arg(password);
    command.stdin(server.lock.stream()?).stdout(Stdio::null());
    tool::run_as_is(command).map(drop).map_err(CacheError::Initialise)
}

/// Gives the cached files to root: the server's user could otherwise change what later clusters are made of.
fn take_back(path: &Path) -> Result<(), DirectoryError> {
    lchown(path, Some(0), Some(0)).map_err(failed("take back", path))?;
    if !path.symlink_metadata().map_err(failed("look at", path))?.is_dir() {
        return Ok(());
    }
    for entry in fs::read_dir(path).map_err(failed("read", path))? {
        take_back(&entry.map_err(failed("read", path))?.path())?;
    }
    Ok(())
}
