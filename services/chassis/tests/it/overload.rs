//! What a service refuses when too much is in flight, and what it never refuses.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::routing::get;
use chassis::layer::{self, Class};
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt as _, StreamExt as _};
use http::StatusCode;
use resilience::shed::Priority;
use testkit::TestApp;
use tokio::sync::Semaphore;
use utoipa_axum::router::OpenApiRouter;

use crate::fixture::platform;

/// The limit before anything was learnt, and the part of it that a person's requests may take.
const LIMIT: usize = 256;
const INTERACTIVE: usize = LIMIT * 9 / 10;

fn classify(request: &Request) -> Class {
    match request.uri().path() {
        "/held/login" => Class::Counted(Priority::Auth),
        "/held/poll" => Class::Waiting,
        _ => layer::classify(request),
    }
}

/// `/held/…` answers when told to.
fn app() -> (TestApp, Arc<Semaphore>) {
    let release = Arc::new(Semaphore::new(0));
    let held = async |State(release): State<Arc<Semaphore>>, Path(_): Path<String>| {
        release.acquire().await.unwrap().forget();
    };
    let routes = Router::new().route("/held/{what}", get(held)).with_state(release.clone());
    let routes = OpenApiRouter::from(routes);
    (TestApp::new(chassis::app_with_classes(&platform(&[]), routes, classify)), release)
}

#[tokio::test]
async fn the_least_important_is_refused_first_and_probes_never() {
    let (app, release) = app();
    let keys = testkit::keys();
    let mut held: FuturesUnordered<_> = (0..INTERACTIVE).map(|_| app.get("/held/read").send()).collect();
    assert!(held.next().now_or_never().is_none(), "an ordinary burst is let in");

    let refused = app.get("/held/read").send().await.expect(StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(refused.json()["errorCode"], "G002");
    let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=3).contains(&wait), "{wait} s");
    let batch = app.get("/held/read").bearer(&keys.token("batch", "chat")).send().await;
    let wait: u64 =
        batch.expect(StatusCode::SERVICE_UNAVAILABLE).header("retry-after").unwrap().parse().unwrap();
    assert!(wait >= 5, "nobody waits for it: {wait} s");

    let mut logins: FuturesUnordered<_> =
        (0..LIMIT - INTERACTIVE).map(|_| app.get("/held/login").send()).collect();
    assert!(logins.next().now_or_never().is_none(), "what is kept for logins is theirs");
    assert_eq!(app.get("/held/login").send().await.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(app.get("/held/poll").send().now_or_never().is_none(), "who waits on purpose takes no place");
    assert_eq!(app.get("/actuator/health/liveness").send().await.status, StatusCode::OK);

    release.add_permits(LIMIT);
    while let Some(answer) = held.next().await {
        assert_eq!(answer.status, StatusCode::OK);
    }
    assert_eq!(logins.count().await, LIMIT - INTERACTIVE);
    release.add_permits(1);
    assert_eq!(app.get("/held/read").send().await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_caller_who_goes_away_leaves_its_place() {
    let (app, release) = app();
    let mut held: FuturesUnordered<_> = (0..INTERACTIVE).map(|_| app.get("/held/read").send()).collect();
    assert!(held.next().now_or_never().is_none());
    drop(held);
    release.add_permits(1);
    assert_eq!(app.get("/held/read").send().await.status, StatusCode::OK);
}
