//! Keys of the services, as `doran` makes them for a stack.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::json;
use tempfile::TempDir;

/// Everybody who signs service tokens in a stack.
const NAMES: [&str; 8] = ["gateway", "auth", "user", "chat", "store", "batch", "payment-sandbox", "operator"];
const LIFETIME: Duration = Duration::from_mins(1);
/// RFC 7468 wraps base64 at 64 characters.
const PEM_LINE: usize = 64;

/// An Ed25519 key per service and the set of all public keys, in a directory that goes when this is dropped.
#[derive(Debug)]
pub struct ServiceKeys {
    directory: TempDir,
}

/// Keys for all services and the operator.
///
/// # Panics
/// When the temporary directory cannot be written.
pub fn keys() -> ServiceKeys {
    ServiceKeys::generate(&NAMES)
}

impl ServiceKeys {
    /// # Panics
    /// When the temporary directory cannot be written.
    pub fn generate(names: &[&str]) -> Self {
        let directory = tempfile::tempdir().expect("the temporary directory is writable");
        let mut public = Vec::new();
        for name in names {
            let pair = Ed25519KeyPair::generate().expect("the system has randomness");
            let private = pair.to_pkcs8v1().expect("a generated key has a PKCS#8 form");
            fs::write(key_file(directory.path(), name), pem(private.as_ref()))
                .expect("the key can be written");
            let x = URL_SAFE_NO_PAD.encode(pair.public_key().as_ref());
            public.push(
                json!({ "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": name, "x": x }),
            );
        }
        let set = json!({ "keys": public }).to_string();
        fs::write(directory.path().join("services.jwks.json"), set).expect("the key set can be written");
        Self { directory }
    }

    /// For `DORAN_SERVICE_JWKS_FILE`.
    pub fn jwks_file(&self) -> PathBuf {
        self.directory.path().join("services.jwks.json")
    }

    /// For `DORAN_SERVICE_KEY_FILE` of that service.
    pub fn key_file(&self, name: &str) -> PathBuf {
        key_file(self.directory.path(), name)
    }

    /// A token of `issuer` for `audience`, as the service itself would sign it.
    ///
    /// # Panics
    /// When `issuer` has no key here.
    pub fn token(&self, issuer: &str, audience: &str) -> String {
        self.token_valid_for(issuer, audience, LIFETIME)
    }

    /// The same with another lifetime; zero gives one that has expired.
    ///
    /// # Panics
    /// When `issuer` has no key here.
    pub fn token_valid_for(&self, issuer: &str, audience: &str, lifetime: Duration) -> String {
        sign(&self.key_file(issuer), issuer, audience, lifetime)
    }
}

/// A token of `issuer` for `audience`, signed with the key in a file: for keys that a real stack has made.
///
/// # Panics
/// When the file holds no such key.
pub fn service_token(key_file: &Path, issuer: &str, audience: &str) -> String {
    sign(key_file, issuer, audience, LIFETIME)
}

fn sign(key_file: &Path, issuer: &str, audience: &str, lifetime: Duration) -> String {
    // Another crate of the same test may have installed it already.
    let _ = jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER.install_default();
    let pem = fs::read(key_file).expect("the issuer has a key");
    let key = EncodingKey::from_ed_pem(&pem).expect("it is a key that signs");
    let now = SystemTime::UNIX_EPOCH.elapsed().expect("the clock is past 1970").as_secs();
    // An expired token must be older than any verifier's leeway.
    let signed_at = if lifetime.is_zero() { now - 3600 } else { now };
    let claims = json!({
        "iss": issuer, "sub": issuer, "aud": audience, "iat": signed_at, "exp": signed_at + lifetime.as_secs(),
    });
    let header = Header { kid: Some(issuer.to_owned()), ..Header::new(Algorithm::EdDSA) };
    jsonwebtoken::encode(&header, &claims, &key).expect("the claims serialise")
}

fn key_file(directory: &Path, name: &str) -> PathBuf {
    directory.join(format!("{name}.key.pem"))
}

fn pem(der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<_> = text.as_bytes().chunks(PEM_LINE).map(String::from_utf8_lossy).collect();
    format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::jwk::JwkSet;
    use jsonwebtoken::{DecodingKey, Validation};
    use serde_json::Value;

    use super::*;

    #[test]
    fn a_token_verifies_with_the_published_key_of_its_issuer_only() {
        let keys = keys();
        let set: JwkSet = serde_json::from_slice(&fs::read(keys.jwks_file()).unwrap()).unwrap();
        let token = keys.token("gateway", "auth");
        let mut rules = Validation::new(Algorithm::EdDSA);
        rules.set_audience(&["auth"]);
        rules.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        let key = |name| DecodingKey::from_jwk(set.find(name).unwrap()).unwrap();
        let claims = jsonwebtoken::decode::<Value>(&token, &key("gateway"), &rules).unwrap().claims;
        assert_eq!((&claims["iss"], &claims["sub"]), (&json!("gateway"), &json!("gateway")));
        assert!(jsonwebtoken::decode::<Value>(&token, &key("store"), &rules).is_err());
        let expired = keys.token_valid_for("gateway", "auth", Duration::ZERO);
        assert!(jsonwebtoken::decode::<Value>(&expired, &key("gateway"), &rules).is_err());
    }
}
