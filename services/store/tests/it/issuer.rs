//! Signs access tokens as auth does.

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chassis::Platform;
use chrono::Utc;
use contract::claims::{ACCESS_AUDIENCE, ACCESS_TYPE, AccessClaims, issuer};
use contract::id::UserId;
use contract::user::Role;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::json;

/// What an instance without `DORAN_PUBLIC_URL` believes to be public.
const PUBLIC_URL: &str = "http://localhost:8080";
const KEY: &str = "k1";

pub(crate) struct Issuer {
    public: Vec<u8>,
    key: EncodingKey,
}

impl Issuer {
    pub(crate) fn new() -> Self {
        chassis::crypto::install();
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let private = pair.to_pkcs8v1().unwrap();
        Self { public: pair.public_key().as_ref().to_vec(), key: EncodingKey::from_ec_der(private.as_ref()) }
    }

    /// From now on the instance believes our tokens.
    pub(crate) fn introduce(&self, platform: &Platform) {
        let coordinate = |range| URL_SAFE_NO_PAD.encode(&self.public[range]);
        let key = json!({
            "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": KEY,
            "x": coordinate(1..33), "y": coordinate(33..65),
        });
        let access = &platform.identity().access;
        access.set_keys(&serde_json::from_value(json!({ "keys": [key] })).unwrap());
        access.revocations().set_loaded();
    }

    /// A fresh token.
    pub(crate) fn token(&self, user: UserId, role: Role) -> String {
        let now = Utc::now().timestamp();
        let claims = AccessClaims {
            iss: issuer(PUBLIC_URL),
            aud: ACCESS_AUDIENCE.to_owned(),
            sub: user,
            sid: chassis::fresh_id(),
            jti: chassis::fresh_id(),
            iat: now,
            exp: now + 900,
            email: "learner@example.com".to_owned(),
            name: "김학습".to_owned(),
            role,
        };
        let header = Header {
            typ: Some(ACCESS_TYPE.to_owned()),
            kid: Some(KEY.to_owned()),
            ..Header::new(Algorithm::ES256)
        };
        jsonwebtoken::encode(&header, &claims, &self.key).unwrap()
    }
}
