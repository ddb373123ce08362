//! What several of these tests need: claims of access tokens, a platform, a server on a free port.

use std::net::SocketAddr;

use axum::Router;
use chassis::{Base, Platform, Reader};
use contract::claims::AccessClaims;
use contract::user::Role;
use testkit::access_claims;

pub(crate) const ISSUER: &str = "http://localhost:8080/api/auth";

/// Of somebody new.
pub(crate) fn claims(role: Role) -> AccessClaims {
    access_claims(chassis::fresh_id(), role)
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
