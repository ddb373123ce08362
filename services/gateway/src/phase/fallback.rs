//! Answers for two listings that the web client cannot do without: an empty list beats its error page.

use std::sync::LazyLock;

use http::{Method, StatusCode};

use crate::route::Pattern;

static PATTERNS: LazyLock<[Pattern; 2]> = LazyLock::new(|| {
    ["/api/store/bookmarks/chatroom/*", "/api/chat/chatrooms/last-interactions"]
        .map(|text| Pattern::parse(text).expect("the patterns are valid"))
});

/// Whether an empty list stands in for what the service would have said.
pub(crate) fn stands_in(method: &Method, path: &str, status: StatusCode) -> bool {
    let down = [StatusCode::BAD_GATEWAY, StatusCode::SERVICE_UNAVAILABLE, StatusCode::GATEWAY_TIMEOUT]
        .contains(&status);
    down && method == Method::GET && PATTERNS.iter().any(|pattern| pattern.matches(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_list_stands_in_only_for_the_two_listings_and_only_when_the_service_is_down() {
        let store = "/api/store/bookmarks/chatroom/1";
        for (method, path, status, expected) in [
            (Method::GET, store, 503, true),
            (Method::GET, store, 502, true),
            (Method::GET, "/api/chat/chatrooms/last-interactions", 504, true),
            (Method::GET, store, 500, false),
            (Method::GET, store, 200, false),
            (Method::DELETE, store, 503, false),
            (Method::GET, "/api/store/bookmarks", 503, false),
            (Method::GET, "/api/chat/chatrooms/last-interactions/x", 503, false),
        ] {
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(stands_in(&method, path, status), expected, "{method} {path} {status}");
        }
    }
}
