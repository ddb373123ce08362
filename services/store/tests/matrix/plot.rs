//! The points of the sagas, and what brings an order to each.

use contract::id::ItemId;
use rand::RngExt as _;
use rand::rngs::StdRng;

use super::buyer::{Then, Wish};
use super::world::PRICE;

/// What an order goes through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    /// It is paid for, with or without trouble.
    Paid,
    Declined,
    /// It is cancelled when it is paid for.
    Cancelled,
    /// It is cancelled while the provider gives no answer.
    Stopped,
    Refunded,
}

/// Every point there is, and what leads to it.
pub(crate) const POINTS: [(&str, By); 19] = [
    ("hold.begin", By::Paid),
    ("hold.answered", By::Paid),
    ("hold.committed", By::Paid),
    ("authorise.begin", By::Paid),
    ("authorise.send", By::Paid),
    ("authorise.answered", By::Paid),
    ("authorise.committed", By::Paid),
    ("capture.begin", By::Paid),
    ("capture.send", By::Paid),
    ("capture.answered", By::Paid),
    ("capture.committed", By::Paid),
    ("void.begin", By::Stopped),
    ("void.send", By::Stopped),
    ("void.answered", By::Stopped),
    ("void.committed", By::Stopped),
    ("refund.begin", By::Refunded),
    ("refund.send", By::Refunded),
    ("refund.answered", By::Refunded),
    ("refund.committed", By::Refunded),
];

/// Means of payment that end well.
const GOOD: [&str; 4] = ["tok_approve", "tok_lost_answer", "tok_dup_webhook", "tok_late_webhook"];

impl By {
    pub(crate) const ALL: [Self; 5] =
        [Self::Paid, Self::Declined, Self::Cancelled, Self::Stopped, Self::Refunded];

    /// One to three of the items, at `at`.
    pub(crate) fn wish(self, items: &[ItemId], random: &mut StdRng, at: Vec<String>) -> Wish {
        let count = random.random_range(1..=items.len());
        let first = random.random_range(0..items.len());
        let lines: Vec<_> =
            (0..count).map(|n| (items[(first + n) % items.len()], random.random_range(1..=2))).collect();
        let good = GOOD[random.random_range(0..GOOD.len())];
        let (token, then) = match self {
            Self::Paid => (good, Then::Keep),
            Self::Declined => ("tok_decline", Then::Keep),
            Self::Cancelled => (good, Then::Cancel),
            Self::Stopped => ("tok_down", Then::CancelAtOnce),
            Self::Refunded => {
                let amount = random.random_bool(0.5).then_some(PRICE);
                (good, Then::Refund(amount))
            }
        };
        Wish { lines, token, then, at }
    }
}
