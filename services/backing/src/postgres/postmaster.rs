//! The server's own lock file, which outlives a killed server.
//!
//! PostgreSQL clears a stale one by itself unless the pid in it lives again as another process of the same user.
//! After a reboot that is likely, because five servers start in a similar order and get each other's pids.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

#[derive(Debug, Error)]
#[error("cannot {action} the lock of a server that is gone, {}", path.display())]
pub struct StaleLock {
    action: &'static str,
    path: PathBuf,
    source: io::Error,
}

/// Removes `postmaster.pid` when the process that it names is something else and no process works in `data`.
///
/// The second condition matters: the file also names the shared memory that orphaned children of a killed
/// server still write through, and a server that starts beside them destroys the data. All of them have the data
/// directory as their working directory. While one lives, the file stays and PostgreSQL refuses to start.
///
/// # Errors
/// When the file or the list of processes cannot be read.
pub fn clear_stale_lock(data: &Path) -> Result<(), StaleLock> {
    let path = data.join("postmaster.pid");
    let failed = |action| {
        let path = path.clone();
        move |source| StaleLock { action, path, source }
    };
    let text = match fs::read_to_string(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        text => text.map_err(failed("read"))?,
    };
    // A pid that is dead, or an unreadable file, is PostgreSQL's own business: it decides right.
    let Some(pid) = text.lines().next().and_then(|line| line.trim().parse::<u32>().ok()) else {
        return Ok(());
    };
    if !Path::new("/proc").join(pid.to_string()).exists() {
        return Ok(());
    }
    let data = data.canonicalize().map_err(failed("find"))?;
    if is_used(&data).map_err(failed("look for users of"))? {
        return Ok(());
    }
    match fs::remove_file(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed.map_err(failed("remove")),
    }
}

/// Whether some process works in `data`. Processes that we may not look at belong to users that cannot open it.
fn is_used(data: &Path) -> io::Result<bool> {
    let mut processes = fs::read_dir("/proc")?.filter_map(Result::ok);
    Ok(processes.any(|process| fs::read_link(process.path().join("cwd")).is_ok_and(|cwd| cwd == data)))
}

#[cfg(test)]
mod tests {
    use std::process::{Child, Command, Stdio};

    use super::*;

    /// A process that works in `directory` until its standard input is closed.
    fn worker(directory: &Path) -> Child {
        Command::new("/bin/cat").current_dir(directory).stdin(Stdio::piped()).spawn().unwrap()
    }

    fn end(mut worker: Child) {
        drop(worker.stdin.take());
        worker.wait().unwrap();
    }

    #[test]
    fn a_lock_whose_pid_lives_again_as_something_else_is_cleared() {
        let (data, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let stranger = worker(elsewhere.path());
        let lock = data.path().join("postmaster.pid");
        fs::write(&lock, format!("{}\n/somewhere\n", stranger.id())).unwrap();
        clear_stale_lock(data.path()).unwrap();
        assert!(!lock.exists());
        end(stranger);
    }

    #[test]
    fn a_lock_stays_while_anything_works_in_the_directory() {
        let (data, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (stranger, orphan) = (worker(elsewhere.path()), worker(data.path()));
        let lock = data.path().join("postmaster.pid");
        fs::write(&lock, format!("{}\n", stranger.id())).unwrap();
        clear_stale_lock(data.path()).unwrap();
        assert!(lock.exists());
        end(stranger);
        end(orphan);
    }

    #[test]
    fn locks_that_postgres_understands_itself_are_left_to_it() {
        let data = tempfile::tempdir().unwrap();
        clear_stale_lock(data.path()).unwrap();
        let lock = data.path().join("postmaster.pid");
        for text in ["", "not a pid\n", "4194305\n"] {
            fs::write(&lock, text).unwrap();
            clear_stale_lock(data.path()).unwrap();
            assert!(lock.exists(), "{text:?}");
        }
    }
}
