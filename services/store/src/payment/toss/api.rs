//! The routes of the API: one request each, with its deadline, bounded and behind the breaker.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chassis::client::Breakers;
use chassis::{Secret, outside};
use http::{Method, StatusCode, header};
use reqwest::{Client, RequestBuilder, Response, Url};
use resilience::breaker::{Breaker, Config as BreakerConfig, Outcome, Wait, Window};
use serde::de::DeserializeOwned;
use tokio::time::{Instant, timeout_at};
use tracing::error;

use super::config::TossConfig;
use super::error::TossError;
use super::measure;
use super::refusal::{Meaning, meaning};
use super::wire::{Cancel, Confirm, Payment, Refusal, Transaction};

/// The name of its breaker.
const NAME: &str = "toss";
const CONNECT_LIMIT: Duration = Duration::from_secs(2);
/// "거래 조회는 최대 60초가 소요됩니다": the list of transactions takes up to a minute.
pub(super) const BOOKS_LIMIT: Duration = Duration::from_mins(1);
/// A payment has 3 KB, a page of transactions some 400 bytes for each.
const LONGEST_ANSWER: usize = 2 * 1024 * 1024;
/// The header of the API's own idempotency: up to 300 characters, remembered for 15 days.
const IDEMPOTENCY_KEY: &str = "Idempotency-Key";

pub(super) struct Api {
    http: Client,
    base: Url,
    key: Secret,
    breaker: Breaker,
    /// Whether it was said that the key is no good.
    said: AtomicBool,
}

impl Api {
    pub(super) fn new(config: &TossConfig, breakers: &Breakers) -> Result<Self, reqwest::Error> {
        let http = outside::http_client(&config.url, CONNECT_LIMIT.min(config.timeout), |client| client)?;
        Ok(Self {
            http,
            base: config.url.clone(),
            key: config.key.clone(),
            breaker: breakers.guard(NAME, breaker_config()),
            said: AtomicBool::new(false),
        })
    }

    pub(super) async fn confirm(
        &self,
        body: &Confirm<'_>,
        idempotency_key: &str,
        deadline: Instant,
    ) -> Result<Payment, TossError> {
        let uri = "/v1/payments/confirm";
        let request = self
            .http
            .post(self.url("v1/payments/confirm"))
            .header(IDEMPOTENCY_KEY, idempotency_key)
            .json(body);
        self.run(&Method::POST, uri, request, deadline).await
    }

    pub(super) async fn cancel(
        &self,
        payment_key: &str,
        body: &Cancel,
        idempotency_key: &str,
        deadline: Instant,
    ) -> Result<Payment, TossError> {
        let uri = "/v1/payments/{paymentKey}/cancel";
        let request = self
            .http
            .post(self.url(&format!("v1/payments/{payment_key}/cancel")))
            .header(IDEMPOTENCY_KEY, idempotency_key)
            .json(body);
        self.run(&Method::POST, uri, request, deadline).await
    }

    pub(super) async fn payment(&self, payment_key: &str, deadline: Instant) -> Result<Payment, TossError> {
        let uri = "/v1/payments/{paymentKey}";
        let request = self.http.get(self.url(&format!("v1/payments/{payment_key}")));
        self.run(&Method::GET, uri, request, deadline).await
    }

    pub(super) async fn transactions(
        &self,
        query: &[(&str, &str)],
        deadline: Instant,
    ) -> Result<Vec<Transaction>, TossError> {
        let request = self.http.get(self.url("v1/transactions")).query(query);
        self.run(&Method::GET, "/v1/transactions", request, deadline).await
    }

    /// A payment's key is of characters that mean nothing in a path.
    fn url(&self, path: &str) -> Url {
        self.base.join(path).expect("a path can be joined to a base with a host")
    }

    async fn run<A: DeserializeOwned>(
        &self,
        method: &Method,
        uri: &'static str,
        request: RequestBuilder,
        deadline: Instant,
    ) -> Result<A, TossError> {
        let permit = self.breaker.try_acquire().map_err(|_closed| TossError::Open)?;
        let since = Instant::now();
        let span = outside::span(method, &self.base, uri);
        let result = self.exchange(request, deadline).await;
        match &result {
            Ok(_) => span.answered(StatusCode::OK),
            Err(TossError::Refused { status, .. }) => span.answered(*status),
            Err(error) => span.fail(error.reason()),
        }
        let outcome = judge(&result);
        measure::request(NAME, method, uri, &result, &outcome, since.elapsed());
        permit.finish(outcome);
        self.learn(&result);
        result
    }

    async fn exchange<A: DeserializeOwned>(
        &self,
        request: RequestBuilder,
        deadline: Instant,
    ) -> Result<A, TossError> {
        // The key is the user, and there is no password.
        let request = request.basic_auth(self.key.expose(), Some(""));
        let response = timeout_at(deadline, request.send())
            .await
            .map_err(|_elapsed| TossError::Timeout)?
            .map_err(unanswered)?;
        let (status, retry_after) = (response.status(), retry_after(&response));
        let body = bounded(response, deadline).await;
        if status == StatusCode::OK {
            return serde_json::from_slice(&body?).map_err(|source| TossError::Protocol { source });
        }
        // What cannot be read was not the provider's word.
        let code = body.ok().and_then(|body| code(&body));
        Err(TossError::Refused { status, code, retry_after })
    }

