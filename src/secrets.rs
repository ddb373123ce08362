//! The instance's secrets: generated at first use, 0600 each, never printed.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use backing::secret::{self, Secret, SecretError};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::json;

/// Passwords and keys of one instance.
#[derive(Debug, Clone)]
pub(crate) struct Secrets {
    dir: PathBuf,
}

/// Who signs the tokens of the command line itself.
pub(crate) const OPERATOR: &str = "operator";

/// Random bytes in a generated password, before encoding.
const PASSWORD_BYTES: usize = 24;
/// AES-256.
const SEAL_BYTES: usize = 32;
/// HMAC-SHA256.
const WEBHOOK_BYTES: usize = 32;

impl Secrets {
    pub(crate) fn new(dir: PathBuf) -> Self {
        Self { dir }
    }

    pub(crate) fn database_superuser(&self, db: &str) -> Result<Secret, SecretError> {
        self.password(&format!("{db}.superuser"))
    }

    /// The owner role's password: migrations run with it.
    pub(crate) fn database_owner(&self, db: &str) -> Result<Secret, SecretError> {
        self.password(&format!("{db}.owner"))
    }

    /// The runtime role's password: services connect with it.
    pub(crate) fn database_app(&self, db: &str) -> Result<Secret, SecretError> {
        self.password(&format!("{db}.app"))
    }

    pub(crate) fn cache(&self) -> Result<Secret, SecretError> {
        self.password("redis")
    }

    /// The key that seals auth's signing keys in its database.
    pub(crate) fn auth_seal_file(&self) -> PathBuf {
        self.dir.join("auth-seal")
    }

    /// The secret that signs the payment provider's webhooks.
    pub(crate) fn payment_webhook_file(&self) -> PathBuf {
        self.dir.join("payment-webhook")
    }

    /// Private key of a service or of `operator`, PKCS#8 PEM.
    pub(crate) fn service_key_file(&self, name: &str) -> PathBuf {
        self.dir.join(format!("{name}.key.pem"))
    }

    /// Public keys of all services and `operator`.
    pub(crate) fn service_jwks_file(&self) -> PathBuf {
        self.dir.join("service-jwks.json")
    }

    /// Makes what services read from files: an Ed25519 key pair for every service and for `operator`, the set of
    /// their public keys, auth's seal, and the secret of the payment provider's webhooks.
    ///
    /// # Errors
    /// When a key cannot be made, read or written.
    pub(crate) fn ensure_service_files<'a>(
        &self,
        services: impl Iterator<Item = &'a str>,
    ) -> anyhow::Result<()> {
        secret::read_or_create(&self.auth_seal_file(), SEAL_BYTES)?;
        secret::read_or_create(&self.payment_webhook_file(), WEBHOOK_BYTES)?;
        let mut keys = Vec::new();
        for name in services.chain([OPERATOR]) {
            let key = service_key(&self.service_key_file(name))
                .with_context(|| format!("make the key of {name}"))?;
            keys.push(json!({
                "kty": "OKP",
                "crv": "Ed25519",
                "alg": "EdDSA",
                "use": "sig",
                "kid": name,
                "x": URL_SAFE_NO_PAD.encode(key.public_key().as_ref()),
            }));
        }
        let set = serde_json::to_vec_pretty(&json!({ "keys": keys }))?;
        let path = self.service_jwks_file();
        if fs::read(&path).is_ok_and(|old| old == set) {
            return Ok(());
        }
        // Several verbs may do this at once.
        let aside = path.with_extension(format!("{}.new", std::process::id()));
        fs::write(&aside, set)
            .and_then(|()| fs::rename(&aside, &path))
            .with_context(|| format!("write {}", path.display()))
    }

    fn password(&self, name: &str) -> Result<Secret, SecretError> {
        secret::read_or_create(&self.dir.join(name), PASSWORD_BYTES)
    }
}

/// Reads a service's key, or makes it: PKCS#8 in PEM, 0600.
fn service_key(path: &Path) -> anyhow::Result<Ed25519KeyPair> {
    if !path.exists() {
        let der =
            Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).map_err(|_| anyhow!("no randomness"))?;
        let base64 = STANDARD.encode(der.as_ref());
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{base64}\n-----END PRIVATE KEY-----");
        secret::create(path, &Secret::new(pem))?;
    }
    let pem = secret::read(path)?;
    let base64: String = pem.expose().lines().filter(|line| !line.starts_with("-----")).collect();
    let der = STANDARD.decode(base64).with_context(|| format!("{} is not PEM", path.display()))?;
    Ed25519KeyPair::from_pkcs8(&der).map_err(|_| anyhow!("{} is not an Ed25519 key", path.display()))
}

/// The roles of a database: the owner changes its schema, the app only its rows. `auth_db` has `auth_owner` and
/// `auth_app`.
pub(crate) fn roles(database: &str) -> (String, String) {
    let stem = database.strip_suffix("_db").unwrap_or(database);
    (format!("{stem}_owner"), format!("{stem}_app"))
}
