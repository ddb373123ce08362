//! Cross-origin rules. The gateway alone sets them; what upstreams say about origins is stripped.
//!
//! The web client logs its user out on an answer without these headers, so every answer has them.

use contract::gateway::Cors;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use http::{HeaderMap, HeaderValue, Method};
use thiserror::Error;

const METHODS: &str = "GET, POST, PUT, PATCH, DELETE";
const HEADERS: &str = "Authorization, Content-Type, Accept, Idempotency-Key, Last-Event-ID, If-Match, \
                       X-API-Key, traceparent";
const EXPOSED: &str = "X-Trace-Id, Retry-After, RateLimit, RateLimit-Policy, X-RateLimit-Remaining, \
                       X-RateLimit-Burst-Capacity, X-RateLimit-Replenish-Rate, ETag, Location, \
                       Idempotency-Replayed, X-Fallback";
/// Seconds a browser may remember a preflight.
const MAX_AGE: &str = "600";

/// The origins that may read our answers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Origins {
    rules: Vec<Rule>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Rule {
    /// `scheme://host`, lower-case.
    prefix: String,
    port: Port,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Port {
    /// None written: the scheme's own.
    Implied,
    Exactly(u16),
    Any,
}

#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{0}` is not an origin like https://example.org, with an optional port or `:*`")]
pub(crate) struct OriginFault(String);

impl Origins {
    pub(crate) fn compile(config: &Cors) -> Result<Self, OriginFault> {
        let rules = config.allowed_origins.iter().map(|text| {
            let (prefix, port) = match text.strip_suffix(":*") {
                Some(prefix) => (prefix, Port::Any),
                None => split(text).ok_or_else(|| OriginFault(text.clone()))?,
            };
            match split(prefix) {
                Some((prefix, Port::Implied)) => Ok(Rule { prefix: prefix.to_ascii_lowercase(), port }),
                _ => Err(OriginFault(text.clone())),
            }
        });
        Ok(Self { rules: rules.collect::<Result<_, _>>()? })
    }

    pub(crate) fn allow(&self, origin: &str) -> bool {
        let Some((prefix, port)) = split(origin) else {
            return false;
        };
        self.rules.iter().any(|rule| {
            rule.prefix.eq_ignore_ascii_case(prefix) && (rule.port == Port::Any || rule.port == port)
        })
    }

    /// Puts the headers of every answer.
    pub(crate) fn apply(&self, origin: Option<&HeaderValue>, headers: &mut HeaderMap) {
        headers.append(VARY, HeaderValue::from_static("Origin"));
        let Some(origin) = origin else { return };
        if origin.to_str().is_ok_and(|origin| self.allow(origin)) {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
            headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED));
        }
    }

    /// Puts what a preflight asks for; [`Self::apply`] does the rest.
    pub(crate) fn apply_preflight(headers: &mut HeaderMap) {
        headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(METHODS));
        headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static(HEADERS));
        headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static(MAX_AGE));
    }
}

/// A browser asks first (Fetch standard, CORS-preflight request).
pub(crate) fn is_preflight(method: &Method, headers: &HeaderMap) -> bool {
    method == Method::OPTIONS
        && headers.contains_key(ORIGIN)
        && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

/// `scheme://host` and the port of a serialised origin.
fn split(origin: &str) -> Option<(&str, Port)> {
    let (scheme, rest) = origin.split_once("://")?;
    if !matches!(scheme.to_ascii_lowercase().as_str(), "http" | "https") {
        return None;
    }
    let host_end = match rest.strip_prefix('[') {
        Some(address) => address.find(']')? + 2,
        None => rest.find(':').unwrap_or(rest.len()),
    };
    let (host, port) = rest.split_at(host_end);
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_[]:".contains(&byte);
    if host.is_empty() || !host.bytes().all(plain) {
        return None;
    }
    let port = match port.strip_prefix(':') {
        None if port.is_empty() => Port::Implied,
        Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            Port::Exactly(digits.parse().ok()?)
        }
        None | Some(_) => return None,
    };
    Some((&origin[..scheme.len() + 3 + host_end], port))
}

#[cfg(test)]
mod tests {
    use contract::gateway::GatewayConfig;

    use super::*;

    fn standard() -> Origins {
        Origins::compile(&GatewayConfig::standard().cors).unwrap()
    }

    fn of(list: &[&str]) -> Result<Origins, OriginFault> {
        Origins::compile(&Cors { allowed_origins: list.iter().map(|text| (*text).into()).collect() })
    }

    #[test]
    fn local_origins_pass_on_any_port_and_others_do_not() {
        let origins = standard();
        for origin in
            ["http://localhost:3000", "https://localhost", "http://127.0.0.1:5173", "http://[::1]:80"]
        {
            assert!(origins.allow(origin), "{origin}");
        }
        for origin in [
            "null",
            "",
            "http://localhost.evil.example",
            "http://evil.example",
            "http://localhost:3000/path",
            "http://localhost:3000@evil.example",
            "http://localhost:",
            "http://localhost:99999",
            "file://localhost",
            "localhost:3000",
            "http://[::1]evil:80",
        ] {
            assert!(!origins.allow(origin), "{origin}");
        }
    }

    #[test]
    fn a_port_that_is_written_is_meant() {
        let origins = of(&["https://app.example.org", "http://dev.example.org:8000"]).unwrap();
        assert!(origins.allow("https://app.example.org") && origins.allow("https://APP.example.org"));
        assert!(!origins.allow("https://app.example.org:8443") && !origins.allow("http://app.example.org"));
        assert!(origins.allow("http://dev.example.org:8000") && !origins.allow("http://dev.example.org"));
    }

    #[test]
    fn lists_that_say_nothing_clear_are_refused() {
        for text in ["*", "localhost", "http://", "https://a.b/c", "http://a:b", "https://*.example.org"] {
            assert!(of(&[text]).is_err(), "{text}");
        }
    }

    #[test]
    fn an_answer_to_a_foreign_origin_varies_but_names_nobody() {
        let mut headers = HeaderMap::new();
        standard().apply(Some(&HeaderValue::from_static("https://evil.example")), &mut headers);
        assert_eq!(headers.get(VARY).unwrap(), "Origin");
        assert!(!headers.contains_key(ACCESS_CONTROL_ALLOW_ORIGIN));
    }
}
