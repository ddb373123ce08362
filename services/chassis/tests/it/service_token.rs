//! Tokens between services: for one audience, for a minute, from whom they name.

use std::time::Duration;

use chassis::identity::{ServiceSigner, ServiceTokenError, ServiceVerifier};
use chrono::Utc;
use contract::claims::ServiceClaims;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use testkit::ServiceKeys;

fn verifier(keys: &ServiceKeys, name: &str) -> ServiceVerifier {
    chassis::crypto::install();
    ServiceVerifier::from_file(name, &keys.jwks_file()).unwrap()
}

fn sign(keys: &ServiceKeys, by: &str, claims: &ServiceClaims) -> String {
    let key = EncodingKey::from_ed_pem(&std::fs::read(keys.key_file(by)).unwrap()).unwrap();
    let header = Header { kid: Some(by.to_owned()), ..Header::new(Algorithm::EdDSA) };
    jsonwebtoken::encode(&header, claims, &key).unwrap()
}

#[test]
fn a_service_is_known_by_the_token_it_signs() {
    let keys = testkit::keys();
    let signer = ServiceSigner::from_file("user", &keys.key_file("user")).unwrap();
    let auth = verifier(&keys, "auth");
    let token = signer.token_for("auth").unwrap();
    assert_eq!(auth.verify(&token).unwrap().iss, "user");
    assert_eq!(signer.token_for("auth").unwrap(), token, "used again while it is fresh");
    assert_ne!(signer.token_for("chat").unwrap(), token);
}

#[test]
fn a_token_is_good_for_one_audience_and_a_minute() {
    let keys = testkit::keys();
    let auth = verifier(&keys, "auth");
    let now = Utc::now().timestamp();
    let named = |iss: &str, exp: i64| ServiceClaims {
        iss: iss.to_owned(),
        sub: iss.to_owned(),
        aud: "auth".to_owned(),
        iat: now,
        exp,
    };
    let borrowed = ServiceClaims { sub: "operator".to_owned(), ..named("user", now + 60) };
    for (token, refusal) in [
        (keys.token("user", "chat"), ServiceTokenError::Invalid("audience")),
        (keys.token_valid_for("user", "auth", Duration::ZERO), ServiceTokenError::Expired),
        (
            keys.token_valid_for("user", "auth", Duration::from_hours(1)),
            ServiceTokenError::Invalid("lifetime"),
        ),
        (sign(&keys, "user", &named("operator", now + 60)), ServiceTokenError::Invalid("issuer")),
        (sign(&keys, "user", &borrowed), ServiceTokenError::Invalid("subject")),
        (testkit::keys().token("user", "auth"), ServiceTokenError::Invalid("signature or claims")),
        (
            ServiceKeys::generate(&["stranger"]).token("stranger", "auth"),
            ServiceTokenError::Invalid("unknown key"),
        ),
    ] {
        assert_eq!(auth.verify(&token), Err(refusal));
    }
}

#[test]
fn without_keys_nobody_is_let_in() {
    chassis::crypto::install();
    let token = testkit::keys().token("user", "auth");
    let verdict = ServiceVerifier::refusing("auth").verify(&token);
    assert_eq!(verdict, Err(ServiceTokenError::Invalid("unknown key")));
}
