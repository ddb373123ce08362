//! The keys that access tokens are signed with: made at the first start, sealed in the database, shared by the
//! replicas.

use std::sync::Arc;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use contract::claims::{ACCESS_AUDIENCE, ACCESS_TYPE, AccessClaims};
use contract::id::SessionId;
use jsonwebtoken::jwk::{Jwk, JwkSet, PublicKeyUse, ThumbprintHash};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, decode_header, encode};
use sqlx::PgPool;

use crate::repository;
use crate::seal::{self, SealKey};

/// The keys of one moment. Immutable; a rotation makes another.
pub struct Keyring {
    kid: String,
    key: EncodingKey,
    jwks: JwkSet,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("failed to read or store signing keys")]
    Database(#[from] sqlx::Error),
    #[error("failed to open the signing key {kid}")]
    Seal { kid: String, source: seal::Error },
    #[error("failed to make a signing key")]
    Generate,
    #[error("failed to describe the public key")]
    PublicKey(#[source] jsonwebtoken::errors::Error),
    #[error("a stored public key is no JWK")]
    StoredJwk(#[from] serde_json::Error),
}

/// Loads the keys, and makes the first one. Replicas that start together wait for each other here.
pub async fn load_or_create(pool: &PgPool, seal: &SealKey) -> Result<Keyring, Error> {
    let mut tx = chassis::db::transaction(pool).await?;
    repository::key::lock_creation(&mut tx).await?;
    let mut stored = repository::key::all(&mut tx).await?;
    if !stored.iter().any(|key| key.signs) {
        let (jwk, kid, private) = generate()?;
        let sealed = seal.seal(&private, &kid).map_err(|source| Error::Seal { kid: kid.clone(), source })?;
        repository::key::insert_signing(&mut tx, &kid, &sealed, &serde_json::to_value(jwk)?).await?;
        stored = repository::key::all(&mut tx).await?;
    }
    tx.commit().await?;
    let signing = stored.iter().find(|key| key.signs).ok_or(Error::Generate)?;
    let private = seal
        .open(&signing.sealed_private_key, &signing.kid)
        .map_err(|source| Error::Seal { kid: signing.kid.clone(), source })?;
    let keys = stored.iter().map(|key| serde_json::from_value(key.public_jwk.clone()));
    Ok(Keyring {
        kid: signing.kid.clone(),
        key: EncodingKey::from_ec_der(&private),
        jwks: JwkSet { keys: keys.collect::<Result<_, _>>()? },
    })
}

impl Keyring {
    /// What verifiers need, the signing key first.
    pub const fn jwks(&self) -> &JwkSet {
        &self.jwks
    }

    pub fn sign(&self, claims: &AccessClaims) -> Result<String, jsonwebtoken::errors::Error> {
        let mut header = Header::new(Algorithm::ES256);
        header.typ = Some(ACCESS_TYPE.to_owned());
        header.kid = Some(self.kid.clone());
        encode(&header, claims, &self.key)
    }

    /// The session of a token that we signed, whether or not it has expired.
    pub fn session_of(&self, token: &str, issuer: &str) -> Option<SessionId> {
        let kid = decode_header(token).ok()?.kid?;
        let key = DecodingKey::from_jwk(self.jwks.find(&kid)?).ok()?;
        let mut validation = Validation::new(Algorithm::ES256);
        validation.validate_exp = false;
        validation.set_issuer(&[issuer]);
        validation.set_audience(&[ACCESS_AUDIENCE]);
        Some(decode::<AccessClaims>(token, &key, &validation).ok()?.claims.sid)
    }
}

/// Where the current keyring is found once it is loaded.
pub type Keys = tokio::sync::watch::Receiver<Option<Arc<Keyring>>>;

/// A fresh P-256 key: its public half, its name (RFC 7638 thumbprint), its private half in PKCS#8.
fn generate() -> Result<(Jwk, String, Vec<u8>), Error> {
    let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())
        .map_err(|_| Error::Generate)?;
    let private = document.as_ref().to_vec();
    let mut jwk = Jwk::from_encoding_key(&EncodingKey::from_ec_der(&private), Algorithm::ES256)
        .map_err(Error::PublicKey)?;
    let kid = jwk.thumbprint(ThumbprintHash::SHA256).map_err(Error::PublicKey)?;
    jwk.common.key_id = Some(kid.clone());
    jwk.common.public_key_use = Some(PublicKeyUse::Signature);
    Ok((jwk, kid, private))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generated_key_shows_only_its_public_half() {
        chassis::crypto::install();
        let (jwk, kid, private) = generate().unwrap();
        let json = serde_json::to_value(&jwk).unwrap();
        let mut keys: Vec<_> = json.as_object().unwrap().keys().map(String::as_str).collect();
        keys.sort_unstable();
        assert_eq!(keys, ["alg", "crv", "kid", "kty", "use", "x", "y"]);
        assert_eq!(json["kid"], kid.as_str());
        assert!(!private.is_empty());
        assert_ne!(generate().unwrap().1, kid);
    }
}
