//! Which headers pass from one side to the other.

use http::header::{
    CONNECTION, CONTENT_LENGTH, EXPECT, FORWARDED, HOST, HeaderMap, HeaderName, PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION, TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
};

/// Prefixes of headers by which our services could be told who is calling. Only tokens say that.
const IDENTITY_PREFIXES: [&str; 3] = ["x-user-", "x-auth-", "x-internal-"];
/// Headers that the gateway writes itself, whatever the client sent.
const OWNED: [&str; 8] = [
    "x-request-timeout-ms",
    // Would switch off the services' own retries.
    "x-retry-attempt",
    "traceparent",
    "x-trace-id",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-real-ip",
];
/// Headers of answers that the gateway writes itself.
const ANSWER_OWNED: [&str; 7] = [
    "x-trace-id",
    "x-ratelimit-remaining",
    "x-ratelimit-burst-capacity",
    "x-ratelimit-replenish-rate",
    "ratelimit",
    "ratelimit-policy",
    "x-fallback",
];

/// What of the client's headers goes to a service. The caller adds what the gateway writes.
pub(crate) fn to_upstream(received: &HeaderMap) -> HeaderMap {
    let named = Named::by(received);
    let mut passing = HeaderMap::with_capacity(received.len() + 8);
    for (name, value) in received {
        if !is_hop_by_hop(name) && !is_client_only(name) && !named.contains(name) {
            passing.append(name, value.clone());
        }
    }
    passing
}

/// Removes from a service's answer what is not for the client.
pub(crate) fn to_client(headers: &mut HeaderMap) {
    let named = Named::by(headers);
    let unwanted: Vec<HeaderName> = headers
        .keys()
        .filter(|name| is_hop_by_hop(name) || is_answer_owned(name) || named.contains(name))
        .cloned()
        .collect();
    for name in unwanted {
        headers.remove(name);
    }
}

/// RFC 9110 section 7.6.1, and what browsers once sent to proxies.
fn is_hop_by_hop(name: &HeaderName) -> bool {
    [CONNECTION, TE, TRAILER, TRANSFER_ENCODING, UPGRADE, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION]
        .contains(name)
        || matches!(name.as_str(), "keep-alive" | "proxy-connection" | "http2-settings")
}

/// `Expect` is answered by the gateway: the service must not be asked a second time.
fn is_client_only(name: &HeaderName) -> bool {
    *name == HOST
        || *name == EXPECT
        || *name == FORWARDED
        || OWNED.contains(&name.as_str())
        || IDENTITY_PREFIXES.iter().any(|prefix| name.as_str().starts_with(prefix))
}

fn is_answer_owned(name: &HeaderName) -> bool {
    name.as_str().starts_with("access-control-") || ANSWER_OWNED.contains(&name.as_str())
}

/// The headers that `Connection` declares as hop-by-hop. Most often none: no memory is taken then.
struct Named(Vec<String>);

impl Named {
    fn by(headers: &HeaderMap) -> Self {
        let lines = headers.get_all(CONNECTION).into_iter();
        let options = lines.flat_map(|line| line.to_str().unwrap_or_default().split(',')).map(str::trim);
        let known = |option: &&str| {
            !(option.is_empty()
                || option.eq_ignore_ascii_case("close")
                || option.eq_ignore_ascii_case("keep-alive"))
        };
        Self(options.filter(known).map(str::to_ascii_lowercase).collect())
    }

    /// The length of a body is never optional, whatever a client declares.
    fn contains(&self, name: &HeaderName) -> bool {
        *name != CONTENT_LENGTH && self.0.iter().any(|named| named == name.as_str())
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn map(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        headers
    }

    fn names(headers: &HeaderMap) -> Vec<&str> {
        headers.keys().map(HeaderName::as_str).collect()
    }

    #[test]
    fn identity_and_the_gateways_own_headers_do_not_pass() {
        let received = map(&[
            ("x-user-id", "1"),
            ("x-user-role", "ROLE_ADMIN"),
            ("x-auth-request-email", "a@b.c"),
            ("x-internal-token", "t"),
            ("x-request-timeout-ms", "999999"),
            ("traceparent", "00-1-1-00"),
            ("x-forwarded-for", "1.1.1.1"),
            ("x-real-ip", "1.1.1.1"),
            ("forwarded", "for=1.1.1.1"),
            ("host", "a"),
            ("expect", "100-continue"),
            ("authorization", "Bearer x"),
            ("x-usher", "kept"),
            ("accept", "*/*"),
        ]);
        assert_eq!(names(&to_upstream(&received)), ["authorization", "x-usher", "accept"]);
    }

    #[test]
    fn hop_by_hop_headers_stop_here_both_ways() {
        let lines = [
            ("connection", "close, X-Secret,keep-alive"),
            ("connection", "x-other"),
            ("x-secret", "1"),
            ("x-other", "1"),
            ("keep-alive", "timeout=5"),
            ("te", "trailers"),
            ("trailer", "x"),
            ("upgrade", "websocket"),
            ("proxy-authorization", "x"),
            ("proxy-authenticate", "x"),
            ("proxy-connection", "close"),
            ("transfer-encoding", "chunked"),
            ("content-type", "text/plain"),
        ];
        assert_eq!(names(&to_upstream(&map(&lines))), ["content-type"]);
        let mut answer = map(&lines);
        to_client(&mut answer);
        assert_eq!(names(&answer), ["content-type"]);
    }

    #[test]
    fn a_client_cannot_declare_the_length_of_its_body_away() {
        let received = map(&[("connection", "content-length"), ("content-length", "5")]);
        assert_eq!(names(&to_upstream(&received)), ["content-length"]);
    }

    #[test]
    fn a_service_says_nothing_about_origins_and_limits() {
        let mut answer = map(&[
            ("access-control-allow-origin", "*"),
            ("access-control-allow-credentials", "true"),
            ("x-ratelimit-remaining", "5"),
            ("ratelimit", "x"),
            ("x-trace-id", "x"),
            ("etag", "x"),
        ]);
        to_client(&mut answer);
        assert_eq!(names(&answer), ["etag"]);
    }
}
