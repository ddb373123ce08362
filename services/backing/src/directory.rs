//! Directories that are made, handed over, locked and replaced.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _, lchown};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::{io, thread};

use thiserror::Error;

use crate::ServerUser;

/// Threads that wait for the disk together: their writes share journal commits. For the thousand files of a cluster,
/// 32 threads took 0.09 s where one took 4 s, and `syncfs` 0.2 s plus whatever else the machine had to write.
const FSYNC_THREADS: usize = 32;

#[derive(Debug, Error)]
#[error("cannot {action} {}", path.display())]
pub struct DirectoryError {
    pub action: &'static str,
    pub path: PathBuf,
    pub source: io::Error,
}

pub(crate) fn failed(action: &'static str, path: &Path) -> impl Fn(io::Error) -> DirectoryError {
    let path = path.to_owned();
    move |source| DirectoryError { action, path: path.clone(), source }
}

/// Makes `path` and what is missing above it. With another user for the servers everybody may pass, whatever the
/// umask says: what is private lies deeper.
///
/// # Errors
/// When a directory cannot be made.
pub fn ensure_directory(path: &Path, user: Option<&ServerUser>) -> Result<(), DirectoryError> {
    if path.is_dir() {
        return Ok(());
    }
    path.parent().map_or(Ok(()), |parent| ensure_directory(parent, user))?;
    match fs::create_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(()),
        made => made.map_err(failed("make the directory", path))?,
    }
    user.map_or(Ok(()), |_| fs::set_permissions(path, Permissions::from_mode(0o755)))
        .map_err(failed("open to the server's user", path))
}

/// Makes `path` (its parent exists) for its owner alone.
pub(crate) fn make_private(path: &Path, owner: Option<&ServerUser>) -> Result<(), DirectoryError> {
    DirBuilder::new().mode(0o700).create(path).map_err(failed("make the directory", path))?;
    hand_over(path, owner)
}

/// Gives `path` to the server's user; without one it is ours already. Never follows a link.
pub(crate) fn hand_over(path: &Path, owner: Option<&ServerUser>) -> Result<(), DirectoryError> {
    owner.map_or(Ok(()), |user| {
        lchown(path, Some(user.uid), Some(user.gid)).map_err(failed("hand over to the server's user", path))
    })
}

/// Removes `path` with everything in it; nothing there is fine.
pub(crate) fn remove(path: &Path) -> Result<(), DirectoryError> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result.map_err(failed("remove the unfinished directory", path)),
    }
}

/// Writes everything below `from` to the disk, then lets it appear as `to`, all or nothing.
pub(crate) fn publish(from: &Path, to: &Path) -> Result<(), DirectoryError> {
    let mut paths = Vec::new();
    collect(from, &mut paths)?;
    let share = paths.len().div_ceil(FSYNC_THREADS);
    thread::scope(|scope| {
        let threads: Vec<_> = paths.chunks(share).map(|paths| scope.spawn(|| fsync_all(paths))).collect();
        threads.into_iter().try_for_each(|thread| thread.join().expect("fsync_all does not panic"))
    })?;
    fs::rename(from, to).map_err(failed("put the finished directory at", to))?;
    fsync(to.parent().unwrap_or(Path::new(".")))
}

fn collect(path: &Path, paths: &mut Vec<PathBuf>) -> Result<(), DirectoryError> {
    if path.symlink_metadata().map_err(failed("look at", path))?.is_dir() {
        for entry in fs::read_dir(path).map_err(failed("read", path))? {
            collect(&entry.map_err(failed("read", path))?.path(), paths)?;
        }
    }
    paths.push(path.to_owned());
    Ok(())
}

fn fsync_all(paths: &[PathBuf]) -> Result<(), DirectoryError> {
    paths.iter().try_for_each(|path| fsync(path))
}

fn fsync(path: &Path) -> Result<(), DirectoryError> {
    File::open(path).and_then(|file| file.sync_all()).map_err(failed("make durable", path))
}

/// Held until dropped, and longer by the programs that share it: when we are killed, our tools live on, and
/// whoever comes next must not remove what they are still writing.
#[derive(Debug)]
pub(crate) struct Lock {
    file: File,
    path: PathBuf,
}

impl Lock {
    /// Waits for its turn. The file stays, because removing it would let two processes lock two files.
    pub(crate) fn wait(path: &Path) -> Result<Self, DirectoryError> {
        let mut options = OpenOptions::new();
        let file = options.create(true).truncate(false).read(true).write(true).mode(0o600).open(path);
        let file = file.map_err(failed("open the lock", path))?;
        file.lock().map_err(failed("lock", path))?;
        Ok(Self { file, path: path.to_owned() })
    }

    /// A standard stream for a program that shares the lock. It must not matter what is read from or written to it.
    pub(crate) fn stream(&self) -> Result<Stdio, DirectoryError> {
        self.file.try_clone().map(Stdio::from).map_err(failed("share the lock", &self.path))
    }
}
