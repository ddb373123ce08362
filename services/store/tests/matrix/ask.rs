//! One request to the store, and what came of it.

use std::time::Duration;

use contract::store::Order;
use http::header::{LOCATION, RETRY_AFTER};
use http::{Method, StatusCode};
use serde_json::Value;

/// Before the next attempt, unless the answer says when.
const PACE: Duration = Duration::from_millis(100);

/// Who asks what.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Question<'a> {
    pub(crate) token: &'a str,
    pub(crate) path: &'a str,
    /// With a key and a body it is a POST, else a GET.
    pub(crate) order: Option<(&'a str, &'a Value)>,
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Value,
    /// `Location`.
    pub(crate) place: Option<String>,
}

/// Nobody knows what became of it: it is to be asked again.
#[derive(Debug)]
pub(crate) struct Again {
    pub(crate) why: String,
    pub(crate) pause: Duration,
}

impl Question<'_> {
    pub(crate) async fn ask(self, http: &reqwest::Client, door: &str) -> Result<Answer, Again> {
        let method = if self.order.is_some() { Method::POST } else { Method::GET };
        let mut request = http.request(method, format!("{door}{}", self.path)).bearer_auth(self.token);
        if let Some((key, body)) = self.order {
            request = request.header("idempotency-key", key).json(body);
        }
        let broken = |error| Again { why: format!("{error:?}"), pause: PACE };
        let answer = request.send().await.map_err(broken)?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let text = answer.text().await.map_err(broken)?;
        let header = |name| headers.get(name).map(|value| value.to_str().unwrap().to_owned());
        let later = header(RETRY_AFTER).map(|secs| Duration::from_secs(secs.parse().unwrap()));
        if status.is_server_error() || later.is_some() {
            // Nobody in a matrix has the patience of a client that was told to come back in minutes.
            let pause = later.map_or(PACE, |pause| pause.min(PACE * 10));
            return Err(Again { why: format!("{status} {text}"), pause });
        }
        let body = serde_json::from_str(&text).unwrap_or_else(|_| panic!("{status} with `{text}`"));
        Ok(Answer { status, body, place: header(LOCATION) })
    }
}

impl Answer {
    pub(crate) fn read(&self) -> Order {
        read(&self.body)
    }
}

pub(crate) fn read(order: &Value) -> Order {
    serde_json::from_value(order.clone()).unwrap_or_else(|error| panic!("{error}: {order}"))
}
