//! What several of these tests need: an issuer of access tokens, a platform, a server on a free port.

use std::net::SocketAddr;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use axum::Router;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chassis::{Base, Platform, Reader};
use chrono::Utc;
use contract::claims::{self, ACCESS_AUDIENCE, ACCESS_TYPE, AccessClaims};
use contract::user::Role;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::Serialize;
use serde_json::json;

pub(crate) const ISSUER: &str = "http://localhost:8080/api/auth";

/// Signs access tokens as auth does.
pub(crate) struct Issuer {
    pub(crate) kid: String,
    pub(crate) public: Vec<u8>,
    key: EncodingKey,
}

impl Issuer {
    pub(crate) fn new(kid: &str) -> Self {
        chassis::crypto::install();
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let private = pair.to_pkcs8v1().unwrap();
        Self {
            kid: kid.to_owned(),
            public: pair.public_key().as_ref().to_vec(),
            key: EncodingKey::from_ec_der(private.as_ref()),
        }
    }

    pub(crate) fn jwks(&self) -> JwkSet {
        let coordinate = |range| URL_SAFE_NO_PAD.encode(&self.public[range]);
        let key = json!({
            "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": self.kid,
            "x": coordinate(1..33), "y": coordinate(33..65),
        });
        serde_json::from_value(json!({ "keys": [key] })).unwrap()
    }

    pub(crate) fn header(&self) -> Header {
        Header {
            typ: Some(ACCESS_TYPE.to_owned()),
            kid: Some(self.kid.clone()),
            ..Header::new(Algorithm::ES256)
        }
    }

    pub(crate) fn sign(&self, header: &Header, claims: &impl Serialize) -> String {
        jsonwebtoken::encode(header, claims, &self.key).unwrap()
    }

    pub(crate) fn token(&self, claims: &AccessClaims) -> String {
        self.sign(&self.header(), claims)
    }
}

pub(crate) fn claims(role: Role) -> AccessClaims {
    let now = Utc::now().timestamp();
    AccessClaims {
        iss: claims::issuer("http://localhost:8080/"),
        aud: ACCESS_AUDIENCE.to_owned(),
        sub: chassis::fresh_id(),
        sid: chassis::fresh_id(),
        jti: chassis::fresh_id(),
        iat: now,
        exp: now + 60,
        email: "learner@example.com".to_owned(),
        name: "김학습".to_owned(),
        role,
    }
}

pub(crate) fn base(env: &[(&str, String)]) -> Base {
    let env = env.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    let env: std::collections::BTreeMap<String, String> = env;
    let mut read = Reader::new(&env);
    let base = read.base("chat", 0);
    read.finish(|| Some(base)).unwrap()
}

pub(crate) fn platform(env: &[(&str, String)]) -> Platform {
    Platform::quiet(base(env)).unwrap()
}

/// Serves until the test ends.
pub(crate) async fn serve(router: Router) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let platform = platform(&[]);
    platform.tasks().spawn("server", async move { axum::serve(listener, router).await.unwrap() });
    address
}
