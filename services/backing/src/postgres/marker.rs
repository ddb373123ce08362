//! The note in a data directory that says what we made it for, and with which passwords.
//!
//! Passwords may change while the data stays (the secrets are deleted, the data lies elsewhere): the note tells
//! it without a server running. It holds a salted digest, which says less than the server's own verifiers.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::spec::ClusterSpec;
use crate::ServerUser;
use crate::directory::{self, DirectoryError, failed};
use crate::secret::{Secret, SecretError};

const NAME: &str = "doran-cluster";

/// The note as it lies in the directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Marker {
    /// Database, owner, app role.
    pub(super) names: [String; 3],
    salt: String,
    digest: String,
}

impl Marker {
    pub(super) fn new(spec: &ClusterSpec) -> Result<Self, SecretError> {
        let salt = Secret::random(16)?.expose().to_owned();
        let digest = digest(&salt, spec);
        Ok(Self { names: names(spec), salt, digest })
    }

    pub(super) fn has_names_of(&self, spec: &ClusterSpec) -> bool {
        self.names == names(spec)
    }

    pub(super) fn has_passwords_of(&self, spec: &ClusterSpec) -> bool {
        self.digest == digest(&self.salt, spec)
    }

    /// `None` when the directory has no note that we can read.
    pub(super) fn read(data: &Path) -> Result<Option<Self>, DirectoryError> {
        let path = data.join(NAME);
        match fs::read_to_string(&path) {
            Ok(text) => Ok(Self::parse(&text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed("read", &path)(error)),
        }
    }

    /// Replaces the note, all or nothing.
    pub(super) fn write(&self, data: &Path, owner: Option<&ServerUser>) -> Result<(), DirectoryError> {
        let (path, aside) = (data.join(NAME), data.join(format!("{NAME}.new")));
        let write = || {
            let mut options = OpenOptions::new();
            let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&aside)?;
            file.write_all(self.text().as_bytes())?;
            file.sync_all()
        };
        write().map_err(failed("write", &aside))?;
        directory::hand_over(&aside, owner)?;
        fs::rename(&aside, &path).map_err(failed("replace", &path))
    }

    fn text(&self) -> String {
        let [database, owner, app] = &self.names;
        format!("{database} {owner} {app}\n{} {}\n", self.salt, self.digest)
    }

    fn parse(text: &str) -> Option<Self> {
        let mut words = text.split_whitespace().map(str::to_owned);
        let names = [words.next()?, words.next()?, words.next()?];
        Some(Self { names, salt: words.next()?, digest: words.next()? })
    }
}

fn names(spec: &ClusterSpec) -> [String; 3] {
    [&spec.database, &spec.owner.name, &spec.app.name].map(Clone::clone)
}

fn digest(salt: &str, spec: &ClusterSpec) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, salt.as_bytes());
    let passwords = [&spec.superuser_password, &spec.owner.password, &spec.app.password].map(Secret::expose);
    URL_SAFE_NO_PAD.encode(hmac::sign(&key, passwords.join("\0").as_bytes()))
}
