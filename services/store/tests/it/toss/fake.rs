//! The API on a real socket: asked for what a test expects, in that order, or the test fails.

use std::collections::VecDeque;
use std::future::pending;
use std::io;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::{StreamExt as _, stream};
use http::{HeaderMap, Method, StatusCode, Uri, header};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::expected::{Act, Expected, Key};
use super::stage::SECRET;

#[derive(Default)]
struct Script {
    expected: Mutex<VecDeque<Expected>>,
    wrong: Mutex<Vec<String>>,
    keys: Mutex<Vec<String>>,
}

/// Stops when dropped, and panics unless it was asked for all that was expected and nothing else.
pub(crate) struct FakeToss {
    pub(crate) url: String,
    script: Arc<Script>,
    _server: JoinSet<()>,
}

impl FakeToss {
    pub(crate) async fn start(expected: impl IntoIterator<Item = Expected>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let script =
            Arc::new(Script { expected: Mutex::new(expected.into_iter().collect()), ..Script::default() });
        let app = Router::new().fallback(answer).with_state(script.clone());
        let mut server = JoinSet::new();
        server.spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { url, script, _server: server }
    }

    /// The idempotency keys that came, in order.
    pub(crate) fn keys(&self) -> Vec<String> {
        self.script.keys.lock().unwrap().clone()
    }
}

impl Drop for FakeToss {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let wrong = self.script.wrong.lock().unwrap();
            assert!(wrong.is_empty(), "{}", wrong.join("\n"));
            let expected = self.script.expected.lock().unwrap();
            assert!(expected.is_empty(), "nobody asked for {expected:?}");
        }
    }
}

async fn answer(
    State(script): State<Arc<Script>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let expected = script.expected.lock().unwrap().pop_front();
    let wrong = match &expected {
        None => Some(format!("unexpected: {method} {uri}")),
        Some(expected) => difference(expected, &method, &uri, &headers, &body),
    };
    if let Some(key) = text(&headers, "idempotency-key") {
        script.keys.lock().unwrap().push(key.to_owned());
    }
    match (expected, wrong) {
        (Some(expected), None) => perform(expected.act).await,
        (_, wrong) => {
            script.wrong.lock().unwrap().extend(wrong);
            StatusCode::IM_A_TEAPOT.into_response()
        }
    }
}

fn difference(
    expected: &Expected,
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
    body: &[u8],
) -> Option<String> {
    let came = format!("{method} {uri}");
    let wanted = format!("{} {}", expected.method, expected.target);
    if came != wanted {
        return Some(format!("{came} instead of {wanted}"));
    }
    let basic = format!("Basic {}", STANDARD.encode(format!("{SECRET}:")));
    if text(headers, "authorization") != Some(&*basic) {
        return Some(format!("{came} without the key as user and an empty password"));
    }
    let key = text(headers, "idempotency-key");
    let right = match &expected.key {
        Key::Absent => key.is_none(),
        Key::Exactly(wanted) => key == Some(*wanted),
        Key::Beginning(wanted) => key.is_some_and(|key| key.starts_with(wanted) && key.len() <= 300),
    };
    if !right {
        return Some(format!("{came} with the key {key:?} instead of {:?}", expected.key));
    }
    let given = if body.is_empty() { Value::Null } else { serde_json::from_slice(body).unwrap_or_default() };
    let typed = body.is_empty() || text(headers, "content-type") == Some("application/json");
    (given != expected.body || !typed).then(|| format!("{came} with {given} instead of {}", expected.body))
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).map(|value| value.to_str().unwrap())
}

async fn perform(act: Act) -> Response {
    match act {
        Act::Say(status, document) => {
            (StatusCode::from_u16(status).unwrap(), axum::Json(document)).into_response()
        }
        Act::Throttle(after) => {
            (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, after)]).into_response()
        }
        Act::Page(status) => (StatusCode::from_u16(status).unwrap(), "<html>sorry</html>").into_response(),
        Act::Silent => pending().await,
        Act::Cut => {
            let part = stream::once(async { Ok(Bytes::from_static(b"{\"mId\":\"tdoran")) });
            let pause = stream::once(async {
                // Lets what was written go out before the connection breaks.
                for _ in 0..100 {
                    tokio::task::yield_now().await;
                }
                Err(io::Error::other("cut on purpose"))
            });
            Body::from_stream(part.chain(pause)).into_response()
        }
        Act::Endless => {
            let spaces = Bytes::from(vec![b' '; 64 * 1024]);
            Body::from_stream(stream::repeat_with(move || Ok::<_, io::Error>(spaces.clone()))).into_response()
        }
        Act::Redirect(to) => (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, to)]).into_response(),
    }
}
