//! The key outside the database that what is secret inside it is sealed with.

use std::fmt;
use std::path::Path;

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// 32 bytes, shared by the replicas of this service and by nobody else.
#[derive(Clone)]
pub struct SealKey([u8; 32]);

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("could not read the seal key {path}")]
    Read { path: String, source: std::io::Error },
    #[error("the seal key {path} is not 32 bytes of base64url")]
    Malformed { path: String },
    /// The row was changed, or sealed with another key.
    #[error("could not open what was sealed: the key is another one, or the data was changed")]
    Open,
    #[error("could not seal")]
    Seal,
}

impl SealKey {
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    pub fn read(path: &Path) -> Result<Self, Error> {
        let shown = || path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|source| Error::Read { path: shown(), source })?;
        let bytes = URL_SAFE_NO_PAD.decode(text.trim()).ok().and_then(|bytes| bytes.try_into().ok());
        bytes.map(Self).ok_or_else(|| Error::Malformed { path: shown() })
    }

    /// `nonce || ciphertext || tag`, bound to `context`.
    pub fn seal(&self, plain: &[u8], context: &str) -> Result<Vec<u8>, Error> {
        let mut sealed = plain.to_vec();
        let nonce = self
            .cipher()?
            .seal_in_place_append_tag(Aad::from(context.as_bytes()), &mut sealed)
            .map_err(|_| Error::Seal)?;
        Ok([nonce.as_ref().as_slice(), &sealed].concat())
    }

    pub fn open(&self, sealed: &[u8], context: &str) -> Result<Vec<u8>, Error> {
        let (nonce, rest) = sealed.split_at_checked(NONCE_LEN).ok_or(Error::Open)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| Error::Open)?;
        let mut rest = rest.to_vec();
        let plain = self
            .cipher()?
            .open_in_place(nonce, Aad::from(context.as_bytes()), &mut rest)
            .map_err(|_| Error::Open)?;
        Ok(plain.to_vec())
    }

    /// A key of its own for another purpose: knowing one tells nothing of the others.
    pub fn derive_hmac(&self, purpose: &str) -> Result<hmac::Key, Error> {
        let mut bytes = [0; 32];
        Salt::new(HKDF_SHA256, b"dorandoran auth")
            .extract(&self.0)
            .expand(&[purpose.as_bytes()], HKDF_SHA256)
            .and_then(|okm| okm.fill(&mut bytes))
            .map_err(|_| Error::Seal)?;
        Ok(hmac::Key::new(hmac::HMAC_SHA256, &bytes))
    }

    fn cipher(&self) -> Result<RandomizedNonceKey, Error> {
        RandomizedNonceKey::new(&AES_256_GCM, &self.0).map_err(|_| Error::Seal)
    }
}

impl fmt::Debug for SealKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sealed_opens_only_with_its_key_and_context() {
        let key = SealKey::new([7; 32]);
        let sealed = key.seal(b"private", "kid-1").unwrap();
        assert_eq!(key.open(&sealed, "kid-1").unwrap(), b"private");
        assert!(key.open(&sealed, "kid-2").is_err());
        assert!(SealKey::new([8; 32]).open(&sealed, "kid-1").is_err());
        let mut changed = sealed.clone();
        changed[NONCE_LEN] ^= 1;
        assert!(key.open(&changed, "kid-1").is_err());
        assert!(key.open(&sealed[..5], "kid-1").is_err());
        assert_ne!(key.seal(b"private", "kid-1").unwrap(), sealed, "every sealing has its own nonce");
    }

    #[test]
    fn a_key_file_has_32_bytes_of_base64url() {
        let dir = std::env::temp_dir().join(format!("seal-{}", uuid::Uuid::now_v7()));
        std::fs::create_dir(&dir).unwrap();
        let path = dir.join("key");
        std::fs::write(&path, format!("{}\n", URL_SAFE_NO_PAD.encode([9; 32]))).unwrap();
        assert_eq!(SealKey::read(&path).unwrap().0, [9; 32]);
        std::fs::write(&path, "c2hvcnQ").unwrap();
        assert!(matches!(SealKey::read(&path), Err(Error::Malformed { .. })));
        assert!(matches!(SealKey::read(&dir.join("none")), Err(Error::Read { .. })));
        std::fs::remove_dir_all(&dir).unwrap();
    }
}
