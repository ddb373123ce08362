//! What an attempt says about the endpoint, and whether another one may be made. Pure.

use std::time::Duration;

use http::{HeaderMap, StatusCode, header};
use resilience::breaker::Outcome;

use super::error::ModelError;

/// Providers that ask for more are asked again after this: nobody answers in this turn anyway.
const MAX_RETRY_AFTER: Duration = Duration::from_mins(10);

/// What the breaker learns of an attempt that could take `granted` of the `limit` of a call.
pub(super) fn judge<A>(result: &Result<A, ModelError>, granted: Duration, limit: Duration) -> Outcome {
    let failure = |error: &ModelError| Outcome::Failure { cause: error.reason().into(), retry_after: None };
    let Err(error) = result else { return Outcome::Success };
    match error {
        ModelError::Status { status, retry_after, .. } => match *status {
            // What was wrong with this question says nothing about the next.
            StatusCode::BAD_REQUEST | StatusCode::PAYLOAD_TOO_LARGE | StatusCode::UNPROCESSABLE_ENTITY => {
                Outcome::Ignored { cause: "refused".into() }
            }
            status => Outcome::Failure {
                cause: format!("status {}", status.as_u16()).into(),
                retry_after: *retry_after,
            },
        },
        // A turn that came here with its time nearly spent must not cut off a healthy endpoint.
        ModelError::Timeout if granted < limit / 2 => {
            Outcome::Ignored { cause: "too little time was left".into() }
        }
        ModelError::Timeout
        | ModelError::Stalled { .. }
        | ModelError::Connect { .. }
        | ModelError::Cut { .. }
        | ModelError::Protocol { .. }
        | ModelError::TooLong => failure(error),
        // It did what was agreed.
        ModelError::Useless { .. } => Outcome::Success,
        ModelError::Busy | ModelError::Open | ModelError::Throttled { .. } | ModelError::Request { .. } => {
            Outcome::Ignored { cause: "nothing was sent".into() }
        }
    }
}

/// Whether asking again may help. Never once content has come: it was paid for, and a second answer would differ.
pub(super) fn may_repeat(error: &ModelError) -> bool {
    match error {
        ModelError::Connect { .. }
        | ModelError::Cut { begun: false, .. }
        | ModelError::Stalled { begun: false } => true,
        ModelError::Status { status, .. } => {
            status.is_server_error()
                || matches!(*status, StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT)
        }
        ModelError::Busy
        | ModelError::Open
        | ModelError::Throttled { .. }
        | ModelError::Timeout
        | ModelError::Stalled { begun: true }
        | ModelError::Cut { begun: true, .. }
        | ModelError::Protocol { .. }
        | ModelError::TooLong
        | ModelError::Useless { .. }
        | ModelError::Request { .. } => false,
    }
}

/// In seconds or as a date (RFC 9110 section 10.2.3); `now` is of the wall clock, in seconds.
pub(super) fn retry_after(headers: &HeaderMap, now: i64) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    let seconds = text.parse().ok().or_else(|| {
        let date = chrono::DateTime::parse_from_rfc2822(text).ok()?;
        u64::try_from(date.timestamp().saturating_sub(now).max(0)).ok()
    });
    seconds.map(|seconds| Duration::from_secs(seconds).min(MAX_RETRY_AFTER))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    const LIMIT: Duration = Duration::from_secs(8);

    fn status(status: u16) -> ModelError {
        ModelError::Status { status: StatusCode::from_u16(status).unwrap(), retry_after: None, code: None }
    }

    #[test]
    fn only_what_the_endpoint_can_be_blamed_for_counts_against_it() {
        let failed =
            |error, granted| matches!(judge(&Err::<(), _>(error), granted, LIMIT), Outcome::Failure { .. });
        for number in [401, 403, 404, 408, 429, 500, 503, 529] {
            assert!(failed(status(number), LIMIT), "{number}");
        }
        for number in [400, 413, 422] {
            assert!(!failed(status(number), LIMIT), "{number}");
        }
        assert!(failed(ModelError::Timeout, LIMIT / 2) && !failed(ModelError::Timeout, LIMIT / 3));
        assert!(!failed(ModelError::Useless { why: "empty" }, LIMIT));
        assert!(failed(ModelError::Protocol { what: "html" }, LIMIT));
    }

    #[test]
    fn nothing_is_asked_again_once_content_has_come() {
        for (error, again) in [
            (status(500), true),
            (status(429), true),
            (status(529), true),
            (status(401), false),
            (status(400), false),
            (ModelError::Cut { begun: false, source: None }, true),
            (ModelError::Cut { begun: true, source: None }, false),
            (ModelError::Stalled { begun: false }, true),
            (ModelError::Stalled { begun: true }, false),
            (ModelError::Timeout, false),
            (ModelError::Useless { why: "empty" }, false),
        ] {
            assert_eq!(may_repeat(&error), again, "{error:?}");
        }
    }

    #[test]
    fn when_to_come_back_is_read_as_seconds_or_as_a_date_and_bounded() {
        // 1994-11-06T08:49:37Z
        let now = 784_111_777;
        for (value, expected) in [
            ("3", Some(3)),
            (" 0 ", Some(0)),
            ("99999", Some(600)),
            ("Sun, 06 Nov 1994 08:49:47 GMT", Some(10)),
            ("Sun, 06 Nov 1994 08:49:27 GMT", Some(0)),
            ("-1", None),
            ("soon", None),
        ] {
            let headers = HeaderMap::from_iter([(header::RETRY_AFTER, HeaderValue::from_static(value))]);
            assert_eq!(retry_after(&headers, now), expected.map(Duration::from_secs), "{value}");
        }
    }
}
