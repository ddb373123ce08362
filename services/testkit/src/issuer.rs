//! Access tokens, signed as auth signs them.

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::Utc;
use contract::claims::{self, ACCESS_AUDIENCE, ACCESS_TYPE, AccessClaims};
use contract::id::UserId;
use contract::user::Role;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

/// What an instance without `DORAN_PUBLIC_URL` believes to be public.
const PUBLIC_URL: &str = "http://localhost:8080";
/// In seconds. Shorter than the longest that there is.
const LIFETIME: i64 = 900;

/// A key of auth's. A service believes its tokens once it was given [`Self::jwks`] and has heard of revocations.
pub struct Issuer {
    key_id: String,
    public: Vec<u8>,
    private: EncodingKey,
}

impl Issuer {
    #[expect(clippy::new_without_default, reason = "no two are the same")]
    pub fn new() -> Self {
        Self::with_key_id("k1")
    }

    /// # Panics
    /// When the system has no randomness.
    pub fn with_key_id(key_id: &str) -> Self {
        // Another crate of the same test may have installed it already.
        let _ = jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER.install_default();
        let pair =
            EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("the system has randomness");
        let private = pair.to_pkcs8v1().expect("a generated key has a PKCS#8 form");
        Self {
            key_id: key_id.to_owned(),
            public: pair.public_key().as_ref().to_vec(),
            private: EncodingKey::from_ec_der(private.as_ref()),
        }
    }

    /// The public key, as auth publishes it.
    ///
    /// # Panics
    /// Never: a key has the form of a key.
    pub fn jwks(&self) -> JwkSet {
        let coordinate = |range| URL_SAFE_NO_PAD.encode(&self.public[range]);
        let key = json!({
            "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": self.key_id,
            "x": coordinate(1..33), "y": coordinate(33..65),
        });
        serde_json::from_value(json!({ "keys": [key] })).expect("it is a set of keys")
    }

    /// As a point, uncompressed.
    pub fn public_key(&self) -> &[u8] {
        &self.public
    }

    /// Of our tokens.
    pub fn header(&self) -> Header {
        Header {
            typ: Some(ACCESS_TYPE.to_owned()),
            kid: Some(self.key_id.clone()),
            ..Header::new(Algorithm::ES256)
        }
    }

    /// Signs whatever it is told to: for tokens that must be refused.
    ///
    /// # Panics
    /// When the claims do not serialise.
    pub fn sign_with(&self, header: &Header, claims: &impl Serialize) -> String {
        jsonwebtoken::encode(header, claims, &self.private).expect("the claims serialise")
    }

    pub fn sign(&self, claims: &AccessClaims) -> String {
        self.sign_with(&self.header(), claims)
    }

    /// A fresh token of that user.
    pub fn token(&self, user: UserId, role: Role) -> String {
        self.sign(&access_claims(user, role))
    }

    /// A fresh token of somebody new.
    pub fn somebody(&self, role: Role) -> String {
        self.token(Uuid::now_v7().into(), role)
    }
}

/// Of a login that happened just now.
pub fn access_claims(user: UserId, role: Role) -> AccessClaims {
    let now = Utc::now().timestamp();
    AccessClaims {
        iss: claims::issuer(PUBLIC_URL),
        aud: ACCESS_AUDIENCE.to_owned(),
        sub: user,
        sid: Uuid::now_v7().into(),
        jti: Uuid::now_v7().into(),
        iat: now,
        exp: now + LIFETIME,
        email: "learner@example.com".to_owned(),
        name: "김학습".to_owned(),
        role,
    }
}
