//! Refuses paths that a server behind the gateway could read as another path.
//!
//! Nothing is rewritten: a path that passes is forwarded byte for byte as it came.

use thiserror::Error;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(crate) enum PathFault {
    #[error("the path does not start with a slash")]
    Relative,
    #[error("the path has an empty segment")]
    EmptySegment,
    #[error("the path has a dot segment")]
    DotSegment,
    #[error("the path has an escape that is not %XX")]
    Escape,
    #[error("the path has a control character")]
    Control,
}

/// Looks at `path` (without query) as a decoding server would, once.
pub(crate) fn screen(path: &str) -> Result<(), PathFault> {
    let Some(rest) = path.strip_prefix('/') else {
        return Err(PathFault::Relative);
    };
    let mut segments = rest.split('/').peekable();
    while let Some(segment) = segments.next() {
        if segment.is_empty() {
            // A single slash at the end is an ordinary path.
            return if segments.peek().is_none() { Ok(()) } else { Err(PathFault::EmptySegment) };
        }
        screen_segment(segment.as_bytes())?;
    }
    Ok(())
}

/// An encoded slash or a backslash may be taken for a separator, and a server may cut
/// parameters off at a semicolon, so a part between any of these must not be `.` or `..` either.
fn screen_segment(segment: &[u8]) -> Result<(), PathFault> {
    let mut part = Part::default();
    let mut at = 0;
    while let Some(byte) = segment.get(at) {
        let (decoded, width) = if *byte == b'%' { (unescape(&segment[at + 1..])?, 3) } else { (*byte, 1) };
        match decoded {
            b'/' | b'\\' => std::mem::take(&mut part).end()?,
            b';' => part.cut = true,
            b'.' if !part.cut => part.dots += 1,
            control if control.is_ascii_control() => return Err(PathFault::Control),
            _ if part.cut => {}
            _ => part.other = true,
        }
        at += width;
    }
    part.end()
}

#[derive(Default)]
struct Part {
    dots: usize,
    other: bool,
    cut: bool,
}

impl Part {
    fn end(self) -> Result<(), PathFault> {
        if !self.other && matches!(self.dots, 1 | 2) { Err(PathFault::DotSegment) } else { Ok(()) }
    }
}

fn unescape(digits: &[u8]) -> Result<u8, PathFault> {
    let value = |at: usize| {
        let digit = char::from(*digits.get(at)?).to_digit(16)?;
        u8::try_from(digit).ok()
    };
    match (value(0), value(1)) {
        (Some(high), Some(low)) => Ok(high << 4 | low),
        _ => Err(PathFault::Escape),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ordinary_and_encoded_paths_pass() {
        for path in [
            "/",
            "/api/users",
            "/api/users/",
            "/api/users/check-email/a%2Bb%40x.y",
            "/a/100%25",
            "/a/%252e%252e",
            "/a/...",
            "/a/.hidden",
            "/a/b..c;v=1",
            "/.well-known/jwks.json",
            "/a/%ED%95%9C",
        ] {
            assert_eq!(screen(path), Ok(()), "{path}");
        }
    }

    #[test]
    fn every_spelling_of_a_dot_segment_is_refused() {
        for path in [
            "/a/..",
            "/a/../b",
            "/./a",
            "/a/%2e%2e/b",
            "/a/%2E./b",
            "/a/.%2e",
            "/a/..%2fb",
            "/a/b%2f..%2fc",
            "/a/..\\b",
            "/a/b%5c..",
            "/a/..;/b",
            "/a/..;x=1/b",
            "/a/..%3bx/b",
            "/a/%2e;",
        ] {
            assert_eq!(screen(path), Err(PathFault::DotSegment), "{path}");
        }
    }

    #[test]
    fn empty_segments_controls_and_broken_escapes_are_refused() {
        for (path, fault) in [
            ("//a", PathFault::EmptySegment),
            ("/a//b", PathFault::EmptySegment),
            ("/a//", PathFault::EmptySegment),
            ("/a%00", PathFault::Control),
            ("/a%0d%0ab", PathFault::Control),
            ("/a%", PathFault::Escape),
            ("/a%2", PathFault::Escape),
            ("/a%zz", PathFault::Escape),
            ("/a%2/b", PathFault::Escape),
            ("*", PathFault::Relative),
            ("", PathFault::Relative),
        ] {
            assert_eq!(screen(path), Err(fault), "{path}");
        }
    }

    proptest! {
        #[test]
        fn a_path_that_passes_still_has_no_dot_segment_once_decoded(path in "/[a.%2eE5cCfF;/\\\\]{0,16}") {
            if screen(&path).is_ok() {
                let bytes = path.as_bytes();
                let mut decoded = String::new();
                let mut at = 0;
                while at < bytes.len() {
                    if bytes[at] == b'%' {
                        let code = u8::from_str_radix(&path[at + 1..at + 3], 16).unwrap();
                        decoded.push(char::from(code));
                        at += 3;
                    } else {
                        decoded.push(char::from(bytes[at]));
                        at += 1;
                    }
                }
                let dotted = decoded.split(['/', '\\']).any(|part| part == "." || part == "..");
                prop_assert!(!dotted, "{path} decodes to {decoded}");
            }
        }
    }
}
