//! What came back, and what can be read from it. Raw: only `report.rs` makes it fit to be shown.

use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName, RETRY_AFTER};
use serde_json::Value;

#[derive(Clone)]
pub(crate) struct Response {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: String,
}

impl Response {
    pub(crate) fn json(&self) -> Option<Value> {
        serde_json::from_str(&self.body).ok()
    }

    /// All values of a header; several are joined as RFC 9110 section 5.3 allows.
    pub(crate) fn header(&self, name: &HeaderName) -> Option<String> {
        let values = self.headers.get_all(name).iter();
        let values: Vec<_> = values.map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
        (!values.is_empty()).then(|| values.join(", "))
    }

    /// Only of a 429, and only in seconds: a date would have to trust the clock of the answerer.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        let seconds = self.headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
        (self.status == 429).then(|| Duration::from_secs(seconds))
    }

    /// Under which the answerer's logs and traces know this request.
    pub(crate) fn trace_id(&self) -> Option<String> {
        self.header(&HeaderName::from_static("x-trace-id"))
            .or_else(|| self.json()?.get("traceId")?.as_str().map(str::to_owned))
    }
}
