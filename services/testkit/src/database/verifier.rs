//! Passwords as the server keeps them, made so that a login costs next to nothing.
//!
//! PostgreSQL derives keys with 4096 rounds, 30 ms of an unoptimised build at every connection. That slows down the
//! guessing of weak passwords; ours are random, and one round hides them as well.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign};
use backing::secret::Secret;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

const ROUNDS: u32 = 1;
const SALT_BYTES: usize = 16;

/// What `alter role … password` takes in place of a password (RFC 5803): with one round, PBKDF2 is one HMAC.
pub(super) fn verifier(password: &str) -> anyhow::Result<Secret> {
    let mut salt = [0; SALT_BYTES];
    aws_lc_rs::rand::fill(&mut salt)?;
    let block = [salt.as_slice(), &1_u32.to_be_bytes()].concat();
    let salted = Key::new(HMAC_SHA256, sign(&Key::new(HMAC_SHA256, password.as_bytes()), &block).as_ref());
    let stored_key = digest(&SHA256, sign(&salted, b"Client Key").as_ref());
    let server_key = sign(&salted, b"Server Key");
    let [salt, stored_key, server_key] =
        [salt.as_slice(), stored_key.as_ref(), server_key.as_ref()].map(|bytes| STANDARD.encode(bytes));
    Ok(Secret::new(format!("SCRAM-SHA-256${ROUNDS}:{salt}${stored_key}:{server_key}")))
}
