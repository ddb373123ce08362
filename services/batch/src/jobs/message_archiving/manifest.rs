//! What an archive consists of, for those who read it.

use serde::{Deserialize, Serialize};

/// `manifest.json`. `cat part-* | sha256sum` says the same as `sha256`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// `YYYY-MM` of UTC.
    pub month: String,
    pub messages: u64,
    pub bytes: u64,
    /// Of all parts in their order, 64 lower-case digits.
    pub sha256: String,
    pub parts: Vec<ManifestPart>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ManifestPart {
    pub name: String,
    pub messages: u64,
    pub bytes: u64,
    pub sha256: String,
}

/// What the file is called.
pub(super) const FILE: &str = "manifest.json";

impl Manifest {
    /// The same archive, the same bytes.
    pub(super) fn file(&self) -> Result<Vec<u8>, serde_json::Error> {
        let mut file = serde_json::to_vec_pretty(self)?;
        file.push(b'\n');
        Ok(file)
    }
}

/// As `sha256sum` writes it.
pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
