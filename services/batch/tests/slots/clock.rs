//! A clock of one's own (libfaketime). How time passes between two moments (the monotonic clock) is not moved.

use std::fs;
use std::path::Path;

use chrono::TimeDelta;

/// Of the package `libfaketime`.
const LIBRARY: [&str; 3] = [
    "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1",
    "/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1",
    "/usr/lib/faketime/libfaketime.so.1",
];

/// What the file says, from the next look on.
pub(crate) struct Clock {
    file: tempfile::NamedTempFile,
    library: &'static str,
}

impl Clock {
    pub(crate) fn new() -> Option<Self> {
        let library = LIBRARY.into_iter().find(|path| Path::new(path).exists());
        let Some(library) = library else {
            testkit::skip("no libfaketime: install the package libfaketime");
            return None;
        };
        let file = tempfile::NamedTempFile::new().unwrap();
        // The database runs as another user.
        fs::set_permissions(file.path(), std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
        let clock = Self { file, library };
        clock.set(TimeDelta::zero());
        Some(clock)
    }

    /// What a process under it needs in its environment.
    pub(crate) fn environment(&self) -> Vec<(String, String)> {
        let file = self.file.path().display().to_string();
        [
            ("LD_PRELOAD", self.library),
            ("FAKETIME_TIMESTAMP_FILE", &file),
            ("FAKETIME_NO_CACHE", "1"),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
    }

    /// So far ahead of the true time from now on, or behind it.
    pub(crate) fn set(&self, ahead: TimeDelta) {
        fs::write(self.file.path(), format!("{:+}", ahead.num_seconds())).unwrap();
    }
}
