//! As much of auth as a service needs to know who asks: keys, and nobody who logs out.

use std::net::SocketAddr;
use std::time::Duration;

use axum::extract::Query;
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use contract::auth::JWKS_PATH;
use contract::event::{HEAD_HEADER, path};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

#[derive(Deserialize)]
struct Ask {
    wait: u64,
}

/// Serves as long as the set is there.
pub(crate) async fn start(keys: &str) -> (SocketAddr, JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let keys: Value = serde_json::from_str(keys).unwrap();
    let router = Router::new().route(JWKS_PATH, get(Json(keys))).route(path::FEED, get(nothing));
    let mut serving = JoinSet::new();
    serving.spawn(async move { axum::serve(listener, router).await.unwrap() });
    (address, serving)
}

/// After the wait that was asked for.
async fn nothing(Query(ask): Query<Ask>) -> impl IntoResponse {
    tokio::time::sleep(Duration::from_secs(ask.wait)).await;
    ([(HEAD_HEADER, "0")], Json(json!([])))
}
