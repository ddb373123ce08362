//! Where programs may lie. A value instead of ambient state, so that "nothing is installed" can be tested.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// Debian's and Ubuntu's packages put each major version below here: `<root>/15/bin`.
const VERSIONED_ROOT: &str = "/usr/lib/postgresql";

/// The places that discovery looks at, in order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SearchPlaces {
    /// The directories of `PATH`.
    pub path: Vec<PathBuf>,
    /// Directories that hold one directory per PostgreSQL version.
    pub versioned_roots: Vec<PathBuf>,
}

impl SearchPlaces {
    pub fn of_this_machine() -> Self {
        let path = std::env::var_os("PATH").unwrap_or_default();
        Self {
            path: std::env::split_paths(&path).filter(|place| place.is_absolute()).collect(),
            versioned_roots: vec![PathBuf::from(VERSIONED_ROOT)],
        }
    }

    /// The first executable of that name on `PATH`.
    pub(crate) fn program(&self, name: &str) -> Option<PathBuf> {
        self.path.iter().map(|place| place.join(name)).find(|program| is_executable(program))
    }
}

pub(crate) fn is_executable(path: &Path) -> bool {
    path.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}
