//! The supervisor's lease: a locked file that says who supervises this instance.
//!
//! The lock dies with its holder, so a lease can be stale but never wrong.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::shim::protocol::PROTOCOL;

/// Held for the supervisor's whole life.
#[derive(Debug)]
pub(crate) struct Lease {
    file: File,
    path: PathBuf,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Holder {
    pub pid: u32,
    pub protocol: u32,
}

impl Lease {
    /// `None` when another supervisor holds it.
    ///
    /// # Errors
    /// When the file cannot be opened or written.
    pub(crate) fn take(path: &Path) -> io::Result<Option<Self>> {
        let mut file = open(path)?;
        if !lock(&file)? {
            return Ok(None);
        }
        let holder = Holder { pid: std::process::id(), protocol: PROTOCOL };
        let name = serde_json::to_string(&holder)?;
        // On a full disk the lease has no name, but it is held.
        let _ = file.set_len(0).and_then(|()| file.write_all(name.as_bytes()));
        Ok(Some(Self { file, path: path.to_owned() }))
    }

    /// Whether the path still names our file: not when the state directory was deleted or moved.
    pub(crate) fn is_in_place(&self) -> bool {
        let identity = |metadata: fs::Metadata| (metadata.dev(), metadata.ino());
        match (fs::metadata(&self.path), self.file.metadata()) {
            (Ok(named), Ok(ours)) => identity(named) == identity(ours),
            (Err(_), _) | (_, Err(_)) => false,
        }
    }
}

/// `false` when a holder has it. Whoever asks [`holder`] shares the lock for an instant and is waited for.
fn lock(file: &File) -> io::Result<bool> {
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(true),
            Err(TryLockError::Error(error)) => return Err(error),
            Err(TryLockError::WouldBlock) => {}
        }
        match file.try_lock_shared() {
            Ok(()) => file.unlock()?,
            Err(TryLockError::Error(error)) => return Err(error),
            Err(TryLockError::WouldBlock) => return Ok(false),
        }
        std::thread::yield_now();
    }
}

/// Who supervises the instance right now; `None` when nobody does.
pub(crate) fn holder(path: &Path) -> io::Result<Option<Holder>> {
    let file = match File::open(path) {
        Ok(file) => file,
        // A file where a directory should be is found by whoever wants to write there.
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    match file.try_lock_shared() {
        Ok(()) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
        // The holder may be between locking and writing: then it has no name yet.
        Err(TryLockError::WouldBlock) => Ok(serde_json::from_str(&fs::read_to_string(path)?)
            .ok()
            .or(Some(Holder { pid: 0, protocol: PROTOCOL }))),
    }
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_is_held_by_one_and_ends_with_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("supervisor.json");
        assert!(holder(&path).unwrap().is_none(), "nobody yet");
        let lease = Lease::take(&path).unwrap().expect("free");
        assert!(Lease::take(&path).unwrap().is_none(), "held");
        assert_eq!(holder(&path).unwrap().expect("held").pid, std::process::id());
        drop(lease);
        assert!(holder(&path).unwrap().is_none(), "free again, although the file still names a pid");
    }

    #[test]
    fn a_look_at_the_lease_does_not_keep_a_supervisor_from_taking_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("supervisor.json");
        let look = open(&path).unwrap();
        look.try_lock_shared().unwrap();
        let looking = std::thread::spawn(move || drop(look));
        assert!(Lease::take(&path).unwrap().is_some());
        looking.join().unwrap();
    }

    #[test]
    fn a_lease_whose_file_was_deleted_or_replaced_is_not_in_place() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("supervisor.json");
        let lease = Lease::take(&path).unwrap().expect("free");
        assert!(lease.is_in_place());
        fs::remove_file(&path).unwrap();
        assert!(!lease.is_in_place(), "deleted");
        let _other = Lease::take(&path).unwrap().expect("another file");
        assert!(!lease.is_in_place(), "replaced");
    }
}
