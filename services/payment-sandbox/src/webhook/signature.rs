//! Signs what is sent, see [`contract::payment::SIGNATURE_HEADER`].

use std::fmt::Write as _;

use aws_lc_rs::hmac;
use chassis::Secret;
use chrono::{DateTime, Utc};

/// Signs with one secret.
pub(super) struct Signer {
    key: hmac::Key,
}

impl Signer {
    pub(super) fn new(secret: &Secret) -> Self {
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, secret.expose().as_bytes()) }
    }

    /// The header's value for a body that is sent now.
    pub(super) fn sign(&self, body: &str, now: DateTime<Utc>) -> String {
        let seconds = now.timestamp();
        let tag = hmac::sign(&self.key, format!("{seconds}.{body}").as_bytes());
        let mut header = format!("t={seconds},v1=");
        for byte in tag.as_ref() {
            // Writing to a string cannot fail.
            let _ = write!(header, "{byte:02x}");
        }
        header
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_the_one_that_store_expects() {
        let signer = Signer::new(&Secret::new("secret".to_owned()));
        let now = DateTime::from_timestamp(1_700_000_000, 999).unwrap();
        // `printf '1700000000.{"eventId":"e1"}' | openssl dgst -sha256 -hmac secret`; store's tests have the same.
        let tag = "984bf69942eb675dd69d49641d7b894a7f664dbb5fa1b065e2bab2fd56224aed";
        assert_eq!(signer.sign(r#"{"eventId":"e1"}"#, now), format!("t=1700000000,v1={tag}"));
    }
}
