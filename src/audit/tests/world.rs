//! A shop with a history in which everything is right, for tests to plant faults into.

use contract::id::{ItemId, OrderId, PaymentId};
use contract::payment::{Booking, Entry};
use contract::store::{OrderStatus, PaymentStatus, SagaKind, SagaState, SagaStep};
use uuid::Uuid;

use crate::audit::{
    Auditor, Hold, HoldState, ItemBook, Ledger, OrderBook, PaymentBook, Pieces, Report, SagaBook,
};

pub(super) const PRICE: i64 = 1_000;

/// How an order went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Story {
    OutOfStock,
    Declined,
    /// Given up while the money was held.
    Voided,
    /// Given up, and the provider had never heard of it.
    Unheard,
    /// Given up although the provider had taken the money at once.
    TakenAndGivenBack,
    Paid,
    Shipped,
    PartlyRefunded,
    /// Paid; a part goes back after store's books were read.
    PartlyRefundedLater,
    Refunded,
    Cancelled,
    /// Nobody knows yet whether the money is held.
    Authorising,
    /// The money is taken there, and not yet here.
    Capturing,
    Stuck,
}

pub(super) const STORIES: [Story; 14] = [
    Story::OutOfStock,
    Story::Declined,
    Story::Voided,
    Story::Unheard,
    Story::TakenAndGivenBack,
    Story::Paid,
    Story::Shipped,
    Story::PartlyRefunded,
    Story::PartlyRefundedLater,
    Story::Refunded,
    Story::Cancelled,
    Story::Authorising,
    Story::Capturing,
    Story::Stuck,
];

#[derive(Debug, Default)]
pub(super) struct World {
    pub(super) items: Vec<ItemBook>,
    pub(super) orders: Vec<OrderBook>,
    pub(super) entries: Vec<Entry>,
    /// What the provider booked after store's books were read.
    pub(super) later: Vec<Entry>,
    ids: u128,
}

impl World {
    pub(super) fn with_items(count: usize) -> Self {
        let mut world = Self::default();
        for _ in 0..count {
            let there = Pieces { initial: 1_000_000, available: 1_000_000, held: 0, sold: 0 };
            let id = ItemId::from(world.id());
            world.items.push(ItemBook { id, stock: Some(there), ledger: there, held: 0, sold: 0 });
        }
        world
    }

    /// One order of each kind.
    pub(super) fn of_all() -> Self {
        let mut world = Self::with_items(3);
        for (index, story) in STORIES.into_iter().enumerate() {
            world.tell(story, index, 2);
        }
        world
    }

    pub(super) fn order(&mut self, story: Story) -> &mut OrderBook {
        let index = STORIES.iter().position(|known| *known == story).expect("a story");
        &mut self.orders[index]
    }

    pub(super) fn tell(&mut self, story: Story, item: usize, quantity: i64) {
        let item = item % self.items.len();
        let id = OrderId::from(self.id());
        let payment = PaymentId::from(self.id());
        let total = PRICE * quantity;
        let mut book = OrderBook {
            id,
            status: status(story),
            currency: "KRW".to_owned(),
            total,
            lines: vec![(self.items[item].id, quantity)],
            holds: Vec::new(),
            payments: Vec::new(),
            sagas: Vec::new(),
        };
        if story != Story::OutOfStock {
            let state = hold(story);
            book.holds.push(Hold { item: self.items[item].id, quantity, state });
            self.move_pieces(item, quantity, state);
            book.payments.push(paid(story, payment, total));
            book.sagas.push(saga(story, self.id()));
            self.book(story, id, payment, total);
        }
        self.orders.push(book);
    }

    fn move_pieces(&mut self, item: usize, quantity: i64, state: HoldState) {
        let book = &mut self.items[item];
        for pieces in book.stock.iter_mut().chain([&mut book.ledger]) {
            match state {
                HoldState::Released => {}
                HoldState::Held => {
                    pieces.available -= quantity;
                    pieces.held += quantity;
                }
                HoldState::Sold => {
                    pieces.available -= quantity;
                    pieces.sold += quantity;
                }
            }
        }
        match state {
            HoldState::Released => {}
            HoldState::Held => book.held += quantity,
            HoldState::Sold => book.sold += quantity,
        }
    }

    fn book(&mut self, story: Story, order: OrderId, payment: PaymentId, total: i64) {
        use Booking::{Authorise, Cancel, Capture, Decline, Refund};
        let half = total / 2;
        let bookings: &[(Booking, i64)] = match story {
            Story::OutOfStock | Story::Authorising => &[],
            Story::Unheard => return self.entries.push(closed(payment)),
            Story::Declined => &[(Decline, total)],
            Story::Voided => &[(Authorise, total), (Cancel, total)],
            Story::TakenAndGivenBack | Story::Refunded | Story::Cancelled => {
                &[(Authorise, total), (Capture, total), (Refund, total)]
            }
            Story::Paid | Story::Shipped | Story::PartlyRefundedLater | Story::Capturing => {
                &[(Authorise, total), (Capture, total)]
            }
            Story::PartlyRefunded => &[(Authorise, total), (Capture, total), (Refund, half)],
            Story::Stuck => &[(Authorise, total)],
        };
        for (booking, amount) in bookings {
            self.entries.push(entry(Some(order), payment, *booking, *amount));
        }
        if story == Story::PartlyRefundedLater {
            self.later.push(entry(Some(order), payment, Refund, half));
        }
    }

