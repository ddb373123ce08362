//! Stands between consumer and producer and repeats itself: one delivery of ten is a duplicate, of the event just
//! sent or of an older one.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use http::{HeaderMap, StatusCode, header};
use rand::RngExt as _;
use serde_json::Value;
use tokio::task::JoinSet;

const SHARE: f64 = 0.1;
/// Older events that may be sent again.
const REMEMBERED: usize = 500;

#[derive(Clone)]
pub(super) struct Repeater {
    target: String,
    http: reqwest::Client,
    memory: Arc<Mutex<Vec<Value>>>,
    pub(super) delivered: Arc<AtomicUsize>,
    pub(super) repeated: Arc<AtomicUsize>,
}

impl Repeater {
    pub(super) fn new(target: String) -> Self {
        Self {
            target,
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
            memory: Arc::default(),
            delivered: Arc::default(),
            repeated: Arc::default(),
        }
    }

    /// Serves for as long as the set lives, at this URL.
    pub(super) async fn serve(&self, tasks: &mut JoinSet<()>) -> String {
        let router = Router::new().route("/internal/events", get(pass)).with_state(self.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tasks.spawn(async move { axum::serve(listener, router).await.unwrap() });
        url
    }

    fn repeat(&self, events: Vec<Value>) -> Vec<Value> {
        let (mut memory, mut random) = (self.memory.lock().unwrap(), rand::rng());
        let mut sent = Vec::new();
        for event in events {
            if memory.len() == REMEMBERED {
                let forgotten = random.random_range(0..REMEMBERED);
                memory.swap_remove(forgotten);
            }
            memory.push(event.clone());
            sent.push(event);
            self.delivered.fetch_add(1, Ordering::Relaxed);
            if random.random_bool(SHARE) {
                let again = random.random_range(0..memory.len());
                let last = memory.len() - 1;
                sent.push(memory[if random.random_bool(0.5) { last } else { again }].clone());
                self.repeated.fetch_add(1, Ordering::Relaxed);
            }
        }
        sent
    }
}

async fn pass(State(repeater): State<Repeater>, RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    let url = format!("{}/internal/events?{}", repeater.target, query.unwrap_or_default());
    let mut request = repeater.http.get(url);
    for name in [header::AUTHORIZATION.as_str(), "x-request-timeout-ms"] {
        if let Some(value) = headers.get(name) {
            request = request.header(name, value);
        }
    }
    let Ok(answer) = request.send().await else {
        return StatusCode::BAD_GATEWAY.into_response();
    };
    let (status, head) = (answer.status(), answer.headers().get("x-events-head").cloned());
    match (status, head, answer.json::<Vec<Value>>().await) {
        (StatusCode::OK, Some(head), Ok(events)) => {
            ([("x-events-head", head)], axum::Json(repeater.repeat(events))).into_response()
        }
        _ => StatusCode::BAD_GATEWAY.into_response(),
    }
}
