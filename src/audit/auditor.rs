//! Takes the books in, one item and one order at a time, and says what is wrong with them.

use std::collections::HashSet;

use contract::id::{OrderId, PaymentId, SagaId};
use contract::store::SagaStep;

use super::book::{ItemBook, OrderBook};
use super::ledger::Ledger;
use super::saga::{self, Finding};
use super::violation::{LedgerFault, OrderFault, Violation};
use super::{item, order};

/// Compares store's books with the provider's and with themselves.
#[derive(Debug)]
pub struct Auditor {
    ledger: Ledger,
    /// Payments that store knows.
    known: HashSet<PaymentId>,
    report: Report,
}

/// What an audit found.
#[derive(Debug, Default)]
pub struct Report {
    pub items: u64,
    pub orders: u64,
    pub payments: u64,
    /// Of these, payments of orders that something is on its way for: not compared with the provider.
    pub in_flight: u64,
    /// Lines of the provider's ledger.
    pub entries: u64,
    pub stuck: Vec<Stuck>,
    pub violations: Vec<Violation>,
}

/// A saga that waits for a person. Its order's money is nobody's until then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stuck {
    pub saga: SagaId,
    pub order: OrderId,
    pub step: SagaStep,
    pub attempt: i32,
    pub last_error: Option<String>,
}

impl Auditor {
    /// `ledger` has been read twice: before and after store's books were opened.
    pub fn new(ledger: Ledger) -> Self {
        Self { ledger, known: HashSet::new(), report: Report::default() }
    }

    pub fn item(&mut self, book: &ItemBook) {
        self.report.items += 1;
        self.report.violations.extend(item::check(book));
    }

    pub fn order(&mut self, book: &OrderBook) {
        self.report.orders += 1;
        let payments = u64::try_from(book.payments.len()).unwrap_or(u64::MAX);
        self.report.payments += payments;
        if !book.is_settled() {
            self.report.in_flight += payments;
        }
        self.known.extend(book.payments.iter().map(|payment| payment.id));
        for saga in &book.sagas {
            match saga::check(saga) {
                Finding::Fine => {}
                Finding::Stuck => self.report.stuck.push(Stuck {
                    saga: saga.id,
                    order: book.id,
                    step: saga.step,
                    attempt: saga.attempt,
                    last_error: saga.last_error.clone(),
                }),
                Finding::Wrong(fault) => {
                    self.report.violations.push(Violation::Saga { order: book.id, saga: saga.id, fault });
                }
            }
        }
        self.report.violations.extend(order::check(book, &self.ledger));
    }

    /// Two orders were made with one idempotency key, while it was kept.
    pub fn same_key(&mut self, order: OrderId, other: OrderId) {
        self.report.violations.push(Violation::Order { order, fault: OrderFault::SameKey { other } });
    }

    /// Every item and every order has been seen.
    pub fn finish(mut self) -> Report {
        let strangers = self.ledger.payments().filter(|(id, account)| {
            // An id that was closed before it was used is nobody's loss.
            account.authorised > 0 && !self.known.contains(id)
        });
        let mut strangers: Vec<LedgerFault> = strangers
            .map(|(payment, account)| LedgerFault::Stranger {
                payment,
                kept: account.kept(),
                held: account.held,
            })
            .collect();
        strangers.sort_by_key(ToString::to_string);
        let faults = self.ledger.take_faults().into_iter().chain(strangers);
        self.report.violations.extend(faults.map(Violation::Ledger));
        self.report.entries = self.ledger.entries();
        self.report
    }
}
