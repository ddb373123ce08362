//! The opening handshake of a WebSocket (RFC 6455 section 4), as far as a proxy has a say in it. Pure.

use http::header::{
    CONNECTION, ORIGIN, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use thiserror::Error;

use crate::cors::Origins;

/// The only version there is.
const VERSION: &str = "13";
/// 16 bytes in base64.
const KEY_LENGTH: usize = 24;
/// Browsers cannot send `Authorization` here, so they offer a protocol that is their token.
const TOKEN_PREFIX: &str = "bearer.";

#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(crate) enum HandshakeFault {
    #[error("Sec-WebSocket-Key is not one base64 text of 16 bytes")]
    Key,
    #[error("Sec-WebSocket-Version is not 13")]
    Version,
}

/// Whether a request for a WebSocket is complete.
pub(crate) fn check(headers: &HeaderMap) -> Result<(), HandshakeFault> {
    if only(headers, &SEC_WEBSOCKET_VERSION).is_none_or(|version| version != VERSION) {
        return Err(HandshakeFault::Version);
    }
    let valid = |key: &str| {
        let (digits, padding) = key.split_at_checked(KEY_LENGTH - 2).unwrap_or_default();
        let base64 = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
        padding == "==" && digits.bytes().all(base64)
    };
    only(headers, &SEC_WEBSOCKET_KEY).is_some_and(valid).then_some(()).ok_or(HandshakeFault::Key)
}

/// Nothing stops a foreign page from opening a WebSocket with the user's rights but this: CORS does not apply to
/// them. Who sends no origin is no browser.
pub(crate) fn is_from_allowed_page(origins: &Origins, headers: &HeaderMap) -> bool {
    !headers.contains_key(ORIGIN) || only(headers, &ORIGIN).is_some_and(|origin| origins.allow(origin))
}

/// The access token among the protocols that the client offers: `bearer.<token>`, or the token alone.
pub(crate) fn offered_token(headers: &HeaderMap) -> Option<&str> {
    let lines = headers.get_all(SEC_WEBSOCKET_PROTOCOL).into_iter();
    let offers = lines.flat_map(|line| line.to_str().unwrap_or_default().split(',')).map(str::trim);
    let token = |offer: &&str| offer.starts_with("eyJ") && offer.split('.').count() == 3;
    offers.map(|offer| offer.strip_prefix(TOKEN_PREFIX).unwrap_or(offer)).find(token)
}

/// Asks the service for the same.
pub(crate) fn ask(headers: &mut HeaderMap) {
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
}

/// Whether the service speaks WebSocket from here on.
pub(crate) fn is_accepted<T>(response: &Response<T>) -> bool {
    let to = response.headers().get(UPGRADE);
    response.status() == StatusCode::SWITCHING_PROTOCOLS
        && to.is_some_and(|protocol| protocol.as_bytes().eq_ignore_ascii_case(b"websocket"))
}

/// Tells the client that the service does.
pub(crate) fn accept(headers: &mut HeaderMap) {
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
}

/// Tells the client what it could have asked for (RFC 6455 section 4.4).
pub(crate) fn offer(headers: &mut HeaderMap) {
    accept(headers);
    headers.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static(VERSION));
}

/// The value of a header that is there exactly once.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut lines = headers.get_all(name).into_iter();
    match (lines.next(), lines.next()) {
        (Some(line), None) => line.to_str().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use contract::gateway::GatewayConfig;

    use super::*;

    fn map(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let lines = lines.iter();
        lines.map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn a_handshake_has_one_key_and_the_version() {
        const KEY: (&str, &str) = ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
        const V13: (&str, &str) = ("sec-websocket-version", "13");
        assert_eq!(check(&map(&[KEY, V13])), Ok(()));
        for (lines, fault) in [
            (&[KEY][..], HandshakeFault::Version),
            (&[KEY, ("sec-websocket-version", "8")], HandshakeFault::Version),
            (&[V13], HandshakeFault::Key),
            (&[V13, ("sec-websocket-key", "")], HandshakeFault::Key),
            (&[V13, ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ")], HandshakeFault::Key),
            (&[V13, ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==x")], HandshakeFault::Key),
            (&[V13, ("sec-websocket-key", "dGhlIHNhbXBsZS-ub25jZQ==")], HandshakeFault::Key),
        ] {
            assert_eq!(check(&map(lines)), Err(fault), "{lines:?}");
        }
        let mut twice = map(&[KEY, V13]);
        twice.append("sec-websocket-key", HeaderValue::from_static(KEY.1));
        assert_eq!(check(&twice), Err(HandshakeFault::Key));
    }

    #[test]
    fn a_token_is_found_among_the_offered_protocols() {
        for (offers, token) in [
            ("dorandoran.v1, bearer.eyJa.b.c", Some("eyJa.b.c")),
            ("eyJa.b.c", Some("eyJa.b.c")),
            ("dorandoran.v1", None),
            ("bearer.opaque", None),
            ("", None),
        ] {
            assert_eq!(offered_token(&map(&[("sec-websocket-protocol", offers)])), token, "{offers}");
        }
        assert_eq!(offered_token(&HeaderMap::new()), None);
    }

    #[test]
    fn only_pages_of_allowed_origins_and_programs_connect() {
        let origins = Origins::compile(&GatewayConfig::standard().cors).unwrap();
        let from = |lines: &[(&'static str, &'static str)]| is_from_allowed_page(&origins, &map(lines));
        assert!(from(&[]) && from(&[("origin", "http://localhost:3000")]));
        assert!(!from(&[("origin", "https://evil.example")]) && !from(&[("origin", "null")]));
        let mut two = map(&[("origin", "http://localhost:1")]);
        two.append(ORIGIN, HeaderValue::from_static("http://localhost:2"));
        assert!(!is_from_allowed_page(&origins, &two));
    }
}