    fn learn<A>(&self, result: &Result<A, TossError>) {
        match result {
            Ok(_) => self.said.store(false, Ordering::Relaxed),
            Err(TossError::Refused { status, code, .. })
                if meaning(*status, code.as_deref()) == Meaning::Ours =>
            {
                // Once, and not for each payment: the key does not get better by itself.
                if !self.said.swap(true, Ordering::Relaxed) {
                    let code = code.as_deref().unwrap_or_default();
                    error!(
                        code,
                        "the payment provider does not accept our key or contract: no order can be paid"
                    );
                }
            }
            Err(_) => {}
        }
    }
}

fn unanswered(source: reqwest::Error) -> TossError {
    // The address has the payment's key in it.
    let source = source.without_url();
    if source.is_builder() {
        TossError::Request { source }
    } else if source.is_connect() {
        TossError::Connect { source }
    } else {
        TossError::Cut { source }
    }
}

async fn bounded(mut response: Response, deadline: Instant) -> Result<Vec<u8>, TossError> {
    let mut body = Vec::new();
    loop {
        match timeout_at(deadline, response.chunk()).await {
            Err(_elapsed) => return Err(TossError::Timeout),
            Ok(Err(source)) => return Err(TossError::Cut { source: source.without_url() }),
            Ok(Ok(None)) => return Ok(body),
            Ok(Ok(Some(bytes))) if body.len() + bytes.len() > LONGEST_ANSWER => {
                return Err(TossError::TooLong);
            }
            Ok(Ok(Some(bytes))) => body.extend_from_slice(&bytes),
        }
    }
}

/// The code of an error object, if it is one: it goes to logs and into the database.
fn code(body: &[u8]) -> Option<String> {
    let Refusal { code } = serde_json::from_slice(body).ok()?;
    let plain = (1..=60).contains(&code.len())
        && code.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_');
    plain.then_some(code)
}

fn retry_after(response: &Response) -> Option<Duration> {
    let seconds = response.headers().get(header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// What the breaker learns. A refusal that is about one payment is a good answer.
fn judge<A>(result: &Result<A, TossError>) -> Outcome {
    let Err(error) = result else { return Outcome::Success };
    match error {
        TossError::Open | TossError::Request { .. } => Outcome::Ignored { cause: "nothing was sent".into() },
        TossError::Refused { status, code: Some(code), .. }
            if status.is_client_error()
                && *status != StatusCode::TOO_MANY_REQUESTS
                && meaning(*status, Some(code)) != Meaning::Ours =>
        {
            Outcome::Success
        }
        TossError::Refused { status, retry_after, .. } => Outcome::Failure {
            cause: format!("status {}", status.as_u16()).into(),
            retry_after: *retry_after,
        },
        TossError::Connect { .. }
        | TossError::Timeout
        | TossError::Cut { .. }
        | TossError::Protocol { .. }
        | TossError::TooLong => Outcome::Failure { cause: error.reason().into(), retry_after: None },
    }
}

fn breaker_config() -> BreakerConfig {
    BreakerConfig {
        // Half of at least ten in the last minute, or the last ten: a shop that nobody can pay in is worse than one
        // that asks too often.
        window: Window::Time(60),
        consecutive_failures: Some(10),
        // A list of transactions may take that long.
        slow_call: BOOKS_LIMIT,
        half_open_permits: 2,
        wait: Wait {
            initial: Duration::from_secs(1),
            factor: 2.0,
            max: Duration::from_secs(30),
            jitter: 0.2,
        },
        ..BreakerConfig::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: u16, code: Option<&str>) -> Result<(), TossError> {
        Err(TossError::Refused {
            status: StatusCode::from_u16(status).unwrap(),
            code: code.map(str::to_owned),
            retry_after: None,
        })
    }

    #[test]
    fn a_refusal_that_is_about_one_payment_does_not_count_against_the_provider() {
        let failed = |result| matches!(judge(&result), Outcome::Failure { .. });
        for (status, code) in [
            (403, "REJECT_CARD_PAYMENT"),
            (404, "NOT_FOUND_PAYMENT"),
            (400, "ALREADY_PROCESSED_PAYMENT"),
            (409, "IDEMPOTENT_REQUEST_PROCESSING"),
        ] {
            assert!(!failed(refused(status, Some(code))), "{code}");
        }
        for (status, code) in [
            (401, Some("UNAUTHORIZED_KEY")),
            (403, Some("FORBIDDEN_REQUEST")),
            (429, Some("TOO_MANY_REQUESTS")),
            (500, Some("COMMON_ERROR")),
            (502, None),
            (404, None),
            (302, None),
        ] {
            assert!(failed(refused(status, code)), "{status} {code:?}");
        }
        assert!(failed(Err(TossError::Timeout)) && !failed(Err(TossError::Open)));
    }

    #[test]
    fn only_a_plain_code_of_a_refusal_is_kept() {
        for (body, expected) in [
            (r#"{"code":"REJECT_CARD_PAYMENT","message":"한도초과"}"#, Some("REJECT_CARD_PAYMENT")),
            (r#"{"code":"test_sk_1","message":""}"#, None),
            (r#"{"code":"","message":""}"#, None),
            (r#"{"error":"no"}"#, None),
            ("<html>", None),
        ] {
            assert_eq!(code(body.as_bytes()).as_deref(), expected, "{body}");
        }
    }
}
