//! Access tokens: what is accepted, what is refused, and where the keys come from.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::routing::get;
use axum::{Json, Router};
use chassis::client::http_client;
use chassis::config::DiscoveryConfig;
use chassis::discovery::Discovery;
use chassis::identity::{TokenError, TokenVerifier};
use contract::auth::{JWKS_PATH, RevocationReason, TokenRevoked};
use contract::claims::AccessClaims;
use contract::registry::{Instance, Registry};
use contract::user::Role;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::json;
use testkit::Issuer;

use crate::fixture::{ISSUER, claims, serve};

fn verifier(issuer: &Issuer) -> TokenVerifier {
    let verifier = TokenVerifier::with_own_keys(ISSUER);
    verifier.set_keys(&issuer.jwks());
    verifier
}

#[tokio::test]
async fn a_good_token_says_who_is_calling_and_is_remembered() {
    let issuer = Issuer::new();
    let (verifier, claims) = (verifier(&issuer), claims(Role::Admin));
    let token = issuer.sign(&claims);
    assert!(verifier.cached(&token).is_none());
    assert_eq!(*verifier.verify(&token).await.unwrap(), claims);
    assert_eq!(*verifier.cached(&token).unwrap(), claims);
    verifier.set_keys(&Issuer::with_key_id("k2").jwks());
    assert!(verifier.cached(&token).is_none(), "what an old key vouched for is forgotten");
    assert_eq!(verifier.verify(&token).await, Err(TokenError::Invalid("unknown key")));
}

#[tokio::test]
async fn a_revoked_token_is_refused_although_it_is_remembered() {
    let issuer = Issuer::new();
    let verifier = verifier(&issuer);
    let (mine, others) = (claims(Role::User), claims(Role::User));
    let [mine_token, others_token] = [&mine, &others].map(|claims| issuer.sign(claims));
    for token in [&mine_token, &others_token] {
        assert!(verifier.verify(token).await.is_ok() && verifier.cached(token).is_some());
    }
    let logout = TokenRevoked::session(mine.sub, mine.sid, RevocationReason::Logout);
    verifier.revocations().add(&logout, mine.iat);
    assert_eq!(verifier.verify(&mine_token).await, Err(TokenError::Invalid("revoked")));
    assert!(verifier.cached(&mine_token).is_none());
    assert!(verifier.verify(&others_token).await.is_ok());

    let next_second = chrono::DateTime::from_timestamp(others.iat + 1, 0).unwrap();
    let suspension = TokenRevoked::issued_before(others.sub, next_second, RevocationReason::Status);
    verifier.revocations().add(&suspension, others.iat);
    assert_eq!(verifier.verify(&others_token).await, Err(TokenError::Invalid("revoked")));
    let later = AccessClaims { iat: others.iat + 1, ..others };
    assert!(verifier.verify(&issuer.sign(&later)).await.is_ok(), "issued after the suspension was lifted");
}

#[tokio::test]
async fn a_token_of_another_kind_is_refused() {
    let issuer = Issuer::new();
    let verifier = verifier(&issuer);
    let good = claims(Role::User);
    let mut expired = good.clone();
    expired.exp = expired.iat - 1;
    let mut foreign = good.clone();
    foreign.iss = "http://evil.example/api/auth".to_owned();
    let mut elsewhere = good.clone();
    elsewhere.aud = "another-platform".to_owned();
    let id_token = Header { typ: Some("JWT".to_owned()), ..issuer.header() };
    let untyped = Header { typ: None, ..issuer.header() };
    let keyless = Header { kid: None, ..issuer.header() };
    let unknown = Header { kid: Some("k9".to_owned()), ..issuer.header() };
    let mut early = serde_json::to_value(&good).unwrap();
    early["nbf"] = json!(good.iat + 30);
    let without_audience = json!({ "iss": good.iss, "sub": good.sub, "exp": good.exp });
    for (token, refusal) in [
        (issuer.sign(&expired), TokenError::Expired),
        (issuer.sign(&foreign), TokenError::Invalid("issuer")),
        (issuer.sign(&elsewhere), TokenError::Invalid("audience")),
        (issuer.sign_with(&issuer.header(), &without_audience), TokenError::Invalid("claims")),
        (issuer.sign_with(&issuer.header(), &early), TokenError::Invalid("claims")),
        (issuer.sign_with(&id_token, &good), TokenError::Invalid("type")),
        (issuer.sign_with(&untyped, &good), TokenError::Invalid("type")),
        (issuer.sign_with(&keyless, &good), TokenError::Invalid("no key id")),
        (issuer.sign_with(&unknown, &good), TokenError::Invalid("unknown key")),
        (Issuer::new().sign(&good), TokenError::Invalid("signature")),
        ("x".repeat(9000), TokenError::Invalid("too long")),
        ("a.b.c".to_owned(), TokenError::Invalid("not a token")),
    ] {
        assert_eq!(verifier.verify(&token).await, Err(refusal), "{token}");
    }
}

