//! The one error that handlers answer with, and its rendering as `application/problem+json`.

use std::error::Error as StdError;
use std::fmt::{self, Write as _};
use std::sync::Arc;
use std::time::Duration;

use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use contract::code::ErrorCode;
use contract::problem::{FieldError, Problem};
use contract::text::{Language, Text};
use http::{HeaderValue, StatusCode, header};

use crate::context;

/// A refusal or a failure, as the caller will see it. What it is `because` of is logged and never answered.
#[derive(Debug, Clone)]
pub struct ApiError {
    status: StatusCode,
    code: ErrorCode,
    text: Text,
    fields: Vec<(String, Text)>,
    retry_after: Option<Duration>,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

impl ApiError {
    /// The code's usual status and message. Unavailable upstreams say when to come back.
    pub fn new(code: ErrorCode) -> Self {
        let status = StatusCode::from_u16(code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let retry_after = (status == StatusCode::SERVICE_UNAVAILABLE).then_some(Duration::from_secs(1));
        Self { status, code, text: code.text(), fields: Vec::new(), retry_after, source: None }
    }

    /// Something that should not happen.
    pub fn internal(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::new(ErrorCode::Internal).because(source)
    }

    /// Another status than the code's usual one.
    #[must_use]
    pub fn status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// Another message than the code's usual one.
    #[must_use]
    pub fn text(mut self, text: Text) -> Self {
        self.text = text;
        self
    }

    /// Names a wrong field.
    #[must_use]
    pub fn field(mut self, field: impl Into<String>, text: Text) -> Self {
        self.fields.push((field.into(), text));
        self
    }

    #[must_use]
    pub fn retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    /// The cause, for the log.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(Arc::from(source.into()));
        self
    }

    pub const fn code(&self) -> ErrorCode {
        self.code
    }

    pub const fn status_code(&self) -> StatusCode {
        self.status
    }

    /// Value of `Retry-After` in whole seconds, at least 1.
    pub fn retry_after_secs(&self) -> Option<u64> {
        let round_up = |wait: Duration| wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        self.retry_after.map(|wait| round_up(wait).max(1))
    }

    /// The body for a caller.
    pub fn problem(&self, language: Language, path: &str, trace_id: String, now: DateTime<Utc>) -> Problem {
        let message = self.text.in_language(language).to_owned();
        Problem {
            kind: Problem::kind_of(self.code),
            title: self.code.text().in_language(language).to_owned(),
            status: self.status.as_u16(),
            detail: message.clone(),
            instance: path.to_owned(),
            success: false,
            data: (),
            message,
            error_code: self.code,
            timestamp: now,
            trace_id,
            errors: self
                .fields
                .iter()
                .map(|(field, text)| FieldError {
                    field: field.clone(),
                    message: text.in_language(language).to_owned(),
                })
                .collect(),
        }
    }

    /// The cause and its causes, `outer: inner: innermost`.
    pub fn chain(&self) -> Option<String> {
        let mut error: &dyn StdError = self.source.as_deref()?;
        let mut text = error.to_string();
        while let Some(source) = error.source() {
            // Writing to a string cannot fail.
            let _ = write!(text, ": {source}");
            error = source;
        }
        Some(text)
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.code, self.text.en)
    }
}

impl StdError for ApiError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

impl From<ErrorCode> for ApiError {
    fn from(code: ErrorCode) -> Self {
        Self::new(code)
    }
}

/// No free or reachable database is a reason to come back; anything else is a defect.
impl From<sqlx::Error> for ApiError {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::PoolTimedOut | sqlx::Error::Io(_) | sqlx::Error::PoolClosed => {
                Self::new(ErrorCode::UpstreamUnavailable).because(error)
            }
            // 57014: the statement ran into the request's deadline. 57P: the server is stopping or starting.
            sqlx::Error::Database(ref cause) => match cause.code().as_deref() {
                // Text from the caller with U+0000, which PostgreSQL does not store.
                Some("22021" | "22P05") => Self::new(ErrorCode::BadRequest)
                    .text(Text::new(
                        "저장할 수 없는 문자가 있습니다.",
                        "There is a character that cannot be stored.",
                    ))
                    .because(error),
                Some("57014") => Self::new(ErrorCode::UpstreamTimeout).because(error),
                Some(code) if code.starts_with("57P") => {
                    Self::new(ErrorCode::UpstreamUnavailable).because(error)
                }
                _ => Self::internal(error),
            },
            error => Self::internal(error),
        }
    }
}

/// Rendered for the request that the current task works on; the error itself travels along as an extension,
/// for the layer that logs it.
impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let context = context::current();
        let problem =
            self.problem(context.language, &context.path, context.trace.trace_id.to_string(), Utc::now());
        let body = serde_json::to_vec(&problem).expect("a problem has only strings and numbers");
        let mut response = (self.status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(Problem::CONTENT_TYPE));
        headers.insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(context.language.tag()));
        if let Some(seconds) = self.retry_after_secs() {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response.extensions_mut().insert(self);
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cause_is_for_the_log_and_never_for_the_caller() {
        let cause = std::io::Error::other("password=hunter2 at 10.0.0.1");
        let error = ApiError::internal(cause);
        assert_eq!(error.chain().unwrap(), "password=hunter2 at 10.0.0.1");
        let problem = error.problem(Language::Korean, "/x", "t".to_owned(), Utc::now());
        assert!(!serde_json::to_string(&problem).unwrap().contains("hunter2"));
        assert_eq!(problem.status, 500);
    }

    #[test]
    fn unavailable_always_says_when_to_come_back() {
        let error = ApiError::new(ErrorCode::UpstreamUnavailable);
        assert_eq!(error.retry_after_secs(), Some(1));
        assert_eq!(error.retry_after(Duration::from_millis(2100)).retry_after_secs(), Some(3));
        assert_eq!(ApiError::new(ErrorCode::Internal).retry_after_secs(), None);
    }
}
