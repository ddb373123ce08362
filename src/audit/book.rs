//! What store's books say, one item and one order at a time.

use contract::id::{ItemId, OrderId, PaymentId, RefundId, SagaId};
use contract::store::{OrderStatus, PaymentStatus, SagaKind, SagaState, SagaStep};

/// Pieces of an item, by where they are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pieces {
    pub initial: i64,
    pub available: i64,
    pub held: i64,
    pub sold: i64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemBook {
    pub id: ItemId,
    /// None: the item has no row of stock.
    pub stock: Option<Pieces>,
    /// The sum of its entries in the stock's ledger.
    pub ledger: Pieces,
    /// The sums of what orders hold and have bought.
    pub held: i64,
    pub sold: i64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderBook {
    pub id: OrderId,
    pub status: OrderStatus,
    pub currency: String,
    pub total: i64,
    /// What was ordered, by item.
    pub lines: Vec<(ItemId, i64)>,
    pub holds: Vec<Hold>,
    pub payments: Vec<PaymentBook>,
    pub sagas: Vec<SagaBook>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hold {
    pub item: ItemId,
    pub quantity: i64,
    pub state: HoldState,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HoldState {
    Held,
    Sold,
    Released,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentBook {
    pub id: PaymentId,
    /// Whether the sandbox has it in its ledger. Other providers' books are not ours to read.
    pub in_sandbox: bool,
    pub status: PaymentStatus,
    pub currency: String,
    pub amount: i64,
    pub refunded: i64,
    /// Refunds that nobody has answered for yet.
    pub pending: Vec<RefundId>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SagaBook {
    pub id: SagaId,
    pub kind: SagaKind,
    pub step: SagaStep,
    pub state: SagaState,
    pub attempt: i32,
    /// By the database's clock: milliseconds since the deadline, below 0 before it.
    pub past_deadline_ms: i64,
    /// Milliseconds since somebody held it or it was due, whichever is later; below 0 before that.
    pub untouched_ms: i64,
    pub last_error: Option<String>,
}

impl OrderBook {
    /// Nothing is on its way: no saga of the order has anything left to do, so its books must agree.
    pub(super) fn is_settled(&self) -> bool {
        self.sagas.iter().all(SagaBook::is_final)
    }
}

impl SagaBook {
    pub(super) fn is_final(&self) -> bool {
        match self.state {
            SagaState::Running | SagaState::Compensating | SagaState::Stuck => false,
            SagaState::Completed | SagaState::Compensated | SagaState::Resolved => true,
        }
    }
}
