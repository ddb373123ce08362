//! One request to the endpoint, and the reading of its answer.

use std::time::Duration;

use chassis::{Secret, outside};
use http::{Method, StatusCode, header};
use reqwest::{Response, Url};
use serde::Deserialize;
use tokio::time::{Instant, timeout, timeout_at};

use super::error::ModelError;
use super::gathering::{Gathering, Next};
use super::measure;
use super::request::{Body, Request};
use super::sse::Decoder;
use super::tokens::Meter;
use super::verdict;

/// The longest stream: each word comes in a few hundred bytes of JSON.
const MAX_STREAM: usize = 4 * 1024 * 1024;
/// The most of a refusal that is looked at.
const MAX_REFUSAL: usize = 16 * 1024;
/// How long the bill may come after the last word.
const BILL: Duration = Duration::from_millis(500);
/// How long the end of the stream may come after its end mark. A connection that was read to its end can be used
/// again.
const FAREWELL: Duration = Duration::from_millis(50);

/// Where and how requests go.
pub(super) struct Sender {
    pub(super) http: reqwest::Client,
    pub(super) endpoint: Url,
    pub(super) model: String,
    pub(super) key: Option<Secret>,
    pub(super) max_tokens: u32,
    /// The longest silence in the middle of an answer.
    pub(super) idle: Duration,
}

/// What a request has cost so far, put on the meter when it is over, whatever ends it.
struct Spending<'a> {
    meter: &'a Meter,
    label: &'static str,
    prompt: u64,
    answer: Gathering,
    owed: bool,
}

impl Drop for Spending<'_> {
    fn drop(&mut self) {
        if self.owed {
            self.meter.add(self.label, self.answer.tokens(self.prompt));
        }
    }
}

impl Sender {
    /// The whole text of the answer.
    pub(super) async fn send(
        &self,
        request: &Request,
        deadline: Instant,
        meter: &Meter,
    ) -> Result<String, ModelError> {
        let answer = Gathering::new(request.max_bytes);
        let mut spending =
            Spending { meter, label: request.label, prompt: request.tokens(), answer, owed: true };
        let span = outside::span(&Method::POST, &self.endpoint, "/chat/completions");
        let result = self.exchange(request, deadline, &mut spending.answer).await;
        match &result {
            Ok(()) => span.answered(StatusCode::OK),
            Err(error) => span.fail(error.reason()),
        }
        spending.owed = result.as_ref().err().is_none_or(ModelError::may_cost);
        result?;
        spending.answer.text()
    }

    async fn exchange(
        &self,
        request: &Request,
        deadline: Instant,
        answer: &mut Gathering,
    ) -> Result<(), ModelError> {
        let since = Instant::now();
        let mut outgoing = self
            .http
            .post(self.endpoint.clone())
            .header(header::ACCEPT, "text/event-stream")
            .json(&Body::new(&self.model, self.max_tokens, request));
        if let Some(key) = &self.key {
            outgoing = outgoing.bearer_auth(key.expose());
        }
        let response = timeout_at(deadline, outgoing.send())
            .await
            .map_err(|_elapsed| ModelError::Timeout)?
            .map_err(unanswered)?;
        if !response.status().is_success() {
            return Err(refusal(response, deadline).await);
        }
        let kind = response.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        if kind.is_none_or(|kind| !kind.to_ascii_lowercase().starts_with("text/event-stream")) {
            return Err(ModelError::Protocol { what: "the answer is no event stream" });
        }
        self.read(response, deadline, answer, || measure::first_content(request.label, since.elapsed())).await
    }

    async fn read(
        &self,
        mut response: Response,
        deadline: Instant,
        answer: &mut Gathering,
        first_content: impl FnOnce(),
    ) -> Result<(), ModelError> {
        let mut decoder = Decoder::default();
        let mut received = 0;
        let mut first_content = Some(first_content);
        loop {
            // Thinking before the first word may take all the time there is.
            let patience = match (answer.has_ended(), received) {
                (true, _) => deadline.min(Instant::now() + BILL.min(self.idle)),
                (false, 0) => deadline,
                (false, _) => deadline.min(Instant::now() + self.idle),
            };
            let bytes = match timeout_at(patience, response.chunk()).await {
                // The text is complete; only its bill is missing.
                Err(_) | Ok(Err(_)) if answer.has_ended() => return Ok(()),
                Err(_elapsed) if Instant::now() >= deadline => return Err(ModelError::Timeout),
                Err(_elapsed) => return Err(ModelError::Stalled { begun: answer.has_begun() }),
                Ok(Err(source)) => {
                    let source = Some(source.without_url());
                    return Err(ModelError::Cut { begun: answer.has_begun(), source });
                }
                Ok(Ok(None)) => {
                    // Half an event is no protocol error but a cut one.
                    if let Some(rest) = decoder.finish() {
                        let _ = answer.take(&rest);
                    }
                    return Ok(());
                }
                Ok(Ok(Some(bytes))) => bytes,
            };
            received += bytes.len();
            let events = match decoder.push(&bytes) {
                _ if received > MAX_STREAM => Err(ModelError::TooLong),
                events => events,
            };
            let events = match events {
                Err(_) if answer.has_ended() => return Ok(()),
                events => events?,
            };
            for event in events {
                if answer.take(&event)? == Next::Done {
                    let _ = timeout(FAREWELL, response.chunk()).await;
                    return Ok(());
                }
                if answer.has_begun()
                    && let Some(tell) = first_content.take()
                {
                    tell();
                }
            }
        }
    }
}

fn unanswered(source: reqwest::Error) -> ModelError {
    let source = source.without_url();
    if source.is_builder() {
        ModelError::Request { source }
    } else if source.is_connect() {
        ModelError::Connect { source }
    } else {
        ModelError::Cut { begun: false, source: Some(source) }
    }
}

async fn refusal(mut response: Response, deadline: Instant) -> ModelError {
    let status = response.status();
    let retry_after = verdict::retry_after(response.headers(), chrono::Utc::now().timestamp());
    let mut body = Vec::new();
    // What cannot be read is only a word for the log.
    while let Ok(Ok(Some(bytes))) = timeout_at(deadline, response.chunk()).await
        && body.len() + bytes.len() <= MAX_REFUSAL
    {
        body.extend_from_slice(&bytes);
    }
    ModelError::Status { status, retry_after, code: code(&body) }
}

/// What an error of this API has as its code or type. Its message is left alone: it may quote the key or the question.
fn code(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Refusal {
        error: Detail,
    }
    #[derive(Deserialize)]
    struct Detail {
        #[serde(default)]
        code: serde_json::Value,
        #[serde(default)]
        r#type: serde_json::Value,
    }
    let Refusal { error } = serde_json::from_slice(body).ok()?;
    let word = |value: serde_json::Value| value.as_str().map(str::to_owned);
    let code = word(error.code).or_else(|| word(error.r#type))?;
    let plain =
        (1..=60).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    plain.then_some(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_plain_word_of_a_refusal_is_kept() {
        for (body, expected) in [
            (r#"{"error":{"code":"insufficient_quota","type":"x"}}"#, Some("insufficient_quota")),
            (r#"{"error":{"code":null,"type":"server_error"}}"#, Some("server_error")),
            (r#"{"error":{"code":401}}"#, None),
            (r#"{"error":{"code":"sk-1234"}}"#, None),
            (r#"{"error":"no"}"#, None),
            ("<html>", None),
        ] {
            assert_eq!(code(body.as_bytes()).as_deref(), expected, "{body}");
        }
    }
}
