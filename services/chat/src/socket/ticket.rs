//! Tickets: 256 random bits that open one room once, of which only a hash is stored.

use std::fmt;
use std::time::Duration;

use aws_lc_rs::{digest, rand};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// From asking for it to connecting with it.
const LIFETIME: Duration = Duration::from_secs(30);

/// A ticket in the clear, on its way to or from its owner.
#[derive(Clone, PartialEq, Eq)]
pub struct Ticket(String);

/// The system gave no randomness.
#[derive(Debug, thiserror::Error)]
#[error("no randomness for a ticket")]
pub struct NoRandomness;

impl Ticket {
    pub const LIFETIME: Duration = LIFETIME;

    pub fn random() -> Result<Self, NoRandomness> {
        let mut bytes = [0; 32];
        rand::fill(&mut bytes).map_err(|_| NoRandomness)?;
        Ok(Self(URL_SAFE_NO_PAD.encode(bytes)))
    }

    pub const fn presented(text: String) -> Self {
        Self(text)
    }

    /// What is stored. A ticket has 256 bits of entropy, so a plain hash cannot be guessed back.
    pub fn hash(&self) -> Vec<u8> {
        digest::digest(&digest::SHA256, self.0.as_bytes()).as_ref().to_vec()
    }

    pub fn into_text(self) -> String {
        self.0
    }
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ticket(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tickets_differ_and_never_show_themselves() {
        let (one, other) = (Ticket::random().unwrap(), Ticket::random().unwrap());
        assert!(one != other && one.hash() != other.hash());
        assert_eq!(one.hash(), Ticket::presented(one.clone().into_text()).hash());
        assert_eq!(format!("{one:?}"), "Ticket(…)");
        assert_eq!(one.into_text().len(), 43);
    }
}
