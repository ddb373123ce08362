//! Tokens that services sign themselves for calls among each other. Auth is not involved, so auth being down
//! stops no internal call.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use chrono::Utc;
use contract::claims::{SERVICE_TOKEN_SECS, ServiceClaims};
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, JwkSet};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, decode_header, encode};
use thiserror::Error;

/// A token is used this long, in seconds, so that it is good for as long again when it arrives.
const REUSE_SECS: i64 = SERVICE_TOKEN_SECS / 2;
/// How far the clocks of two machines may differ, in seconds.
const LEEWAY_SECS: u64 = 5;

#[derive(Debug, Error)]
pub enum KeyError {
    #[error("failed to read {}", path.display())]
    Read { path: PathBuf, source: std::io::Error },
    #[error("{} is not a PKCS#8 Ed25519 key in PEM", path.display())]
    PrivateKey { path: PathBuf, source: jsonwebtoken::errors::Error },
    #[error("{} is not a JWK set", path.display())]
    KeySet { path: PathBuf, source: serde_json::Error },
}

/// Signs this service's own tokens. Cheap to clone.
#[derive(Clone)]
pub struct ServiceSigner {
    inner: Arc<Signer>,
}

struct Signer {
    name: String,
    key: EncodingKey,
    /// The last token for each target and the second it was signed at. Bounded by the number of services.
    tokens: Mutex<HashMap<String, (i64, Arc<str>)>>,
}

impl ServiceSigner {
    /// # Errors
    /// When the file cannot be read or holds no usable key.
    pub fn from_file(name: &str, path: &Path) -> Result<Self, KeyError> {
        let pem = std::fs::read(path).map_err(|source| KeyError::Read { path: path.to_owned(), source })?;
        Self::from_pem(name, &pem).map_err(|source| KeyError::PrivateKey { path: path.to_owned(), source })
    }

    /// # Errors
    /// When it is not a PKCS#8 Ed25519 key in PEM.
    pub fn from_pem(name: &str, pem: &[u8]) -> Result<Self, jsonwebtoken::errors::Error> {
        let key = EncodingKey::from_ed_pem(pem)?;
        Ok(Self { inner: Arc::new(Signer { name: name.to_owned(), key, tokens: Mutex::default() }) })
    }

    /// A token for calls to `target`.
    ///
    /// # Errors
    /// When signing fails, which a loaded key does not do.
    pub fn token_for(&self, target: &str) -> Result<Arc<str>, jsonwebtoken::errors::Error> {
        let now = Utc::now().timestamp();
        let mut tokens = self.inner.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, token)) = tokens.get(target)
            && (0..REUSE_SECS).contains(&(now - at))
        {
            return Ok(token.clone());
        }
        let token: Arc<str> = self.inner.sign(target, now)?.into();
        tokens.insert(target.to_owned(), (now, token.clone()));
        Ok(token)
    }
}

impl Signer {
    fn sign(&self, target: &str, now: i64) -> Result<String, jsonwebtoken::errors::Error> {
        let mut header = Header::new(Algorithm::EdDSA);
        header.kid = Some(self.name.clone());
        let claims = ServiceClaims {
            iss: self.name.clone(),
            sub: self.name.clone(),
            aud: target.to_owned(),
            iat: now,
            exp: now + SERVICE_TOKEN_SECS,
        };
        encode(&header, &claims, &self.key)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ServiceTokenError {
    #[error("the service token has expired")]
    Expired,
    #[error("the service token is not valid: {0}")]
    Invalid(&'static str),
}

/// Verifies tokens that other services signed for this one. Cheap to clone.
#[derive(Clone)]
pub struct ServiceVerifier {
    keys: Arc<HashMap<String, DecodingKey>>,
    own_name: Arc<str>,
}

impl ServiceVerifier {
    /// Refuses everybody: no keys were given.
    pub fn refusing(own_name: &str) -> Self {
        Self { keys: Arc::default(), own_name: own_name.into() }
    }

    /// # Errors
    /// When the file cannot be read or is no JWK set.
    pub fn from_file(own_name: &str, path: &Path) -> Result<Self, KeyError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| KeyError::Read { path: path.to_owned(), source })?;
        let set = serde_json::from_str(&text)
            .map_err(|source| KeyError::KeySet { path: path.to_owned(), source })?;
        Ok(Self::from_jwks(own_name, &set))
    }

    pub fn from_jwks(own_name: &str, set: &JwkSet) -> Self {
        let keys = set.keys.iter().filter_map(|jwk| {
            let AlgorithmParameters::OctetKeyPair(pair) = &jwk.algorithm else {
                return None;
            };
            if pair.curve != EllipticCurve::Ed25519 {
                return None;
            }
            Some((jwk.common.key_id.clone()?, DecodingKey::from_jwk(jwk).ok()?))
        });
        Self { keys: Arc::new(keys.collect()), own_name: own_name.into() }
    }

    /// Who signed this token for us.
    ///
    /// # Errors
    /// When the token is for somebody else, too old, lives too long, or is not signed by whom it names.
    pub fn verify(&self, token: &str) -> Result<ServiceClaims, ServiceTokenError> {
        let header = decode_header(token).map_err(|_| ServiceTokenError::Invalid("not a token"))?;
        if header.alg != Algorithm::EdDSA {
            return Err(ServiceTokenError::Invalid("algorithm"));
        }
        let kid = header.kid.ok_or(ServiceTokenError::Invalid("no key id"))?;
        let key = self.keys.get(&kid).ok_or(ServiceTokenError::Invalid("unknown key"))?;
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.leeway = LEEWAY_SECS;
        validation.set_issuer(&[&kid]);
        validation.set_audience(&[&*self.own_name]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        let claims = match decode::<ServiceClaims>(token, key, &validation) {
            Ok(data) => data.claims,
            Err(error) => {
                return Err(match error.kind() {
                    jsonwebtoken::errors::ErrorKind::ExpiredSignature => ServiceTokenError::Expired,
                    jsonwebtoken::errors::ErrorKind::InvalidAudience => {
                        ServiceTokenError::Invalid("audience")
                    }
                    jsonwebtoken::errors::ErrorKind::InvalidIssuer => ServiceTokenError::Invalid("issuer"),
                    _ => ServiceTokenError::Invalid("signature or claims"),
                });
            }
        };
        if claims.sub != claims.iss {
            return Err(ServiceTokenError::Invalid("subject"));
        }
        if !(0..=SERVICE_TOKEN_SECS).contains(&claims.exp.saturating_sub(claims.iat)) {
            return Err(ServiceTokenError::Invalid("lifetime"));
        }
        Ok(claims)
    }
}
