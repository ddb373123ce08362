//! What counts as an e-mail address. The web client is the measure: it admits `%`, one-letter top-level
//! domains and Unicode, so this checks the shape and leaves the rest to the mail that arrives or does not.

use std::fmt;

use contract::user::PSEUDONYM_DOMAIN;

/// RFC 5321: 64 octets before the `@`, 254 in all; counted in characters, because addresses may be Unicode.
const LONGEST_LOCAL_PART: usize = 64;
const LONGEST: usize = 254;

/// A trimmed address of a plausible shape, in the case it was typed in.
#[derive(Clone, PartialEq, Eq)]
pub struct Email(String);

/// The text is no address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an e-mail address")]
pub struct NotAnEmail;

impl Email {
    pub fn parse(text: &str) -> Result<Self, NotAnEmail> {
        let text = text.trim();
        let (local, domain) = text.rsplit_once('@').ok_or(NotAnEmail)?;
        let plausible = !local.is_empty()
            && local.chars().count() <= LONGEST_LOCAL_PART
            && !local.contains('@')
            && text.chars().count() <= LONGEST
            && !text.chars().any(|c| c.is_whitespace() || c.is_control())
            && domain.contains('.')
            // Addresses there are given to accounts that have none any more.
            && !domain.eq_ignore_ascii_case(PSEUDONYM_DOMAIN)
            && domain.split('.').all(|label| !label.is_empty());
        if plausible { Ok(Self(text.to_owned())) } else { Err(NotAnEmail) }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether both name the same mailbox for us.
    pub fn is_same(&self, other: &str) -> bool {
        self.0.to_lowercase() == other.trim().to_lowercase()
    }

    /// What stands before the `@`.
    pub fn local_part(&self) -> &str {
        self.0.rsplit_once('@').map_or(self.0.as_str(), |(local, _)| local)
    }
}

/// Addresses of people stay out of logs.
impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Email(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_the_web_client_admits_is_an_address() {
        for text in [
            "a@b.c",
            "first.last+tag@example.com",
            "100%@example.com",
            "도란@도란.한국",
            " padded@example.com ",
        ] {
            assert!(Email::parse(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn what_cannot_receive_mail_is_none() {
        let long = format!("{}@example.com", "x".repeat(65));
        for text in [
            "",
            "plain",
            "@example.com",
            "a@",
            "a@nodot",
            "a@.com",
            "a@b..c",
            "a b@example.com",
            "a@b@c.de",
            "a@Withdrawn.INVALID",
            &long,
        ] {
            assert_eq!(Email::parse(text), Err(NotAnEmail), "{text}");
        }
    }

    #[test]
    fn case_and_surrounding_space_make_no_other_mailbox() {
        let email = Email::parse(" Mina@Example.com").unwrap();
        assert_eq!(email.as_str(), "Mina@Example.com");
        assert!(email.is_same("mina@example.COM "));
        assert!(!email.is_same("mina@example.org"));
    }
}
