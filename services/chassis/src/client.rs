//! Calls to other services: discovery, a total deadline, the caller's trace, our own token.
//!
//! One attempt a call. Retries and breakers wrap `ServiceClient::attempt` when they come.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use contract::code::ErrorCode;
use contract::problem::Problem;
use http::{Method, StatusCode, header};
use serde::Serialize;
use serde::de::DeserializeOwned;
use thiserror::Error;
use tokio::time::Instant;

use crate::context;
use crate::deadline;
use crate::discovery::Discovery;
use crate::error::ApiError;
use crate::identity::ServiceSigner;

/// Connecting within one machine or one network takes less, or fails.
const CONNECT_LIMIT: Duration = Duration::from_millis(500);
/// Longer answers are not ours.
const MAX_ANSWER: usize = 4 * 1024 * 1024;

/// Why there is no answer to use.
#[derive(Debug, Error)]
pub enum CallError {
    #[error("{service} has no instance to call")]
    NoInstance { service: &'static str },
    /// The request did not reach the service.
    #[error("{service} is not reachable")]
    Unreachable { service: &'static str, source: reqwest::Error },
    #[error("{service} did not answer in time")]
    Timeout { service: &'static str },
    /// The service answered with an error.
    #[error("{service} refused with {status}{}", problem.as_ref().map(|p| format!(" {}", p.error_code)).unwrap_or_default())]
    Refused { service: &'static str, status: StatusCode, problem: Option<Box<Problem>> },
    /// The connection broke after the request was sent, or the answer is not what was agreed.
    #[error("the answer of {service} is not usable")]
    BrokenAnswer { service: &'static str, source: Box<dyn std::error::Error + Send + Sync> },
    #[error("failed to sign a token for {service}")]
    Sign { service: &'static str, source: Box<dyn std::error::Error + Send + Sync> },
}

impl CallError {
    /// The code of the service's own error, if it answered with one.
    pub fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::Refused { problem: Some(problem), .. } => Some(problem.error_code),
            _ => None,
        }
    }

    /// The status the service answered with, if it refused.
    pub const fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Refused { status, .. } => Some(*status),
            _ => None,
        }
    }
}

/// For calls without a fallback: the caller hears that we cannot, not what the other service said.
impl From<CallError> for ApiError {
    fn from(error: CallError) -> Self {
        let code = match &error {
            CallError::Timeout { .. } | CallError::Refused { status: StatusCode::GATEWAY_TIMEOUT, .. } => {
                ErrorCode::UpstreamTimeout
            }
            CallError::NoInstance { .. } | CallError::Unreachable { .. } | CallError::BrokenAnswer { .. } => {
                ErrorCode::UpstreamUnavailable
            }
            CallError::Refused { status, .. } if status.is_server_error() => ErrorCode::UpstreamUnavailable,
            CallError::Refused { .. } | CallError::Sign { .. } => ErrorCode::Internal,
        };
        Self::new(code).because(error)
    }
}

/// Calls one service. Cheap to clone.
#[derive(Clone)]
pub struct ServiceClient {
    service: &'static str,
    http: reqwest::Client,
    discovery: Discovery,
    signer: Option<ServiceSigner>,
    /// The most that a call may take; less when the request at hand has less left.
    limit: Duration,
    turn: Arc<AtomicUsize>,
}

/// The connection pool that all clients of a process share. Internal addresses are plain HTTP, so no root
/// certificates are loaded.
///
/// # Errors
/// When the HTTP client cannot be set up.
pub fn http_client() -> reqwest::Result<reqwest::Client> {
    reqwest::Client::builder()
        .no_proxy()
        .tls_certs_only(std::iter::empty())
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(CONNECT_LIMIT)
        .pool_max_idle_per_host(16)
        .tcp_nodelay(true)
        .build()
}

impl ServiceClient {
    pub fn new(
        service: &'static str,
        limit: Duration,
        http: reqwest::Client,
        discovery: Discovery,
        signer: Option<ServiceSigner>,
    ) -> Self {
        Self { service, http, discovery, signer, limit, turn: Arc::default() }
    }

    /// `GET path`, answered with JSON.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn get<A: DeserializeOwned>(&self, path: &str) -> Result<A, CallError> {
        self.call(Method::GET, path, None::<&()>).await
    }

    /// `PUT path` with JSON, answered with JSON.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn put<A: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<A, CallError> {
        self.call(Method::PUT, path, Some(body)).await
    }

