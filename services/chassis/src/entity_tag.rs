//! Optimistic locking over HTTP: a thing's version is its `ETag`, and `If-Match` names the versions that a change is
//! meant for (RFC 9110, 8.8.3 and 13.1.1).

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
    let mut lines = headers.get_all(header::IF_MATCH).iter().peekable();
    lines.peek()?;
    let tags: Vec<&str> =
        lines.flat_map(|line| line.to_str().unwrap_or_default().split(',')).map(str::trim).collect();
    if tags == ["*"] {
        return None;
    }
    let version = |tag: &str| tag.strip_prefix('"')?.strip_suffix('"')?.parse().ok();
    Some(tags.into_iter().filter_map(version).collect())
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
}
