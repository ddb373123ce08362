//! Where a request comes from, as far as it matters for throttling and for the list of sessions.

use std::convert::Infallible;
use std::net::IpAddr;

use axum::extract::FromRequestParts;
use http::HeaderMap;
use http::header::{HeaderName, USER_AGENT};
use http::request::Parts;

/// Written by the gateway, which knows the proxies before it; never passed on from a client.
const X_REAL_IP: HeaderName = HeaderName::from_static("x-real-ip");

/// The client behind the gateway.
#[derive(Debug, Clone, Default)]
pub struct Caller {
    pub address: Option<IpAddr>,
    pub user_agent: Option<String>,
}

impl Caller {
    fn from_headers(headers: &HeaderMap) -> Self {
        Self {
            address: headers.get(X_REAL_IP).and_then(|value| value.to_str().ok()?.parse().ok()),
            user_agent: headers.get(USER_AGENT).and_then(|value| value.to_str().ok()).map(str::to_owned),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        Ok(Self::from_headers(&parts.headers))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_gateway_says_of_the_client_counts() {
        let headers = HeaderMap::from_iter([
            (HeaderName::from_static("x-forwarded-for"), "9.9.9.9".parse().unwrap()),
            (X_REAL_IP, "1.1.1.1".parse().unwrap()),
            (USER_AGENT, "Firefox".parse().unwrap()),
        ]);
        let caller = Caller::from_headers(&headers);
        assert_eq!(caller.address, Some("1.1.1.1".parse().unwrap()));
        assert_eq!(caller.user_agent.as_deref(), Some("Firefox"));
        assert_eq!(Caller::from_headers(&HeaderMap::new()).address, None);
    }
}
