//! Signing keys: made once, shared, sealed, published.

use auth::keys::{self, Error};
use auth::seal::SealKey;
use http::StatusCode;
use testkit::TestDb;

use crate::service::{Auth, EMAIL, keys_of};

#[tokio::test]
async fn replicas_that_start_together_share_one_key() {
    chassis::crypto::install();
    let database = TestDb::new("auth_db").await;
    let (pool, seal) = (database.pool(), SealKey::new([7; 32]));
    let load = || keys::load_or_create(&pool, &seal);
    let (one, two, three) = tokio::join!(load(), load(), load());
    let jwks = one.unwrap().jwks().clone();
    assert_eq!(jwks.keys.len(), 1);
    assert_eq!(two.unwrap().jwks(), &jwks);
    assert_eq!(three.unwrap().jwks(), &jwks);
}

#[tokio::test]
async fn a_key_cannot_be_opened_with_another_seal() {
    chassis::crypto::install();
    let database = TestDb::new("auth_db").await;
    let pool = database.pool();
    keys::load_or_create(&pool, &SealKey::new([7; 32])).await.map(|_| ()).unwrap();
    let other = keys::load_or_create(&pool, &SealKey::new([8; 32])).await.map(|_| ());
    assert!(matches!(other, Err(Error::Seal { .. })), "{other:?}");
}

#[tokio::test]
async fn a_token_of_one_replica_is_good_at_the_other() {
    let auth = Auth::start().await;
    auth.account(EMAIL).await;
    let tokens = auth.logged_in(EMAIL).await;
    let (other, _) = auth.another().await;
    let _ = other.get("/api/auth/me").bearer(&tokens.access).send().await.expect(StatusCode::OK);
}

#[tokio::test]
async fn the_public_half_is_published() {
    let auth = Auth::start().await;
    let answer = auth.app.get("/api/auth/.well-known/jwks.json").send().await.expect(StatusCode::OK);
    assert_eq!(answer.header("cache-control"), Some("public, max-age=60"));
    let set = answer.json();
    let key = &set["keys"][0];
    assert_eq!(keys_of(key), ["alg", "crv", "kid", "kty", "use", "x", "y"]);
    assert_eq!((key["alg"].as_str(), key["crv"].as_str()), (Some("ES256"), Some("P-256")));
}
