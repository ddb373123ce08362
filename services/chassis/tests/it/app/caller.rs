//! Who may call what.

use contract::user::Role;
use http::StatusCode;

use super::service::{Fixture, essence, fixture};
use crate::fixture::claims;

#[tokio::test]
async fn routes_know_their_caller() {
    let Fixture { app, issuer, .. } = fixture();
    let (user, admin) = (issuer.sign(&claims(Role::User)), issuer.sign(&claims(Role::Admin)));
    let mut past = claims(Role::User);
    past.exp = past.iat - 1;
    let expired = issuer.sign(&past);
    assert_eq!(app.get("/me").bearer(&user).send().await.text(), "김학습");
    assert_eq!(essence(&app.get("/me").bearer(&expired).send().await).1, "A001");
    assert_eq!(essence(&app.get("/me").bearer("broken").send().await).1, "A002");
    assert_eq!(essence(&app.get("/me").send().await).0, 401);
    assert_eq!(app.get("/open").bearer(&expired).send().await.text(), "anybody");
    assert_eq!(app.get("/open").bearer(&user).send().await.text(), "김학습");
    assert_eq!(essence(&app.get("/admin").bearer(&user).send().await).1, "A003");
    assert_eq!(app.get("/admin").bearer(&admin).send().await.status, StatusCode::OK);
}

#[tokio::test]
async fn internal_routes_take_service_tokens_of_the_named_services_only() {
    let Fixture { app, keys, issuer, .. } = fixture();
    let call = |token: String| app.get("/internal/thing").bearer(&token).send();
    assert_eq!(call(keys.token("user", "chat")).await.text(), "user");
    assert_eq!(call(keys.token("store", "chat")).await.status, StatusCode::FORBIDDEN);
    assert_eq!(call(keys.token("user", "auth")).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(call(issuer.sign(&claims(Role::Admin))).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(app.get("/internal/thing").send().await.status, StatusCode::UNAUTHORIZED);
    let with_service_token = app.get("/me").bearer(&keys.token("user", "chat")).send().await;
    assert_eq!(with_service_token.status, StatusCode::UNAUTHORIZED);
}
