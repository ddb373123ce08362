//! Where an instance keeps its files: `.doran/<instance>/` beside the stack file.
//!
//! Pure path arithmetic; creating directories is the business of whoever writes into them.

use std::ffi::OsStr;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};

/// A socket path may have 107 bytes on Linux (`sun_path`); unit names need their share.
const LONGEST_SOCKET_PATH: usize = 100;
/// The longest file name below the socket directory that we promise to fit.
const LONGEST_SOCKET_NAME: usize = 32;

/// Every path of one instance of a stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Layout {
    root: PathBuf,
    sockets: PathBuf,
}

impl Layout {
    /// `stack_dir` is the absolute directory of the stack file; `runtime_dir` is `$XDG_RUNTIME_DIR` or the
    /// system's temporary directory, used for sockets when the checkout's path is too long for one.
    pub(crate) fn new(stack_dir: &Path, instance: &str, runtime_dir: &Path) -> Self {
        let root = stack_dir.join(".doran").join(instance);
        let near = root.join("run");
        let fits = near.as_os_str().len() + 1 + LONGEST_SOCKET_NAME <= LONGEST_SOCKET_PATH;
        let sockets =
            if fits { near } else { runtime_dir.join(format!("doran-{:016x}", hash(root.as_os_str()))) };
        Self { root, sockets }
    }

    /// `.doran/<instance>`, mode 0700.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Specs, leases, exit records, the registry and the gateway's routes.
    pub(crate) fn run(&self) -> PathBuf {
        self.root.join("run")
    }

    /// Directory (0700) of every unix socket of the instance.
    pub(crate) fn sockets(&self) -> &Path {
        &self.sockets
    }

    pub(crate) fn control_socket(&self) -> PathBuf {
        self.sockets.join("control.sock")
    }

    pub(crate) fn shim_socket(&self, unit: &str) -> PathBuf {
        self.sockets.join(format!("{unit}.sock"))
    }

    /// The supervisor's lease: held locked while it lives, and says who it is.
    pub(crate) fn lease(&self) -> PathBuf {
        self.run().join("supervisor.json")
    }

    /// Locked by a `doran` while it starts the supervisor.
    pub(crate) fn start_lock(&self) -> PathBuf {
        self.run().join("start.json")
    }

    /// The resolved stack that the supervisor runs (0600: it names secrets' files and carries environment).
    pub(crate) fn stack(&self) -> PathBuf {
        self.run().join("stack.json")
    }

    pub(crate) fn registry(&self) -> PathBuf {
        self.run().join("registry").join("registry.json")
    }

    pub(crate) fn gateway_config(&self) -> PathBuf {
        self.run().join("gateway").join("gateway.json")
    }

    pub(crate) fn shim_spec(&self, unit: &str) -> PathBuf {
        self.run().join(format!("{unit}.spec.json"))
    }

    pub(crate) fn exit_record(&self, unit: &str) -> PathBuf {
        self.run().join(format!("{unit}.exit.json"))
    }

    /// Log segments `<unit>.<run>.log` with their index `<unit>.<run>.idx`, and `supervisor.log`.
    pub(crate) fn logs(&self) -> PathBuf {
        self.root.join("logs")
    }

    /// What the supervisor has measured: `seconds.<begin>.ndjson` and `minutes.<begin>.ndjson`.
    pub(crate) fn telemetry(&self) -> PathBuf {
        self.root.join("telemetry")
    }

    /// Passwords and keys, 0600 each, in a 0700 directory.
    pub(crate) fn secrets(&self) -> PathBuf {
        self.root.join("secrets")
    }

    /// Says where the data went, see `data`.
    pub(crate) fn data_home(&self) -> PathBuf {
        self.root.join("data-home")
    }

    /// Preferred home of the databases' data; `backing` may move it when the server's user cannot reach it.
    pub(crate) fn data(&self) -> PathBuf {
        self.root.join("data")
    }

    /// What the sandbox provider has booked. It runs as ourselves, so its data never moves.
    pub(crate) fn payment_ledger(&self) -> PathBuf {
        self.data().join("payment-sandbox").join("ledger.ndjson")
    }

    /// Archives and reports of batch, which runs as ourselves, too.
    pub(crate) fn objects(&self) -> PathBuf {
        self.data().join("objects")
    }
}

/// A stable name for a path: `DefaultHasher::new()` has fixed keys, and only one toolchain reads it back.
fn hash(path: &OsStr) -> u64 {
    let mut hasher = DefaultHasher::new();
    path.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_stay_beside_the_state_when_the_path_is_short() {
        let layout = Layout::new(Path::new("/srv/app"), "default", Path::new("/tmp"));
        assert_eq!(layout.control_socket(), Path::new("/srv/app/.doran/default/run/control.sock"));
    }

    #[test]
    fn sockets_move_when_the_checkout_is_too_deep() {
        let deep = PathBuf::from("/").join("d".repeat(90));
        let layout = Layout::new(&deep, "default", Path::new("/tmp"));
        assert!(layout.control_socket().starts_with("/tmp"), "{}", layout.control_socket().display());
        assert!(layout.control_socket().as_os_str().len() <= LONGEST_SOCKET_PATH);
        let other = Layout::new(&deep, "second", Path::new("/tmp"));
        assert_ne!(layout.sockets(), other.sockets(), "instances never share sockets");
    }
}