/// The classic attacks: no signature at all, and the public key used as the secret of a shared-key signature.
#[tokio::test]
async fn the_token_does_not_choose_the_algorithm() {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let issuer = Issuer::new();
    let verifier = verifier(&issuer);
    let good = claims(Role::Admin);
    let shared = Header { alg: Algorithm::HS256, ..issuer.header() };
    for secret in [issuer.public_key().to_vec(), serde_json::to_vec(&issuer.jwks()).unwrap()] {
        let forged = jsonwebtoken::encode(&shared, &good, &EncodingKey::from_secret(&secret)).unwrap();
        assert_eq!(verifier.verify(&forged).await, Err(TokenError::Invalid("algorithm")));
    }
    let payload = URL_SAFE_NO_PAD.encode(serde_json::to_vec(&good).unwrap());
    for alg in ["none", "None", "NONE", ""] {
        let header = json!({ "alg": alg, "typ": "at+jwt", "kid": "k1" }).to_string();
        let unsigned = format!("{}.{payload}.", URL_SAFE_NO_PAD.encode(header));
        assert_eq!(verifier.verify(&unsigned).await, Err(TokenError::Invalid("not a token")), "{alg}");
    }
    let stripped = issuer.sign(&good);
    let stripped = &stripped[..=stripped.rfind('.').unwrap()];
    assert_eq!(verifier.verify(stripped).await, Err(TokenError::Invalid("signature")));
}

fn fetching(url: String) -> TokenVerifier {
    let auth = vec![Instance { id: "auth".to_owned(), url }];
    let fixed = Registry { services: [("auth".to_owned(), auth)].into() };
    let discovery = Discovery::start(&DiscoveryConfig { registry: None, fixed }).unwrap();
    let verifier = TokenVerifier::fetching(ISSUER, http_client().unwrap(), discovery);
    verifier.revocations().set_loaded();
    verifier
}

#[tokio::test]
async fn made_up_key_ids_do_not_make_auth_answer_again_and_again() {
    let (issuer, asked) = (Issuer::new(), Arc::new(AtomicUsize::new(0)));
    let (set, counter) = (issuer.jwks(), asked.clone());
    let jwks = get(move || async move {
        counter.fetch_add(1, Ordering::SeqCst);
        Json(set)
    });
    let address = serve(Router::new().route(JWKS_PATH, jwks)).await;
    let verifier = fetching(format!("http://{address}"));
    assert!(verifier.verify(&issuer.sign(&claims(Role::User))).await.is_ok());
    for kid in ["a", "b", "c"] {
        let header = Header { kid: Some(kid.to_owned()), ..issuer.header() };
        let token = issuer.sign_with(&header, &claims(Role::User));
        assert_eq!(verifier.verify(&token).await, Err(TokenError::Invalid("unknown key")));
    }
    assert!(verifier.verify(&issuer.sign(&claims(Role::User))).await.is_ok());
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn without_auth_a_token_is_neither_good_nor_bad() {
    chassis::crypto::install();
    let verifier = fetching(format!("http://127.0.0.1:{}", testkit::free_port()));
    let token = Issuer::new().sign(&claims(Role::User));
    assert_eq!(verifier.verify(&token).await, Err(TokenError::Unavailable));
    assert_eq!(verifier.verify(&token).await, Err(TokenError::Unavailable), "asked too soon to ask again");
}
