//! What it costs to look at an access token that was verified before, with few and with many revocations.
//!
//! `cargo bench -p chassis --bench access_token`

use std::hint::black_box;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use chassis::identity::TokenVerifier;
use chrono::{DateTime, Utc};
use contract::auth::{RevocationReason, TokenRevoked};
use contract::claims::{ACCESS_AUDIENCE, ACCESS_TYPE, AccessClaims, issuer};
use contract::user::Role;
use criterion::{Criterion, criterion_group, criterion_main};
use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};

const MANY: usize = 100_000;

/// A verifier that remembers the token, and the token.
fn remembered() -> (TokenVerifier, String) {
    chassis::crypto::install();
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("the system has randomness");
    let private = pair.to_pkcs8v1().expect("a generated key has a PKCS#8 form");
    let key = EncodingKey::from_ec_der(private.as_ref());
    let mut public = Jwk::from_encoding_key(&key, Algorithm::ES256).expect("a P-256 key has a JWK");
    public.common.key_id = Some("k1".to_owned());
    let header = Header {
        typ: Some(ACCESS_TYPE.to_owned()),
        kid: Some("k1".to_owned()),
        ..Header::new(Algorithm::ES256)
    };
    let now = Utc::now().timestamp();
    let claims = AccessClaims {
        iss: issuer("http://localhost:8080"),
        aud: ACCESS_AUDIENCE.to_owned(),
        sub: chassis::fresh_id(),
        sid: chassis::fresh_id(),
        jti: chassis::fresh_id(),
        iat: now,
        exp: now + 3600,
        email: "learner@example.com".to_owned(),
        name: "김학습".to_owned(),
        role: Role::User,
    };
    let verifier = TokenVerifier::with_own_keys(&claims.iss);
    verifier.set_keys(&JwkSet { keys: vec![public] });
    (verifier, encode(&header, &claims, &key).expect("the claims serialise"))
}

/// A tenth by user, the rest by session.
fn revoke_many(verifier: &TokenVerifier) {
    let now = Utc::now().timestamp();
    let next_second = DateTime::from_timestamp(now + 1, 0).expect("the clock is in range");
    for n in 0..MANY {
        let user = chassis::fresh_id();
        let revoked = if n % 10 == 0 {
            TokenRevoked::issued_before(user, next_second, RevocationReason::Role)
        } else {
            TokenRevoked::session(user, chassis::fresh_id(), RevocationReason::Logout)
        };
        verifier.revocations().add(&revoked, now);
    }
}

fn access_token(c: &mut Criterion) {
    let (verifier, token) = remembered();
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a plain runtime is possible");
    runtime.block_on(verifier.verify(&token)).expect("the token is good");
    let mut group = c.benchmark_group("a remembered access token");
    let look = |verifier: &TokenVerifier| black_box(verifier).cached(black_box(&token)).is_some();
    group.bench_function("nothing revoked", |b| b.iter(|| look(&verifier)));
    revoke_many(&verifier);
    group.bench_function("100,000 revoked", |b| b.iter(|| look(&verifier)));
    group.finish();
}

criterion_group!(benches, access_token);
criterion_main!(benches);
