//! Refresh tokens: 256 random bits, of which only a hash is stored.
//!
//! The successor of a token follows from the token and a key of ours, so that a token that is presented twice
//! can be answered with the same successor although nobody wrote it down.

use std::fmt;

use aws_lc_rs::{digest, hmac, rand};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// A token in the clear, on its way to or from its owner.
#[derive(Clone, PartialEq, Eq)]
pub struct RefreshToken(String);

/// Makes successors. Its key is derived from the seal key, so replicas agree.
#[derive(Clone)]
pub struct Successors(hmac::Key);

/// The system gave no randomness.
#[derive(Debug, thiserror::Error)]
#[error("no randomness for a token")]
pub struct NoRandomness;

impl RefreshToken {
    pub const fn presented(text: String) -> Self {
        Self(text)
    }

    /// The first of a family.
    pub fn random() -> Result<Self, NoRandomness> {
        let mut bytes = [0; 32];
        rand::fill(&mut bytes).map_err(|_| NoRandomness)?;
        Ok(Self(URL_SAFE_NO_PAD.encode(bytes)))
    }

    /// What is stored. The token has 256 bits of entropy, so a plain hash cannot be guessed back.
    pub fn hash(&self) -> Vec<u8> {
        digest::digest(&digest::SHA256, self.0.as_bytes()).as_ref().to_vec()
    }

    pub fn into_text(self) -> String {
        self.0
    }
}

impl fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RefreshToken(…)")
    }
}

impl Successors {
    pub const fn new(key: hmac::Key) -> Self {
        Self(key)
    }

    /// base64url(HMAC-SHA256(key, token))
    pub fn of(&self, token: &RefreshToken) -> RefreshToken {
        RefreshToken(URL_SAFE_NO_PAD.encode(hmac::sign(&self.0, token.0.as_bytes())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seal::SealKey;

    #[test]
    fn the_successor_is_always_the_same_and_needs_the_key() {
        let successors = |byte| Successors::new(SealKey::new([byte; 32]).derive_hmac("refresh").unwrap());
        let token = RefreshToken::random().unwrap();
        assert_eq!(successors(1).of(&token), successors(1).of(&token));
        assert_ne!(successors(1).of(&token), successors(2).of(&token));
        assert_ne!(successors(1).of(&token), token);
    }

    #[test]
    fn tokens_are_256_bits_and_stay_out_of_debug_output() {
        let token = RefreshToken::random().unwrap();
        assert_ne!(token, RefreshToken::random().unwrap());
        assert_eq!(URL_SAFE_NO_PAD.decode(&token.0).unwrap().len(), 32);
        assert_eq!(token.hash().len(), 32);
        assert!(!format!("{token:?}").contains(&token.0));
    }
}
