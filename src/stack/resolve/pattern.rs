//! Path patterns of the gateway, CIDR blocks and web origins: what they may look like.

use std::net::IpAddr;

/// Paths of the services that never pass the gateway (api.md, "entry").
const NEVER_ROUTED: [&str; 2] = ["internal", "actuator"];

/// A path without patterns.
pub(super) fn check_literal(path: &str) -> Result<(), String> {
    match check(path) {
        Ok(()) if path.contains('*') => Err(format!("`{path}` has a pattern; expected one path")),
        other => other,
    }
}

/// Literal segments, `*` for one segment, a final `**` for any rest.
pub(super) fn check(path: &str) -> Result<(), String> {
    let Some(rest) = path.strip_prefix('/') else {
        return Err(format!("`{path}` does not start with `/`"));
    };
    if path
        .contains(|c: char| c.is_whitespace() || c.is_control() || matches!(c, '?' | '#' | '\\' | '{' | '}'))
    {
        return Err(format!(
            "`{path}` has a character that no path pattern has: use `*` for one segment, `**` at the end"
        ));
    }
    if rest.is_empty() {
        return Ok(());
    }
    let segments: Vec<&str> = rest.split('/').collect();
    for (index, segment) in segments.iter().enumerate() {
        match *segment {
            "" => return Err(format!("`{path}` has an empty segment")),
            "." | ".." => {
                return Err(format!("`{path}` has the segment `{segment}`, which clients resolve away"));
            }
            "*" => {}
            "**" if index + 1 == segments.len() => {}
            "**" => return Err(format!("`{path}` has `**` before its end")),
            other if other.contains('*') => {
                return Err(format!("`{path}` mixes `*` with text in a segment"));
            }
            _ => {}
        }
    }
    Ok(())
}

/// A route's pattern, which must not open the services' own paths.
pub(super) fn check_route(path: &str) -> Result<(), String> {
    check(path)?;
    let first = path.split('/').nth(1).unwrap_or_default();
    if NEVER_ROUTED.contains(&first) {
        return Err(format!("`/{first}/**` of the services is never routed"));
    }
    Ok(())
}

/// Whether every path that `narrow` matches is also matched by `wide`.
pub(super) fn covers(wide: &str, narrow: &str) -> bool {
    let mut wide = wide.split('/');
    let mut narrow = narrow.split('/');
    loop {
        match (wide.next(), narrow.next()) {
            (Some("**"), _) | (None, None) => return true,
            (Some(_), Some("**") | None) | (None, Some(_)) => return false,
            (Some(wide), Some(narrow)) if wide == "*" || wide == narrow => {}
            (Some(_), Some(_)) => return false,
        }
    }
}

/// `10.0.0.0/8`, with no bits set behind the prefix.
pub(super) fn check_cidr(text: &str) -> Result<(), String> {
    let Some((address, length)) = text.split_once('/') else {
        let help =
            text.parse::<IpAddr>().map(|ip| format!(": write {text}/{} for this one address", bits(ip)));
        return Err(format!("`{text}` has no prefix length{}", help.unwrap_or_default()));
    };
    let ip: IpAddr = address.parse().map_err(|_| format!("`{address}` is not an IP address"))?;
    let length: u32 = length
        .parse()
        .ok()
        .filter(|length| *length <= bits(ip))
        .ok_or_else(|| format!("`{text}`: the prefix length is a number from 0 to {}", bits(ip)))?;
    let number = match ip {
        IpAddr::V4(ip) => u128::from(ip.to_bits()) << 96,
        IpAddr::V6(ip) => ip.to_bits(),
    };
    if number.checked_shl(length).unwrap_or(0) != 0 {
        return Err(format!("`{text}` has bits set behind its prefix of {length}"));
    }
    Ok(())
}

fn bits(ip: IpAddr) -> u32 {
    if ip.is_ipv4() { 32 } else { 128 }
}

/// `scheme://host`, `scheme://host:port` or `scheme://host:*`.
pub(super) fn check_origin(text: &str) -> Result<(), String> {
    let shape = || {
        format!(
            "`{text}` is not an origin like https://example.org, http://localhost:3000 or http://localhost:*"
        )
    };
    let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://")).ok_or_else(shape)?;
    let (host, port) = match rest.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (rest, None),
    };
    let literal = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let host_is_fine = match literal {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => !host.is_empty() && host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-')),
    };
    let port_is_fine = port.is_none_or(|port| port == "*" || port.parse::<u16>().is_ok_and(|port| port > 0));
    if host_is_fine && port_is_fine { Ok(()) } else { Err(shape()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_patterns_are_segments_with_an_open_end() {
        for good in ["/", "/api", "/api/**", "/api/*/x", "/**", "/.well-known/**", "/한글"] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for bad in ["", "api", "/api//x", "/api/", "/a*/x", "/**/x", "/a/../b", "/a?b", "/a b", "/{id}"] {
            assert!(check(bad).is_err(), "{bad}");
        }
        assert!(check_route("/internal/events").is_err());
        assert!(check_route("/actuator/**").is_err());
    }

    #[test]
    fn a_pattern_covers_what_it_matches() {
        for (wide, narrow, expected) in [
            ("/api/**", "/api", true),
            ("/api/**", "/api/x/*", true),
            ("/api/**", "/api/x/**", true),
            ("/api/*", "/api/x", true),
            ("/api/*", "/api/x/y", false),
            ("/api/*", "/api/**", false),
            ("/api/x", "/api/*", false),
            ("/api/**", "/other", false),
        ] {
            assert_eq!(covers(wide, narrow), expected, "{wide} {narrow}");
        }
    }

    #[test]
    fn cidr_blocks_have_a_prefix_and_nothing_behind_it() {
        for good in ["10.0.0.0/8", "0.0.0.0/0", "127.0.0.1/32", "::1/128", "fd00::/8", "::/0"] {
            assert_eq!(check_cidr(good), Ok(()), "{good}");
        }
        for bad in ["10.0.0.0", "10.0.0.1/8", "10.0.0.0/33", "::/129", "nginx/8", "10.0.0.0/", "fd00::1/64"] {
            assert!(check_cidr(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn origins_have_no_path_and_a_port_or_any() {
        for good in ["http://localhost:*", "https://[::1]:*", "https://example.org", "http://127.0.0.1:3000"]
        {
            assert_eq!(check_origin(good), Ok(()), "{good}");
        }
        for bad in [
            "*",
            "localhost",
            "ftp://x",
            "http://",
            "http://x/",
            "http://x:0",
            "http://*.example.org",
            "http://[::g]",
        ] {
            assert!(check_origin(bad).is_err(), "{bad}");
        }
    }
}
