//! The provider's ledger, folded into what it keeps of every payment, and checked against itself on the way.
//!
//! Store goes on while its books are read, so the ledger is read twice: before and after. A payment that nothing was
//! asked about when store's books were read had one of the states between the two readings.

use std::collections::{HashMap, HashSet};

use contract::id::{OrderId, PaymentId};
use contract::payment::{Booking, Entry};

use super::violation::{EntryFault, LedgerFault, Money};

/// A payment as the provider's books have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    pub order: Option<OrderId>,
    pub currency: String,
    pub authorised: i64,
    /// Of what was authorised and neither taken nor given up.
    pub held: i64,
    pub captured: i64,
    pub refunded: i64,
    closed: bool,
}

impl Account {
    /// What the provider took and did not give back.
    pub fn kept(&self) -> i64 {
        self.captured - self.refunded
    }

    pub(super) fn money(&self) -> Money {
        Money { captured: self.captured, refunded: self.refunded, held: self.held }
    }

    fn of(entry: &Entry) -> Self {
        let (order, currency) = (entry.order_id, entry.currency.clone());
        Self { order, currency, authorised: 0, held: 0, captured: 0, refunded: 0, closed: false }
    }

    /// Books the entry as far as the account allows it; what it does not allow is the answer.
    fn book(&mut self, entry: &Entry) -> Option<EntryFault> {
        let amount = entry.amount;
        if entry.order_id.is_some() {
            if self.order.is_some_and(|order| Some(order) != entry.order_id) {
                return Some(EntryFault::OtherOrder);
            }
            self.order = entry.order_id;
        }
        if self.authorised > 0 && entry.currency != self.currency {
            return Some(EntryFault::OtherCurrency);
        }
        match entry.booking {
            Booking::Authorise | Booking::Decline if self.closed || self.authorised > 0 => {
                return Some(EntryFault::Again);
            }
            Booking::Authorise | Booking::Capture | Booking::Refund if amount <= 0 => {
                return Some(EntryFault::NoAmount);
            }
            Booking::Capture if amount > self.held => return Some(EntryFault::MoreThanAuthorised),
            Booking::Cancel if amount > self.held || amount < 0 => return Some(EntryFault::MoreThanHeld),
            Booking::Refund if amount > self.kept() => return Some(EntryFault::MoreThanCaptured),
            Booking::Authorise => {
                self.currency.clone_from(&entry.currency);
                self.authorised = amount;
                self.held = amount;
            }
            Booking::Decline => self.closed = true,
            Booking::Capture => {
                self.held -= amount;
                self.captured += amount;
            }
            Booking::Cancel => {
                self.held -= amount;
                self.closed = true;
            }
            Booking::Refund => self.refunded += amount,
        }
        None
    }
}

/// Everything that the provider has booked.
#[derive(Debug, Default)]
pub struct Ledger {
    accounts: HashMap<PaymentId, Vec<Account>>,
    /// Keys of what was given back: each may do so once.
    keys: HashSet<(PaymentId, String)>,
    last_seq: u64,
    lines: u64,
    /// Store's books were read: from now on states are kept beside those before.
    reread: bool,
    faults: Vec<LedgerFault>,
}

impl Ledger {
    /// A whole line of the file.
    pub fn line(&mut self, line: &[u8]) {
        self.lines += 1;
        match serde_json::from_slice::<Entry>(line) {
            Ok(entry) => self.entry(&entry),
            Err(error) => {
                let line = self.lines;
                self.faults.push(LedgerFault::Line { line, error: error.to_string() });
            }
        }
    }

    pub fn entry(&mut self, entry: &Entry) {
        let expected = self.last_seq + 1;
        if entry.seq != expected {
            self.faults.push(LedgerFault::Gap { expected, found: entry.seq });
        }
        self.last_seq = entry.seq;
        let states = self.accounts.entry(entry.payment_id).or_insert_with(|| vec![Account::of(entry)]);
        if self.reread {
            let before = states.last().cloned();
            states.extend(before);
        }
        let fault = if self.keys_are_new(entry) { None } else { Some(EntryFault::SameKey) };
        let account = self.accounts.get_mut(&entry.payment_id).and_then(|states| states.last_mut());
        let fault = fault.or_else(|| account.and_then(|account| account.book(entry)));
        if let Some(fault) = fault {
            let (payment, seq, amount) = (entry.payment_id, entry.seq, entry.amount);
            self.faults.push(LedgerFault::Entry { seq, payment, amount, fault });
        }
    }

    fn keys_are_new(&mut self, entry: &Entry) -> bool {
        match (entry.booking, &entry.key) {
            (Booking::Cancel | Booking::Refund, Some(key)) => {
                self.keys.insert((entry.payment_id, key.clone()))
            }
            _ => true,
        }
    }

    /// Store's books have been read; what follows is the second reading.
    pub fn reread(&mut self) {
        self.reread = true;
    }

    /// The states that the payment may have had when store's books were read, the latest last. Empty: the provider had
    /// never heard of it, and still has not.
    pub(super) fn states(&self, payment: PaymentId) -> &[Account] {
        self.accounts.get(&payment).map_or(&[], Vec::as_slice)
    }

    /// As they were before store's books were read.
    pub(super) fn payments(&self) -> impl Iterator<Item = (PaymentId, &Account)> {
        self.accounts.iter().filter_map(|(id, states)| Some((*id, states.first()?)))
    }

    pub(super) fn take_faults(&mut self) -> Vec<LedgerFault> {
        std::mem::take(&mut self.faults)
    }

    pub(super) fn entries(&self) -> u64 {
        self.lines
    }
}
