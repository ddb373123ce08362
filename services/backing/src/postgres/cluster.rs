//! Makes a cluster ready to be started, once.

use std::path::{Path, PathBuf};
use std::{fs, io};

use thiserror::Error;

use super::cache::{Cache, CacheError, PLACEHOLDER};
use super::copy;
use super::home::{HomeError, is_reachable};
use super::installation::Installation;
use super::marker::Marker;
use super::postmaster::{StaleLock, clear_stale_lock};
use super::setup::{SUPERUSER, quoted, set_password};
use super::single_user::{Durability, SingleUser, SingleUserError};
use super::spec::{ClusterSpec, InvalidName};
use crate::ServerUser;
use crate::directory::{self, DirectoryError, Lock, failed};
use crate::secret::SecretError;

/// What [`prepare`] found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preparation {
    Existing,
    Created,
}

#[derive(Debug, Error)]
pub enum PrepareError {
    #[error(transparent)]
    Name(#[from] InvalidName),
    #[error(
        "the user `{user}`, who runs the server, cannot reach {}: open the directories above it, or take \
         another place", data.display()
    )]
    Unreachable { data: PathBuf, user: String },
    #[error("{} is not empty and no cluster of ours: move it away, and a new one is made", data.display())]
    Foreign { data: PathBuf },
    #[error(
        "the data in {} belongs to PostgreSQL {found}, the server found is version {installed}: install \
         version {found}, or move the data away (dump it with the old server to keep it)", data.display()
    )]
    OtherVersion { data: PathBuf, found: String, installed: String },
    #[error(
        "the cluster in {} was made for {found}, not for {wanted}: keep the old names, or move it away",
        data.display()
    )]
    OtherNames { data: PathBuf, found: String, wanted: String },
    #[error(
        "cannot set the changed passwords of the cluster in {}; if its server runs, stop it first", data.display()
    )]
    Passwords { data: PathBuf, source: SingleUserError },
    #[error("cannot set up the database `{database}` in its new cluster")]
    SetUp { database: String, source: SingleUserError },
    #[error(transparent)]
    Cache(#[from] CacheError),
    #[error(transparent)]
    Lock(#[from] StaleLock),
    #[error(transparent)]
    Home(#[from] HomeError),
    #[error(transparent)]
    Secret(#[from] SecretError),
    #[error(transparent)]
    Directory(#[from] DirectoryError),
}

/// Makes the cluster of `spec` if it is not there yet. Blocks for some tenths of a second.
///
/// May be called again at any time, by several processes at once and after having been killed: a new cluster is
/// made aside and renamed. An existing one keeps its data; passwords that changed since are set, and a lock file
/// that a killed server left is cleared.
///
/// # Errors
/// When the directory holds something else, or a step fails.
pub fn prepare(
    installation: &Installation,
    user: Option<&ServerUser>,
    spec: &ClusterSpec,
) -> Result<Preparation, PrepareError> {
    prepare_from(&Cache::of_this_machine(user)?, installation, user, spec)
}

/// The same with a cache of one's own.
///
/// # Errors
/// When the directory holds something else, or a step fails.
pub fn prepare_from(
    cache: &Cache,
    installation: &Installation,
    user: Option<&ServerUser>,
    spec: &ClusterSpec,
) -> Result<Preparation, PrepareError> {
    spec.check_names()?;
    let foreign = || PrepareError::Foreign { data: spec.data.clone() };
    let parent = spec.data.parent().ok_or_else(foreign)?;
    let name = spec.data.file_name().and_then(|name| name.to_str()).ok_or_else(foreign)?;
    directory::ensure_directory(parent, user)?;
    if let Some(user) = user.filter(|user| matches!(is_reachable(&spec.data, user), Ok(false))) {
        return Err(PrepareError::Unreachable { data: spec.data.clone(), user: user.name.clone() });
    }
    let lock = Lock::wait(&parent.join(format!(".{name}.lock")))?;
    let server = SingleUser { installation, user, lock: &lock };
    if is_there(installation, &spec.data)? {
        keep(server, spec)?;
        return Ok(Preparation::Existing);
    }
    let cached = cache.cluster(installation, user)?;
    let unfinished = parent.join(format!(".{name}.making"));
    directory::remove(&unfinished)?;
    copy::tree(&cached, &unfinished, user)?;
    server
        .run(&unfinished, SUPERUSER, Durability::Later, &naming(spec))
        .map_err(|source| PrepareError::SetUp { database: spec.database.clone(), source })?;
    Marker::new(spec)?.write(&unfinished, user)?;
    directory::publish(&unfinished, &spec.data)?;
    Ok(Preparation::Created)
}

/// Whether a cluster for this server is there already; an empty directory is as good as none.
fn is_there(installation: &Installation, data: &Path) -> Result<bool, PrepareError> {
    match fs::read_to_string(data.join("PG_VERSION")) {
        Ok(found) if found.trim() == installation.major() => Ok(true),
        Ok(found) => Err(PrepareError::OtherVersion {
            data: data.to_owned(),
            found: found.trim().to_owned(),
            installed: installation.version.clone(),
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound && is_absent_or_empty(data)? => Ok(false),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(PrepareError::Foreign { data: data.to_owned() })
        }
        Err(error) => Err(failed("read the version of the cluster in", data)(error).into()),
    }
}

fn is_absent_or_empty(data: &Path) -> Result<bool, DirectoryError> {
    match fs::read_dir(data) {
        Ok(mut entries) => Ok(entries.next().is_none()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(failed("read", data)(error)),
    }
}

/// Brings an existing cluster to the specification as far as that keeps its data.
fn keep(server: SingleUser<'_>, spec: &ClusterSpec) -> Result<(), PrepareError> {
    let data = &spec.data;
    let marker = Marker::read(data)?.ok_or_else(|| PrepareError::Foreign { data: data.clone() })?;
    if !marker.has_names_of(spec) {
        let wanted = [&spec.database, &spec.owner.name, &spec.app.name].map(String::as_str).join(", ");
        return Err(PrepareError::OtherNames { data: data.clone(), found: marker.names.join(", "), wanted });
    }
    clear_stale_lock(data)?;
    if !marker.has_passwords_of(spec) {
        server
            .run(data, SUPERUSER, Durability::Now, &passwords(spec))
            .map_err(|source| PrepareError::Passwords { data: data.clone(), source })?;
        Marker::new(spec)?.write(data, server.user)?;
    }
    Ok(())
}

fn naming(spec: &ClusterSpec) -> Vec<String> {
    let rename =
        |what: &str, from: &str, to: &str| format!("alter {what} {} rename to {}", quoted(from), quoted(to));
    let renames = [
        ("database", PLACEHOLDER.database, &spec.database),
        ("role", PLACEHOLDER.owner, &spec.owner.name),
        ("role", PLACEHOLDER.app, &spec.app.name),
    ];
    // Somebody may really want a placeholder's name.
    let renames = renames.into_iter().filter(|(_, from, to)| from != to);
    renames.map(|(what, from, to)| rename(what, from, to)).chain(passwords(spec)).collect()
}

fn passwords(spec: &ClusterSpec) -> Vec<String> {
    let roles = [
        (SUPERUSER, &spec.superuser_password),
        (&spec.owner.name, &spec.owner.password),
        (&spec.app.name, &spec.app.password),
    ];
    roles.map(|(role, password)| set_password(role, password)).into()
}