    pub(super) fn id(&mut self) -> Uuid {
        self.ids += 1;
        Uuid::from_u128(self.ids)
    }

    /// The first `read` entries are those of the first reading.
    pub(super) fn ledger(&self, read: usize) -> Ledger {
        let mut ledger = Ledger::default();
        for (index, entry) in self.entries.iter().chain(&self.later).enumerate() {
            if index == read {
                ledger.reread();
            }
            ledger.entry(&Entry { seq: u64::try_from(index).unwrap() + 1, ..entry.clone() });
        }
        ledger
    }

    pub(super) fn audit_after(&self, ledger: Ledger) -> Report {
        let mut auditor = Auditor::new(ledger);
        self.items.iter().for_each(|item| auditor.item(item));
        self.orders.iter().for_each(|order| auditor.order(order));
        auditor.finish()
    }

    pub(super) fn audit(&self) -> Report {
        self.audit_after(self.ledger(self.entries.len()))
    }
}

pub(super) fn entry(
    order_id: Option<OrderId>,
    payment_id: PaymentId,
    booking: Booking,
    amount: i64,
) -> Entry {
    let key = match booking {
        Booking::Cancel | Booking::Refund => Some("give-back".to_owned()),
        Booking::Authorise | Booking::Decline | Booking::Capture => None,
    };
    let at = "2026-11-22T03:04:05Z".parse().unwrap();
    Entry {
        seq: 0,
        at,
        payment_id,
        order_id,
        booking,
        amount,
        currency: "KRW".to_owned(),
        key,
        decline_code: None,
    }
}

fn closed(payment: PaymentId) -> Entry {
    Entry { currency: String::new(), ..entry(None, payment, Booking::Cancel, 0) }
}

fn status(story: Story) -> OrderStatus {
    match story {
        Story::OutOfStock | Story::Declined | Story::Voided | Story::Unheard | Story::TakenAndGivenBack => {
            OrderStatus::Failed
        }
        Story::Paid
        | Story::PartlyRefunded
        | Story::PartlyRefundedLater
        | Story::Capturing
        | Story::Stuck => OrderStatus::Confirmed,
        Story::Shipped => OrderStatus::Shipped,
        Story::Refunded => OrderStatus::Refunded,
        Story::Cancelled => OrderStatus::Cancelled,
        Story::Authorising => OrderStatus::Pending,
    }
}

fn hold(story: Story) -> HoldState {
    match story {
        Story::Authorising | Story::Capturing | Story::Stuck => HoldState::Held,
        Story::Paid
        | Story::Shipped
        | Story::PartlyRefunded
        | Story::PartlyRefundedLater
        | Story::Refunded => HoldState::Sold,
        Story::OutOfStock
        | Story::Declined
        | Story::Voided
        | Story::Unheard
        | Story::TakenAndGivenBack
        | Story::Cancelled => HoldState::Released,
    }
}

fn paid(story: Story, id: PaymentId, amount: i64) -> PaymentBook {
    let (status, refunded) = match story {
        Story::Declined => (PaymentStatus::Declined, 0),
        Story::OutOfStock | Story::Voided | Story::Unheard | Story::TakenAndGivenBack => {
            (PaymentStatus::Cancelled, 0)
        }
        Story::Paid | Story::Shipped | Story::PartlyRefundedLater => (PaymentStatus::Captured, 0),
        Story::PartlyRefunded => (PaymentStatus::PartiallyRefunded, amount / 2),
        Story::Refunded | Story::Cancelled => (PaymentStatus::Refunded, amount),
        Story::Authorising => (PaymentStatus::Unknown, 0),
        Story::Capturing | Story::Stuck => (PaymentStatus::Authorised, 0),
    };
    let currency = "KRW".to_owned();
    PaymentBook { id, in_sandbox: true, status, currency, amount, refunded, pending: Vec::new() }
}

fn saga(story: Story, id: Uuid) -> SagaBook {
    let (step, state) = match story {
        Story::Authorising => (SagaStep::Authorise, SagaState::Running),
        Story::Capturing => (SagaStep::Capture, SagaState::Running),
        Story::Stuck => (SagaStep::Capture, SagaState::Stuck),
        Story::OutOfStock | Story::Declined | Story::Voided | Story::Unheard | Story::TakenAndGivenBack => {
            (SagaStep::Done, SagaState::Compensated)
        }
        Story::Paid
        | Story::Shipped
        | Story::PartlyRefunded
        | Story::PartlyRefundedLater
        | Story::Refunded
        | Story::Cancelled => (SagaStep::Done, SagaState::Completed),
    };
    SagaBook {
        id: id.into(),
        kind: SagaKind::Place,
        step,
        state,
        attempt: 0,
        past_deadline_ms: -10_000,
        untouched_ms: -10_000,
        last_error: None,
    }
}
