//! W3C trace context: read, made, passed on. Pure.

use std::fmt;
use std::num::NonZeroU64;

use rand::RngExt as _;

/// Where a request stands in its trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceContext {
    pub trace_id: TraceId,
    /// This process's span.
    pub span_id: u64,
    /// The span that this one belongs under, if any: the caller's, or one of ours.
    pub parent: Option<NonZeroU64>,
    /// As the caller said. Whether a trace is kept is decided where it is received.
    pub sampled: bool,
    /// Whether this span is exported, so that others may be exported below it.
    pub(super) recorded: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceId(pub(super) u128);

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl TraceContext {
    /// A new trace.
    pub fn start() -> Self {
        let trace_id = TraceId(rand::rng().random::<u128>() | 1);
        Self { trace_id, span_id: random_span(), parent: None, sampled: false, recorded: false }
    }

    /// Continues the caller's trace, or starts one when the header is absent or not valid (W3C Trace
    /// Context, section 3.2.2: a version above ours is read as ours, `ff` and all-zero ids are not valid).
    pub fn continue_from(traceparent: Option<&str>) -> Self {
        match traceparent.and_then(parse) {
            Some((trace_id, parent, sampled)) => {
                Self { trace_id, span_id: random_span(), parent: Some(parent), sampled, recorded: false }
            }
            None => Self::start(),
        }
    }

    /// For work that is no part of what is exported.
    pub(crate) const fn unrecorded(&mut self) {
        self.recorded = false;
    }

    /// A span below this one.
    pub(super) fn below(&self) -> Self {
        Self { span_id: random_span(), parent: NonZeroU64::new(self.span_id), ..*self }
    }

    /// The `traceparent` for a call made on behalf of this request.
    pub fn traceparent(&self) -> String {
        format!("00-{}-{:016x}-{:02x}", self.trace_id, self.span_id, u8::from(self.sampled))
    }
}

fn parse(header: &str) -> Option<(TraceId, NonZeroU64, bool)> {
    let mut parts = header.trim().split('-');
    let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let version = hex(version, 2)?;
    if version == 0xff || (version == 0 && parts.next().is_some()) {
        return None;
    }
    let trace = hex(trace, 32).filter(|id| *id != 0)?;
    let span = u64::try_from(hex(span, 16)?).ok().and_then(NonZeroU64::new)?;
    let flags = hex(flags, 2)?;
    Some((TraceId(trace), span, flags & 1 == 1))
}

/// Exactly `digits` lower-case hexadecimal digits.
fn hex(text: &str, digits: usize) -> Option<u128> {
    let valid = text.len() == digits && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    valid.then(|| u128::from_str_radix(text, 16).ok()).flatten()
}

fn random_span() -> u64 {
    rand::rng().random::<u64>() | 1
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIVEN: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_given_trace_goes_on_with_a_span_of_our_own() {
        let context = TraceContext::continue_from(Some(GIVEN));
        assert_eq!(context.trace_id.to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert!(context.sampled);
        assert_eq!(context.parent.map(NonZeroU64::get), Some(0x00f0_67aa_0ba9_02b7));
        let passed_on = context.traceparent();
        assert!(passed_on.starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-") && passed_on.ends_with("-01"));
        assert!(!passed_on.contains("00f067aa0ba902b7"));
        let own = NonZeroU64::new(context.span_id).unwrap();
        assert_eq!(parse(&passed_on), Some((context.trace_id, own, true)));
    }

    #[test]
    fn what_is_not_valid_starts_a_new_trace() {
        for header in [
            "",
            "garbage",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-extra",
            "00-+bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        ] {
            assert_eq!(parse(header), None, "{header}");
        }
        assert!(parse(&GIVEN.replacen("00", "01", 1)).is_some(), "later versions are read as ours");
        assert_ne!(TraceContext::start().trace_id, TraceContext::start().trace_id);
    }
}
