//! Where data may live: root's directories are often closed to the user that the servers run as.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::{fs, io};

use thiserror::Error;

use crate::ServerUser;
use crate::directory::{self, DirectoryError};

/// The place for data that cannot stay beside the stack file, and for the cache of root's clusters.
pub(super) const SYSTEM_HOME: &str = "/var/lib/doran";

/// Names the directory that the data would have gone to.
const ORIGIN: &str = "belongs-to";

#[derive(Debug, Error)]
pub enum HomeError {
    #[error("cannot look at {}", path.display())]
    Look { path: PathBuf, source: io::Error },
    #[error(transparent)]
    Directory(#[from] DirectoryError),
}

/// Where data may live: `preferred` if the server's user can reach it, else `/var/lib/doran/<hash of preferred>`.
/// The directory exists afterwards.
///
/// Directories above `preferred` that do not exist yet count as closed, because `doran` makes its own private:
/// so the answer is the same on the first start and on all later ones.
///
/// # Errors
/// When a directory above cannot be looked at, or the home cannot be made.
pub fn reachable_home(preferred: &Path, user: Option<&ServerUser>) -> Result<PathBuf, HomeError> {
    reachable_home_or(preferred, user, Path::new(SYSTEM_HOME))
}

fn reachable_home_or(
    preferred: &Path,
    user: Option<&ServerUser>,
    system_home: &Path,
) -> Result<PathBuf, HomeError> {
    let preferred = std::path::absolute(preferred)
        .map_err(|source| HomeError::Look { path: preferred.to_owned(), source })?;
    let open = user.map_or(Ok(true), |user| is_reachable(&preferred, user))?;
    if open {
        directory::ensure_directory(&preferred, user)?;
        return Ok(preferred);
    }
    let home = system_home.join(short_digest(preferred.as_os_str().as_encoded_bytes()));
    directory::ensure_directory(&home, user)?;
    // A digest does not say to whoever tidies up here whose data it is.
    let note = home.join(ORIGIN);
    if !note.exists() {
        let text = format!("{}\n", preferred.display());
        fs::write(&note, text).map_err(directory::failed("write", &note))?;
    }
    Ok(home)
}

/// Whether `user` can pass through every directory down to `path`, which itself may be missing.
pub(super) fn is_reachable(path: &Path, user: &ServerUser) -> Result<bool, HomeError> {
    let parent = path.parent().unwrap_or(Path::new("/"));
    let look = |path: &Path, result: io::Result<Metadata>| match result {
        Ok(metadata) => Ok(Some(metadata)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(HomeError::Look { path: path.to_owned(), source }),
    };
    // Links are resolved first: what counts is the way that the kernel takes.
    let Ok(real) = parent.canonicalize() else {
        return Ok(false);
    };
    for directory in real.ancestors() {
        if !look(directory, fs::metadata(directory))?.is_some_and(|metadata| may_pass(&metadata.into(), user))
        {
            return Ok(false);
        }
    }
    Ok(look(path, fs::metadata(path))?.is_none_or(|metadata| may_pass(&metadata.into(), user)))
}

/// What decides about passing through a directory.
#[derive(Debug, Clone, Copy)]
struct Guard {
    uid: u32,
    gid: u32,
    mode: u32,
}

impl From<Metadata> for Guard {
    fn from(metadata: Metadata) -> Self {
        Self { uid: metadata.uid(), gid: metadata.gid(), mode: metadata.mode() }
    }
}

/// POSIX looks at one class only: an owner without the bit is refused although others have it.
fn may_pass(guard: &Guard, user: &ServerUser) -> bool {
    let bit = match (guard.uid == user.uid, guard.gid == user.gid) {
        (true, _) => 0o100,
        (false, true) => 0o010,
        (false, false) => 0o001,
    };
    guard.mode & bit != 0
}

/// A short name for `text` that is the same on every machine and in every build.
pub(super) fn short_digest(text: &[u8]) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text);
    let (first, _) = digest.as_ref().split_first_chunk().expect("SHA-256 has 32 bytes");
    format!("{:016x}", u64::from_be_bytes(*first))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn server() -> ServerUser {
        ServerUser { uid: 4_000_001, gid: 4_000_002, name: "server".into() }
    }

    #[test]
    fn only_the_users_own_class_decides_about_passing() {
        let guard = |uid, gid, mode| Guard { uid, gid, mode };
        let (user, other) = (server(), 0);
        assert!(may_pass(&guard(user.uid, other, 0o100), &user));
        assert!(!may_pass(&guard(user.uid, user.gid, 0o011), &user));
        assert!(may_pass(&guard(other, user.gid, 0o010), &user));
        assert!(!may_pass(&guard(other, user.gid, 0o701), &user));
        assert!(may_pass(&guard(other, other, 0o001), &user));
        assert!(!may_pass(&guard(other, other, 0o770), &user));
    }

    fn close(path: &Path) {
        fs::set_permissions(path, fs::Permissions::from_mode(0o700)).unwrap();
    }

    fn open(path: &Path) {
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    #[test]
    fn a_home_below_a_closed_directory_moves_and_stays_moved() {
        let root = tempfile::tempdir().unwrap();
        open(root.path());
        let closed = root.path().join("closed");
        let (preferred, system) = (closed.join("data"), root.path().join("system"));
        let before = reachable_home_or(&preferred, Some(&server()), &system).unwrap();
        fs::create_dir(&closed).unwrap();
        close(&closed);
        let after = reachable_home_or(&preferred, Some(&server()), &system).unwrap();
        assert_eq!(before, after, "a directory that is not made yet counts as closed");
        assert!(after.starts_with(&system) && after.is_dir(), "{}", after.display());
        let neighbour = reachable_home_or(&closed.join("data2"), Some(&server()), &system).unwrap();
        assert_ne!(after, neighbour);
    }

    #[test]
    fn an_open_home_and_a_home_of_ones_own_stay_where_they_are() {
        let root = tempfile::tempdir().unwrap();
        open(root.path());
        let preferred = root.path().join("data");
        let system = root.path().join("system");
        assert_eq!(reachable_home_or(&preferred, Some(&server()), &system).unwrap(), preferred);
        close(root.path());
        assert_eq!(reachable_home_or(&preferred, None, &system).unwrap(), preferred);
        assert!(!system.exists());
    }

    #[test]
    fn a_link_into_a_closed_directory_does_not_help() {
        let root = tempfile::tempdir().unwrap();
        open(root.path());
        let closed = root.path().join("closed");
        fs::create_dir_all(closed.join("inner")).unwrap();
        close(&closed);
        std::os::unix::fs::symlink(closed.join("inner"), root.path().join("link")).unwrap();
        assert!(!is_reachable(&root.path().join("link").join("data"), &server()).unwrap());
    }
}
