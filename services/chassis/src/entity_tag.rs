//! Optimistic locking over HTTP: a thing's version is its `ETag`, and `If-Match` names the versions that a change is
//! meant for; `If-None-Match` names those that need not be sent again (RFC 9110, 8.8.3, 13.1.1 and 13.1.2).

use http::{HeaderMap, HeaderValue, header};

/// The `ETag` of a version.
///
/// # Panics
/// Never: a quoted number is a header value.
pub fn of_version(version: i64) -> HeaderValue {
    HeaderValue::from_str(&format!("\"{version}\"")).expect("a quoted number is a header value")
}

/// The versions that `If-Match` names; `None` without one and for `*`. Weak tags and what is no tag of ours match
/// nothing.
pub fn if_match(headers: &HeaderMap) -> Option<Vec<i64>> {
    if_match_with(headers, |tag| tag.parse().ok())
}

/// What `read` finds in the tags that `If-Match` names, without their quotes; `None` without one and for `*`. Weak tags
/// match nothing.
pub fn if_match_with<T>(headers: &HeaderMap, read: impl Fn(&str) -> Option<T>) -> Option<Vec<T>> {
    let mut lines = headers.get_all(header::IF_MATCH).iter().peekable();
    lines.peek()?;
    let tags: Vec<&str> =
        lines.flat_map(|line| line.to_str().unwrap_or_default().split(',')).map(str::trim).collect();
    if tags == ["*"] {
        return None;
    }
    let read = |tag: &str| read(tag.strip_prefix('"')?.strip_suffix('"')?);
    Some(tags.into_iter().filter_map(read).collect())
}

/// Whether `If-None-Match` says that the caller has what `tag` stands for. `*` is anything; a weak tag is as good as a
/// strong one here.
pub fn is_known(headers: &HeaderMap, tag: &HeaderValue) -> bool {
    let Ok(tag) = tag.to_str() else { return false };
    let opaque = |tag: &str| tag.strip_prefix("W/").unwrap_or(tag).to_owned();
    headers
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .flat_map(|line| line.to_str().unwrap_or_default().split(','))
        .map(str::trim)
        .any(|known| known == "*" || opaque(known) == opaque(tag))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn if_match_names_versions() {
        for (value, expected) in [
            (None, None),
            (Some("*"), None),
            (Some("\"3\""), Some(vec![3])),
            (Some("\"3\", \"4\""), Some(vec![3, 4])),
            (Some("W/\"3\""), Some(vec![])),
            (Some("3"), Some(vec![])),
        ] {
            let headers =
                value.map(|v| (header::IF_MATCH, HeaderValue::from_static(v))).into_iter().collect();
            assert_eq!(if_match(&headers), expected, "{value:?}");
        }
    }

    #[test]
    fn if_none_match_is_a_list_that_weak_tags_match_too() {
        let tag = HeaderValue::from_static("\"3-17\"");
        for (lines, known) in [
            (&[][..], false),
            (&["\"3-17\""], true),
            (&["W/\"3-17\""], true),
            (&["\"2-17\", \"3-17\""], true),
            (&["\"2-17\"", "\"3-17\""], true),
            (&["*"], true),
            (&["3-17"], false),
            (&["\"3-1\""], false),
            (&[""], false),
        ] {
            let headers: HeaderMap =
                lines.iter().map(|line| (header::IF_NONE_MATCH, HeaderValue::from_static(line))).collect();
            assert_eq!(is_known(&headers, &tag), known, "{lines:?}");
        }
        let headers = [(header::IF_NONE_MATCH, HeaderValue::from_static("\"a\""))].into_iter().collect();
        assert!(is_known(&headers, &HeaderValue::from_static("W/\"a\"")));
    }
}
