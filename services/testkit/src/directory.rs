//! Directories of one test.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;

use tempfile::TempDir;

/// A directory that nobody else may enter, removed with the value.
///
/// # Panics
/// When the temporary directory is not writable.
pub fn private_directory() -> TempDir {
    tempfile::Builder::new()
        .permissions(Permissions::from_mode(0o700))
        .tempdir()
        .expect("the temporary directory is writable")
}
