//! Finds the server's program.

use std::path::PathBuf;

use thiserror::Error;

use crate::SearchPlaces;

const PROGRAMS: [&str; 2] = ["redis-server", "valkey-server"];

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installation {
    pub program: PathBuf,
}

#[derive(Debug, Error)]
#[error(
    "found neither redis-server nor valkey-server on PATH: install one (Debian and Ubuntu: `apt-get install \
     redis-server`), or go without, which everything can on one instance"
)]
pub struct NotFound;

impl Installation {
    /// # Errors
    /// When there is none; the text names the package.
    pub fn find() -> Result<Self, NotFound> {
        Self::find_in(&SearchPlaces::of_this_machine())
    }

    /// # Errors
    /// When `places` have none; the text names the package.
    pub fn find_in(places: &SearchPlaces) -> Result<Self, NotFound> {
        let found = PROGRAMS.iter().find_map(|name| places.program(name));
        found.map(|program| Self { program }).ok_or(NotFound)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn valkey_stands_in_for_redis_and_files_that_cannot_run_do_not() {
        let home = tempfile::tempdir().unwrap();
        let places = SearchPlaces { path: vec![home.path().into()], versioned_roots: vec![] };
        fs::write(home.path().join("redis-server"), "").unwrap();
        let text = Installation::find_in(&places).unwrap_err().to_string();
        assert!(text.contains("apt-get install redis-server"), "{text}");
        let valkey = home.path().join("valkey-server");
        fs::write(&valkey, "#!/bin/sh\n").unwrap();
        fs::set_permissions(&valkey, fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!(Installation::find_in(&places).unwrap().program, valkey);
    }
}
