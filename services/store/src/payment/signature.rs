//! Signatures of webhooks: `t=<Unix seconds>,v1=<hex of HMAC-SHA256 over "<t>.<body>">`.
//!
//! The time is signed too, so that a webhook somebody wrote down cannot be sent again later. Several `v1` may stand
//! there while a secret is changed; one that fits is enough.

use std::time::Duration;

use aws_lc_rs::hmac;
use chassis::Secret;
use chrono::{DateTime, Utc};

/// How far the sender's clock and ours may be apart, and how long a webhook may be under way.
const TOLERANCE: Duration = Duration::from_mins(5);
/// HMAC-SHA256.
const LENGTH: usize = 32;

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    #[error("there is no signature")]
    Missing,
    #[error("the signature is not of the form t=…,v1=…")]
    Malformed,
    #[error("the signature is too old or from the future")]
    Stale,
    #[error("the signature does not fit the body")]
    Wrong,
    /// Without one nobody can be believed.
    #[error("no secret is configured")]
    NoSecret,
}

/// A signature as it was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Signed<'a> {
    /// As it was written: this is what was signed.
    time: &'a str,
    seconds: i64,
    tags: Vec<[u8; LENGTH]>,
}

impl<'a> Signed<'a> {
    /// Reads a header's value. Schemes other than `v1` are passed over, for those to come.
    pub(super) fn parse(text: &'a str) -> Result<Self, SignatureError> {
        let mut time = None;
        let mut tags = Vec::new();
        for part in text.split(',') {
            let (name, value) = part.trim().split_once('=').ok_or(SignatureError::Malformed)?;
            match name {
                "t" if time.is_some() => return Err(SignatureError::Malformed),
                "t" => time = Some(value),
                "v1" => tags.push(tag(value).ok_or(SignatureError::Malformed)?),
                _ => {}
            }
        }
        let time = time.ok_or(SignatureError::Malformed)?;
        if tags.is_empty() || !time.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(SignatureError::Malformed);
        }
        let seconds = time.parse().map_err(|_not_a_number| SignatureError::Malformed)?;
        Ok(Self { time, seconds, tags })
    }

    /// Whether `body` was signed with `secret`, and lately.
    pub(super) fn verify(
        &self,
        secret: &Secret,
        body: &[u8],
        now: DateTime<Utc>,
    ) -> Result<(), SignatureError> {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose().as_bytes());
        let signed = [self.time.as_bytes(), b".", body].concat();
        // In constant time: how much of a guess is right must not show.
        if !self.tags.iter().any(|tag| hmac::verify(&key, &signed, tag).is_ok()) {
            return Err(SignatureError::Wrong);
        }
        if now.timestamp().abs_diff(self.seconds) > TOLERANCE.as_secs() {
            return Err(SignatureError::Stale);
        }
        Ok(())
    }
}

fn tag(hex: &str) -> Option<[u8; LENGTH]> {
    let digits = hex.as_bytes();
    if digits.len() != 2 * LENGTH {
        return None;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let mut tag = [0; LENGTH];
    for (byte, pair) in tag.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &[u8] = br#"{"eventId":"e1"}"#;
    /// `printf '1700000000.{"eventId":"e1"}' | openssl dgst -sha256 -hmac secret`
    const TAG: &str = "984bf69942eb675dd69d49641d7b894a7f664dbb5fa1b065e2bab2fd56224aed";

    fn verify(header: &str, body: &[u8], now: i64) -> Result<(), SignatureError> {
        let now = DateTime::from_timestamp(now, 0).unwrap();
        Signed::parse(header)?.verify(&Secret::new("secret".to_owned()), body, now)
    }

    #[test]
    fn what_was_signed_with_the_secret_is_believed_for_five_minutes() {
        let header = format!("t=1700000000,v1={TAG}");
        assert_eq!(verify(&header, BODY, 1_700_000_000), Ok(()));
        assert_eq!(verify(&header, BODY, 1_700_000_300), Ok(()));
        assert_eq!(verify(&header, BODY, 1_699_999_700), Ok(()), "clocks differ");
        assert_eq!(verify(&header, BODY, 1_700_000_301), Err(SignatureError::Stale));
        assert_eq!(verify(&header, BODY, 1_699_999_699), Err(SignatureError::Stale));
    }

    #[test]
    fn another_body_time_or_secret_is_not() {
        let header = format!("t=1700000000,v1={TAG}");
        assert_eq!(verify(&header, b"{}", 1_700_000_000), Err(SignatureError::Wrong));
        assert_eq!(
            verify(&format!("t=1700000001,v1={TAG}"), BODY, 1_700_000_000),
            Err(SignatureError::Wrong)
        );
        let other = Secret::new("other".to_owned());
        let now = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        assert_eq!(Signed::parse(&header).unwrap().verify(&other, BODY, now), Err(SignatureError::Wrong));
    }

    #[test]
    fn one_signature_of_several_is_enough() {
        let other = "00".repeat(LENGTH);
        for tags in [format!("v1={other},v1={TAG}"), format!("v1={TAG},v1={other}"), format!("v2=x,v1={TAG}")]
        {
            assert_eq!(verify(&format!("t=1700000000,{tags}"), BODY, 1_700_000_000), Ok(()), "{tags}");
        }
    }

    #[test]
    fn anything_else_is_malformed() {
        let time = "t=1700000000";
        for header in [
            "",
            "v1",
            time,
            &format!("v1={TAG}"),
            &format!("{time},{time},v1={TAG}"),
            &format!("{time},v1={}", &TAG[2..]),
            &format!("{time},v1=zz{}", &TAG[2..]),
            &format!("t=-1700000000,v1={TAG}"),
            &format!("t=,v1={TAG}"),
            &format!("t=99999999999999999999,v1={TAG}"),
        ] {
            assert_eq!(verify(header, BODY, 1_700_000_000), Err(SignatureError::Malformed), "{header}");
        }
    }
}
