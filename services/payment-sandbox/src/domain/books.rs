//! All payments, folded from all entries.

use std::collections::HashMap;

use chrono::{DateTime, DurationRound as _, TimeDelta, Utc};
use contract::id::PaymentId;
use contract::payment::{Entry, Payment};

use super::account::{Account, Impossible};
use super::command::{Command, Draft, Refusal};

/// What the ledger says, and nothing else.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Books {
    accounts: HashMap<PaymentId, Account>,
    last: Last,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Last {
    seq: u64,
    at: DateTime<Utc>,
}

/// How it was before an entry, to take it back.
#[derive(Debug)]
pub struct Before {
    payment: PaymentId,
    account: Option<Account>,
    last: Last,
}

impl Books {
    /// What a command would book.
    ///
    /// # Errors
    /// See [`Refusal`].
    pub fn book(&self, payment: PaymentId, command: Command) -> Result<Option<Draft>, Refusal> {
        command.book(payment, self.accounts.get(&payment))
    }

    /// The next entry: never before the one that came last, whatever the clock says.
    ///
    /// # Panics
    /// Never: a second has a million microseconds.
    pub fn entry(&self, draft: Draft, now: DateTime<Utc>) -> Entry {
        let now = now.duration_trunc(TimeDelta::microseconds(1)).expect("microseconds divide a second");
        Entry {
            seq: self.last.seq + 1,
            at: now.max(self.last.at),
            payment_id: draft.payment,
            order_id: draft.order,
            booking: draft.booking,
            amount: draft.amount,
            currency: draft.currency,
            key: draft.key,
            decline_code: draft.decline_code,
        }
    }

    /// Takes an entry over.
    ///
    /// # Errors
    /// When it cannot follow on those before it.
    pub fn apply(&mut self, entry: &Entry) -> Result<Before, Impossible> {
        let before = self.accounts.get(&entry.payment_id);
        if entry.seq != self.last.seq + 1 || entry.at < self.last.at {
            return Err(Impossible { booking: entry.booking, amount: entry.amount });
        }
        let account = Account::after(before, entry)?;
        let account = self.accounts.insert(entry.payment_id, account);
        let last = std::mem::replace(&mut self.last, Last { seq: entry.seq, at: entry.at });
        Ok(Before { payment: entry.payment_id, account, last })
    }

    /// Takes the newest entry back.
    pub fn revert(&mut self, before: Before) {
        let Before { payment, account, last } = before;
        match account {
            Some(account) => self.accounts.insert(payment, account),
            None => self.accounts.remove(&payment),
        };
        self.last = last;
    }

    pub fn payment(&self, id: PaymentId) -> Option<Payment> {
        self.accounts.get(&id).map(|account| account.payment(id))
    }

    /// How many entries there are.
    pub const fn entries(&self) -> u64 {
        self.last.seq
    }
}