    /// `POST path` with JSON, answered with JSON.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn post<A: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<A, CallError> {
        self.call(Method::POST, path, Some(body)).await
    }

    /// `DELETE path`; an answer is not read.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn delete(&self, path: &str) -> Result<(), CallError> {
        self.call_within(Method::DELETE, path, None::<&()>).await.map(|_| ())
    }

    /// Any call that is answered with JSON; an empty answer reads as `null`.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn call<A: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
    ) -> Result<A, CallError> {
        let answer = self.call_within(method, path, body).await?;
        let answer: &[u8] = if answer.is_empty() { b"null" } else { &answer };
        serde_json::from_slice(answer).map_err(|source| self.broken(source))
    }

    /// Bounds the call by our limit and by what the request at hand has left.
    async fn call_within(
        &self,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
    ) -> Result<Vec<u8>, CallError> {
        let left = match context::budget() {
            Some(budget) => budget.remaining(Instant::now()).map(|left| left.min(self.limit)),
            None => Some(self.limit),
        };
        let left = left.ok_or(CallError::Timeout { service: self.service })?;
        let body = body.map(serde_json::to_vec).transpose().map_err(|source| self.broken(source))?;
        tokio::time::timeout(left, self.attempt(method, path, body, left))
            .await
            .unwrap_or(Err(CallError::Timeout { service: self.service }))
    }

    /// One attempt at one instance.
    async fn attempt(
        &self,
        method: Method,
        path: &str,
        body: Option<Vec<u8>>,
        left: Duration,
    ) -> Result<Vec<u8>, CallError> {
        let service = self.service;
        let instance = self
            .discovery
            .pick(service, self.turn.fetch_add(1, Ordering::Relaxed))
            .ok_or(CallError::NoInstance { service })?;
        let context = context::current();
        let mut request = self
            .http
            .request(method, format!("{}{path}", instance.url))
            .header("traceparent", context.trace.traceparent())
            .header(header::ACCEPT_LANGUAGE, context.language.tag())
            .header(deadline::HEADER, u64::try_from(left.as_millis()).unwrap_or(u64::MAX));
        if let Some(signer) = &self.signer {
            let token = signer
                .token_for(service)
                .map_err(|source| CallError::Sign { service, source: source.into() })?;
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.header(header::CONTENT_TYPE, "application/json").body(body);
        }
        let answer = request.send().await.map_err(|source| self.unanswered(source))?;
        self.read(answer).await
    }

    async fn read(&self, mut answer: reqwest::Response) -> Result<Vec<u8>, CallError> {
        let status = answer.status();
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|source| self.broken(source))? {
            if body.len() + chunk.len() > MAX_ANSWER {
                return Err(self.broken(format!("longer than {MAX_ANSWER} bytes")));
            }
            body.extend_from_slice(&chunk);
        }
        if status.is_success() {
            return Ok(body);
        }
        let problem = serde_json::from_slice(&body).ok();
        Err(CallError::Refused { service: self.service, status, problem })
    }

    fn unanswered(&self, source: reqwest::Error) -> CallError {
        let service = self.service;
        if source.is_connect() {
            CallError::Unreachable { service, source }
        } else if source.is_timeout() {
            CallError::Timeout { service }
        } else {
            self.broken(source)
        }
    }

    fn broken(&self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> CallError {
        CallError::BrokenAnswer { service: self.service, source: source.into() }
    }
}
