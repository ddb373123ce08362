//! Path patterns: literal segments, `*` for exactly one segment, a final `**` for any rest.

use std::fmt;
use std::sync::Arc;

use thiserror::Error;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pattern {
    text: Arc<str>,
    segments: Box<[Segment]>,
    /// Ends in `**`.
    open: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Segment {
    Literal(Box<str>),
    Any,
}

#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum PatternFault {
    #[error("`{0}` does not start with a slash")]
    Relative(String),
    #[error("`{0}` has `**` before its end")]
    OpenInside(String),
    #[error("`{0}` has a segment that is neither a name, `*` nor `**`")]
    Segment(String),
}

impl Pattern {
    pub(crate) fn parse(text: &str) -> Result<Self, PatternFault> {
        let Some(rest) = text.strip_prefix('/') else {
            return Err(PatternFault::Relative(text.into()));
        };
        let (rest, open) = match rest.strip_suffix("**") {
            Some("") => ("", true),
            Some(head) => (head.strip_suffix('/').ok_or(PatternFault::Segment(text.into()))?, true),
            None => (rest, false),
        };
        let segments = match rest {
            "" => Vec::new(),
            rest => rest.split('/').map(|segment| Segment::parse(segment, text)).collect::<Result<_, _>>()?,
        };
        Ok(Self { text: text.into(), segments: segments.into(), open })
    }

    pub(crate) fn matches(&self, path: &str) -> bool {
        let Some(rest) = path.strip_prefix('/') else {
            return false;
        };
        let mut given = rest.split('/');
        for expected in &self.segments {
            match (expected, given.next()) {
                (Segment::Literal(literal), Some(segment)) if **literal == *segment => {}
                (Segment::Any, Some(segment)) if !segment.is_empty() => {}
                _ => return false,
            }
        }
        // `/` alone splits into one empty segment.
        self.open || given.next().is_none() || (self.segments.is_empty() && rest.is_empty())
    }

    /// Orders patterns: the longest literal prefix first, then the one that says more.
    pub(crate) fn specificity(&self) -> (usize, usize, bool) {
        let prefix = self.segments.iter().map_while(|segment| match segment {
            Segment::Literal(literal) => Some(literal.len() + 1),
            Segment::Any => None,
        });
        (prefix.sum(), self.segments.len(), !self.open)
    }

    pub(crate) fn first_literal(&self) -> Option<&str> {
        match self.segments.first() {
            Some(Segment::Literal(literal)) => Some(literal),
            Some(Segment::Any) | None => None,
        }
    }

    pub(crate) fn shared(&self) -> Arc<str> {
        Arc::clone(&self.text)
    }
}

impl Segment {
    fn parse(segment: &str, pattern: &str) -> Result<Self, PatternFault> {
        match segment {
            "**" => Err(PatternFault::OpenInside(pattern.into())),
            "*" => Ok(Self::Any),
            "" | "." | ".." => Err(PatternFault::Segment(pattern.into())),
            literal if literal.bytes().all(|byte| byte.is_ascii_graphic() && !b"*?#{}".contains(&byte)) => {
                Ok(Self::Literal(literal.into()))
            }
            _ => Err(PatternFault::Segment(pattern.into())),
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn patterns_match_as_they_read() {
        for (pattern, path, expected) in [
            ("/api/users/**", "/api/users", true),
            ("/api/users/**", "/api/users/", true),
            ("/api/users/**", "/api/users/1/preferences", true),
            ("/api/users/**", "/api/usersx", false),
            ("/api/users/**", "/api/user", false),
            ("/api/users", "/api/users", true),
            ("/api/users", "/api/users/", false),
            ("/api/users/check-email/*", "/api/users/check-email/a%40b.c", true),
            ("/api/users/check-email/*", "/api/users/check-email/", false),
            ("/api/users/check-email/*", "/api/users/check-email/a/b", false),
            ("/api/*/health", "/api/chat/health", true),
            ("/api/*/health", "/api/health", false),
            ("/**", "/", true),
            ("/**", "/a/b", true),
            ("/", "/", true),
            ("/", "/a", false),
            ("/api/users", "/api/%75sers", false),
        ] {
            assert_eq!(Pattern::parse(pattern).unwrap().matches(path), expected, "{pattern} on {path}");
        }
    }

    #[test]
    fn broken_patterns_are_named() {
        for text in ["api/**", "", "/a/**/b", "/a//b", "/a/", "/a/b*", "/a/x**", "/a/../b", "/a b", "/a/{id}"]
        {
            assert!(Pattern::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_longer_literal_prefix_is_more_specific() {
        let of = |text| Pattern::parse(text).unwrap().specificity();
        assert!(of("/api/users/**") > of("/api/**"));
        assert!(of("/api/users") > of("/api/users/**"));
        assert!(of("/api/users/*") > of("/api/users/**"));
        assert!(of("/api/chat/rooms/**") > of("/api/*/rooms/health"));
    }

    proptest! {
        #[test]
        fn an_open_pattern_matches_exactly_its_prefix(head in "(/[a-z]{1,3}){1,3}", tail in "(/[a-z]{0,3}){0,3}") {
            let pattern = Pattern::parse(&format!("{head}/**")).unwrap();
            let joined = format!("{head}{tail}");
            let shifted = format!("/zzzz{head}{tail}");
            prop_assert!(pattern.matches(&joined));
            prop_assert!(!pattern.matches(&shifted));
        }
    }
}
