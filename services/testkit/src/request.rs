//! Requests against a router, without a socket.

use axum::Router;
use axum::body::{Body, Bytes};
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tower::ServiceExt as _;

/// A service under test: its router.
#[derive(Debug, Clone)]
pub struct TestApp {
    router: Router,
}

impl TestApp {
    pub fn new(router: Router) -> Self {
        Self { router }
    }

    pub fn get(&self, path: &str) -> TestRequest {
        self.request(Method::GET, path)
    }

    pub fn post(&self, path: &str) -> TestRequest {
        self.request(Method::POST, path)
    }

    pub fn put(&self, path: &str) -> TestRequest {
        self.request(Method::PUT, path)
    }

    pub fn patch(&self, path: &str) -> TestRequest {
        self.request(Method::PATCH, path)
    }

    pub fn delete(&self, path: &str) -> TestRequest {
        self.request(Method::DELETE, path)
    }

    /// # Panics
    /// When `path` is not a path.
    pub fn request(&self, method: Method, path: &str) -> TestRequest {
        let request = Request::builder().method(method).uri(path).body(Body::empty());
        TestRequest { router: self.router.clone(), request: request.expect("the test's path is a valid URI") }
    }
}

/// A request on its way to [`TestRequest::send`].
#[must_use = "a request does nothing until it is sent"]
#[derive(Debug)]
pub struct TestRequest {
    router: Router,
    request: Request<Body>,
}

impl TestRequest {
    /// `Authorization: Bearer <token>`.
    pub fn bearer(self, token: &str) -> Self {
        self.header(AUTHORIZATION, &format!("Bearer {token}"))
    }

    /// Sets a header; one of that name set before is replaced.
    ///
    /// # Panics
    /// When `value` cannot stand in a header.
    pub fn header(mut self, name: HeaderName, value: &str) -> Self {
        let value = HeaderValue::from_str(value).expect("the test's header has a valid value");
        self.request.headers_mut().insert(name, value);
        self
    }

    /// # Panics
    /// When `body` cannot be serialised.
    pub fn json(self, body: &impl Serialize) -> Self {
        let body = serde_json::to_vec(body).expect("the test's body serialises");
        self.header(CONTENT_TYPE, "application/json").body(body)
    }

    pub fn body(mut self, body: impl Into<Body>) -> Self {
        *self.request.body_mut() = body.into();
        self
    }

    /// Puts a request extension in place, as a layer in front of the router would.
    pub fn extension<T: Clone + Send + Sync + 'static>(mut self, value: T) -> Self {
        self.request.extensions_mut().insert(value);
        self
    }

    /// # Panics
    /// When the body of the answer breaks off.
    pub async fn send(self) -> TestResponse {
        let Ok(response) = self.router.oneshot(self.request).await;
        let (parts, body) = response.into_parts();
        let body = body.collect().await.expect("the answer's body is complete").to_bytes();
        TestResponse { status: parts.status, headers: parts.headers, body }
    }
}

/// The whole answer.
#[derive(Debug, Clone)]
pub struct TestResponse {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl TestResponse {
    /// The body as JSON; `null` when it is empty.
    ///
    /// # Panics
    /// When the body is something else.
    #[track_caller]
    pub fn json(&self) -> Value {
        if self.body.is_empty() {
            return Value::Null;
        }
        self.parsed()
    }

    /// # Panics
    /// When the body is no such thing; the message shows it.
    #[track_caller]
    pub fn parsed<T: DeserializeOwned>(&self) -> T {
        match serde_json::from_slice(&self.body) {
            Ok(value) => value,
            Err(error) => panic!("{} with an unexpected body ({error}): {}", self.status, self.text()),
        }
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The header's text, `None` when it is missing.
    ///
    /// # Panics
    /// When it is not text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().expect("the answer's header is text"))
    }

    /// Itself, when the status is the expected one.
    ///
    /// # Panics
    /// When it is another; the message shows the body.
    #[track_caller]
    #[must_use]
    pub fn expect(self, status: StatusCode) -> Self {
        assert_eq!(self.status, status, "{}", self.text());
        self
    }
}

#[cfg(test)]
mod tests {
    use axum::Json;
    use axum::routing::post;
    use serde_json::json;

    use super::*;

    async fn echo(headers: HeaderMap, Json(body): Json<Value>) -> (StatusCode, Json<Value>) {
        let bearer = headers[AUTHORIZATION].to_str().unwrap().to_owned();
        (StatusCode::CREATED, Json(json!({ "bearer": bearer, "body": body })))
    }

    #[tokio::test]
    async fn a_request_carries_its_token_and_body_and_the_answer_is_json() {
        let app = TestApp::new(Router::new().route("/echo", post(echo)));
        let sent = app.post("/echo").bearer("abc").json(&json!({ "a": 1 })).send().await;
        let answer = sent.expect(StatusCode::CREATED);
        assert_eq!(answer.json(), json!({ "bearer": "Bearer abc", "body": { "a": 1 } }));
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert_eq!(app.get("/none").send().await.status, StatusCode::NOT_FOUND);
    }
}
