//! A step's request with every name filled in, ready to be sent.

use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};

use super::plan::PlannedStep;
use super::redact::Redactor;
use super::scenario::Body;
use super::template::{Quoting, Variables};

#[derive(Clone)]
pub(crate) struct Request {
    pub method: Method,
    pub url: String,
    pub headers: HeaderMap,
    pub body: Option<String>,
}

/// A filled-in value that HTTP does not allow. The value itself is not told: it may be secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the value of header {0} has characters that HTTP does not allow")]
pub(crate) struct HeaderError(HeaderName);

/// Fills in a step's request.
///
/// # Errors
/// When a header's value cannot be sent.
pub(crate) fn request(step: &PlannedStep, variables: &Variables) -> Result<Request, HeaderError> {
    let mut headers = HeaderMap::new();
    for (name, value) in &step.step.headers {
        let value = value.fill(variables, Quoting::AsIs);
        let value = HeaderValue::from_str(&value).map_err(|_| HeaderError(name.clone()))?;
        headers.append(name, value);
    }
    let body = match &step.step.body {
        Some(Body::Json(json)) => {
            headers.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static("application/json"));
            Some(json.fill(variables).to_string())
        }
        Some(Body::Raw(text)) => Some(text.fill(variables, Quoting::AsIs)),
        None => None,
    };
    let url = format!("{}{}", step.base, step.step.path.fill(variables, Quoting::Percent));
    Ok(Request { method: step.step.method.clone(), url, headers, body })
}

impl Request {
    /// Adds the credentials that are about to be sent.
    pub(crate) fn teach(&self, redactor: &mut Redactor) {
        for (name, value) in &self.headers {
            redactor.learn_header(name, &String::from_utf8_lossy(value.as_bytes()));
        }
        if let Some(body) = &self.body {
            redactor.learn_body(body);
        }
    }

    /// `POST http://127.0.0.1:8080/api/users`
    pub(crate) fn line(&self) -> String {
        format!("{} {}", self.method, self.url)
    }
}
