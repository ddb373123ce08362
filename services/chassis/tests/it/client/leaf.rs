//! A service at the end of the chain, which counts what reaches it and can be told to misbehave or to die.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use chassis::Platform;
use chassis::client::{Listed, ServiceClient};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use tokio::runtime::Runtime;

use crate::fixture::platform;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mood {
    Well,
    /// 503 as a proxy in front of nothing says it.
    Down,
    /// 503 as our services say it.
    Busy,
    Refuses,
    /// Takes the request and never answers.
    Hangs,
}

#[derive(Clone)]
struct Seen {
    mood: Arc<Mutex<Mood>>,
    attempts: Arc<AtomicUsize>,
    headers: Arc<Mutex<Vec<HeaderMap>>>,
}

pub(crate) struct Leaf {
    pub(crate) address: SocketAddr,
    seen: Seen,
    /// Of its own, so that killing it takes its connections along.
    runtime: Option<Runtime>,
}

impl Leaf {
    pub(crate) fn start() -> Self {
        let mood = Arc::new(Mutex::new(Mood::Well));
        let seen = Seen { mood, attempts: Arc::default(), headers: Arc::default() };
        let mut leaf = Self { address: ([127, 0, 0, 1], 0).into(), seen, runtime: None };
        leaf.restart();
        leaf
    }

    pub(crate) fn set(&self, mood: Mood) {
        *self.seen.mood.lock().unwrap() = mood;
    }

    /// As SIGKILL does: connections break, and the port refuses.
    pub(crate) fn kill(&mut self) {
        let runtime = self.runtime.take().unwrap();
        // Waits until the sockets are closed, which a thread of the test's own runtime must not do.
        std::thread::spawn(move || runtime.shutdown_timeout(Duration::from_secs(10))).join().unwrap();
    }

    /// Serves again at the same address.
    pub(crate) fn restart(&mut self) {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = std::net::TcpListener::bind(self.address).unwrap();
        listener.set_nonblocking(true).unwrap();
        self.address = listener.local_addr().unwrap();
        let router = Router::new().fallback(answer).with_state(self.seen.clone());
        runtime.spawn(async move {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            axum::serve(listener, router).await.unwrap();
        });
        self.runtime = Some(runtime);
    }

    pub(crate) fn attempts(&self) -> usize {
        self.seen.attempts.load(Ordering::SeqCst)
    }

    /// A header of every attempt so far, in order.
    pub(crate) fn header(&self, name: &str) -> Vec<Option<String>> {
        let text = |value: &HeaderValue| value.to_str().unwrap().to_owned();
        self.seen.headers.lock().unwrap().iter().map(|headers| headers.get(name).map(text)).collect()
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Leaf {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn answer(State(seen): State<Seen>, request: Request) -> Response {
    seen.attempts.fetch_add(1, Ordering::SeqCst);
    seen.headers.lock().unwrap().push(request.headers().clone());
    let mood = *seen.mood.lock().unwrap();
    match mood {
        Mood::Well => axum::Json(1).into_response(),
        Mood::Down => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        Mood::Busy => (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "1")]).into_response(),
        Mood::Refuses => StatusCode::NOT_FOUND.into_response(),
        Mood::Hangs => std::future::pending().await,
    }
}

/// A client of these instances, which are called `auth-1`, `auth-2`, ….
pub(crate) fn client_of(leaves: &[&Leaf], limit: Duration) -> (Platform, ServiceClient) {
    let urls: Vec<_> = leaves.iter().map(|leaf| leaf.url()).collect();
    let platform = platform(&[("DORAN_AUTH_URLS", urls.join(","))]);
    let client = platform.client("auth", limit);
    (platform, client)
}

pub(crate) fn breaker(platform: &Platform, name: &str) -> Listed {
    platform.breakers().find(name).unwrap()
}
