//! Secrets: values that do not print themselves, and the files that keep them.

use std::fmt;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use thiserror::Error;

/// A password or key as text. `Debug` is redacted and there is no `Display`: only [`Secret::expose`] shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// `bytes` random bytes as unpadded base64url, which needs no quoting in a URL, in SQL or in a Redis file.
    ///
    /// # Errors
    /// When the system gives no randomness.
    pub fn random(bytes: usize) -> Result<Self, SecretError> {
        let mut raw = vec![0; bytes];
        aws_lc_rs::rand::fill(&mut raw).map_err(|_unspecified| SecretError::Randomness)?;
        Ok(Self(URL_SAFE_NO_PAD.encode(raw)))
    }

    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[derive(Debug, Error)]
pub enum SecretError {
    #[error("the system gives no random bytes to make a secret from")]
    Randomness,
    #[error("cannot {action} the secret {}", path.display())]
    File { action: &'static str, path: PathBuf, source: io::Error },
    #[error("the secret {} is empty: delete the file, and a new one is made", path.display())]
    Empty { path: PathBuf },
}

/// Reads the secret at `path`, or makes one of `bytes` random bytes there (file 0600, missing directories 0700).
///
/// Safe when several processes ask at once: the secret is written aside and linked into place, so that
/// everybody gets the first one and nobody sees half of it.
///
/// # Errors
/// When the file can be neither read nor made, or is empty.
pub fn read_or_create(path: &Path, bytes: usize) -> Result<Secret, SecretError> {
    match read(path) {
        Err(SecretError::File { source, .. }) if source.kind() == io::ErrorKind::NotFound => {}
        other => return other,
    }
    create(path, &Secret::random(bytes)?)?;
    read(path)
}

/// # Errors
/// When the file cannot be read or is empty.
pub fn read(path: &Path) -> Result<Secret, SecretError> {
    let mut text = String::new();
    let failed = |source| SecretError::File { action: "read", path: path.to_owned(), source };
    File::open(path).and_then(|mut file| file.read_to_string(&mut text)).map_err(failed)?;
    let text = text.trim_end_matches('\n');
    if text.is_empty() {
        return Err(SecretError::Empty { path: path.to_owned() });
    }
    Ok(Secret::new(text))
}

/// Writes `secret` to `path` unless a file is there already, which then stays as it is.
///
/// # Errors
/// When the file cannot be made.
pub fn create(path: &Path, secret: &Secret) -> Result<(), SecretError> {
    let failed = |action| move |source| SecretError::File { action, path: path.to_owned(), source };
    let directory = path.parent().unwrap_or(Path::new("."));
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)
        .map_err(failed("make the directory of"))?;
    let aside = directory.join(format!(".{}", Secret::random(12)?.expose()));
    let written = write_new(&aside, secret).map_err(failed("write"));
    let linked = written.and_then(|()| match std::fs::hard_link(&aside, path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        linked => linked.map_err(failed("put in place")),
    });
    // Whatever happened, the file aside must go; when removing fails too, the first error says more.
    let removed = std::fs::remove_file(&aside).map_err(failed("tidy up after"));
    linked.and(removed)?;
    File::open(directory).and_then(|directory| directory.sync_all()).map_err(failed("make durable"))
}

fn write_new(path: &Path, secret: &Secret) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    writeln!(file, "{}", secret.expose())?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_secret_never_prints_itself() {
        assert_eq!(format!("{:?}", Secret::new("hunter2")), "Secret(…)");
    }

    #[test]
    fn a_secret_is_made_once_and_only_its_owner_may_read_it() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("secrets").join("auth_app");
        let made = read_or_create(&path, 24).unwrap();
        assert_eq!(made.expose().len(), 32, "24 bytes are 32 characters of base64");
        assert_eq!(read_or_create(&path, 24).unwrap(), made);
        let bits = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!((bits(&path), bits(path.parent().unwrap())), (0o600, 0o700));
        assert_eq!(path.parent().unwrap().read_dir().unwrap().count(), 1, "nothing is left beside it");
    }

    #[test]
    fn processes_that_race_for_a_secret_all_get_the_same_one() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("shared");
        let racers: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> =
                (0..8).map(|_| scope.spawn(|| read_or_create(&path, 32).unwrap())).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(racers.iter().all(|secret| *secret == racers[0]));
    }

    #[test]
    fn an_empty_secret_is_refused_instead_of_used() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("empty");
        File::create(&path).unwrap();
        assert!(matches!(read_or_create(&path, 32), Err(SecretError::Empty { .. })));
    }
}
