//! What an auditor can find, and what to do about it.

use contract::id::{ItemId, OrderId, PaymentId, RefundId, SagaId};
use contract::store::{OrderStatus, PaymentStatus, SagaStep};
use thiserror::Error;

use super::book::Pieces;

/// Something that must never be so.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Violation {
    #[error("item {item}: {fault}")]
    Item { item: ItemId, fault: ItemFault },
    #[error("order {order}: {fault}")]
    Order { order: OrderId, fault: OrderFault },
    #[error("payment {payment} of order {order}: {fault}")]
    Payment { order: OrderId, payment: PaymentId, fault: PaymentFault },
    #[error("saga {saga} of order {order}: {fault}")]
    Saga { order: OrderId, saga: SagaId, fault: SagaFault },
    #[error("the provider's ledger: {0}")]
    Ledger(LedgerFault),
}

#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ItemFault {
    #[error("it has no row of stock")]
    NoStock,
    #[error(
        "available {} + held {} + sold {} is not the {} there were",
        .0.available, .0.held, .0.sold, .0.initial
    )]
    Sum(Pieces),
    #[error("the stock is {}, its ledger adds up to {}", pieces(stock), pieces(ledger))]
    Ledger { stock: Pieces, ledger: Pieces },
    #[error("the stock says {stock} held, orders hold {orders}")]
    Held { stock: i64, orders: i64 },
    #[error("the stock says {stock} sold, orders have bought {orders}")]
    Sold { stock: i64, orders: i64 },
}

#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum OrderFault {
    #[error("it is PENDING, and no saga brings it to its end")]
    Unattended,
    #[error("it is {status} and still holds {quantity} of item {item}")]
    Holds { status: OrderStatus, item: ItemId, quantity: i64 },
    #[error("it is {status}, wants {ordered} of item {item} and has bought {bought}")]
    Goods { status: OrderStatus, item: ItemId, ordered: i64, bought: i64 },
    #[error("it is {status}, and no payment took the {total} that it costs")]
    NotPaid { status: OrderStatus, total: i64 },
    #[error("{0} payments keep money for it")]
    PaidTwice(usize),
    #[error("another order was made with the same idempotency key: {other}")]
    SameKey { other: OrderId },
}

#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PaymentFault {
    #[error("nothing is on its way for it, and it is {0}")]
    Open(PaymentStatus),
    #[error("it is over {amount} {currency}, the order over {total} {order_currency}")]
    Amount { amount: i64, currency: String, total: i64, order_currency: String },
    #[error("{refunded} of {amount} went back, which is not {status}")]
    Refunded { status: PaymentStatus, amount: i64, refunded: i64 },
    #[error("the order is {status}, and store says that {kept} are kept")]
    Kept { status: OrderStatus, kept: i64 },
    #[error("the order is {status}, and the provider keeps {kept} and holds {held}")]
    KeptByProvider { status: OrderStatus, kept: i64, held: i64 },
    #[error("store says {store}, the provider {provider}")]
    Provider { store: Money, provider: Money },
    #[error("the provider has it in {provider}, store in {store}")]
    Currency { store: String, provider: String },
    #[error("the provider has it for order {0}")]
    OtherOrder(OrderId),
    #[error("refund {0} is pending, and no saga sends it")]
    RefundForgotten(RefundId),
}

#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SagaFault {
    #[error("at {step}, {} s past its deadline", past_ms / 1000)]
    Overdue { step: SagaStep, past_ms: i64 },
    #[error("at {step}, due for {} s and nobody takes it up", untouched_ms / 1000)]
    Untouched { step: SagaStep, untouched_ms: i64 },
}

#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LedgerFault {
    #[error("line {line} is no entry: {error}")]
    Line { line: u64, error: String },
    #[error("entry {found} stands where {expected} belongs")]
    Gap { expected: u64, found: u64 },
    #[error("entry {seq} books {amount} for payment {payment}: {fault}")]
    Entry { seq: u64, payment: PaymentId, amount: i64, fault: EntryFault },
    #[error("payment {payment} took {kept} and holds {held}, and store does not know it")]
    Stranger { payment: PaymentId, kept: i64, held: i64 },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum EntryFault {
    #[error("it was decided already")]
    Again,
    #[error("an amount is above 0")]
    NoAmount,
    #[error("more than is authorised")]
    MoreThanAuthorised,
    #[error("more than is held")]
    MoreThanHeld,
    #[error("more than is left of what was captured")]
    MoreThanCaptured,
    #[error("the same key gives back once")]
    SameKey,
    #[error("it belongs to another order")]
    OtherOrder,
    #[error("it is in another currency")]
    OtherCurrency,
}

/// What became of a payment's amount.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Error)]
#[error("captured {captured}, refunded {refunded}, held {held}")]
pub struct Money {
    pub captured: i64,
    pub refunded: i64,
    pub held: i64,
}

fn pieces(of: &Pieces) -> String {
    let Pieces { initial, available, held, sold } = of;
    format!("{initial} = {available} available + {held} held + {sold} sold")
}

impl Violation {
    /// One word for programs; a word keeps its meaning.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Item { fault, .. } => match fault {
                ItemFault::NoStock => "NO_STOCK",
                ItemFault::Sum(_) => "STOCK_SUM",
                ItemFault::Ledger { .. } => "STOCK_LEDGER",
                ItemFault::Held { .. } => "STOCK_HELD",
                ItemFault::Sold { .. } => "STOCK_SOLD",
            },
            Self::Order { fault, .. } => match fault {
                OrderFault::Unattended => "ORDER_UNATTENDED",
                OrderFault::Holds { .. } => "ORDER_HOLDS",
                OrderFault::Goods { .. } => "ORDER_GOODS",
                OrderFault::NotPaid { .. } => "ORDER_NOT_PAID",
                OrderFault::PaidTwice(_) => "ORDER_PAID_TWICE",
                OrderFault::SameKey { .. } => "ORDER_SAME_KEY",
            },
            Self::Payment { fault, .. } => fault.kind(),
            Self::Saga { fault: SagaFault::Overdue { .. }, .. } => "SAGA_OVERDUE",
            Self::Saga { fault: SagaFault::Untouched { .. }, .. } => "SAGA_UNTOUCHED",
            Self::Ledger(fault) => match fault {
                LedgerFault::Line { .. } => "LEDGER_LINE",
                LedgerFault::Gap { .. } => "LEDGER_GAP",
                LedgerFault::Entry { .. } => "LEDGER_ENTRY",
                LedgerFault::Stranger { .. } => "LEDGER_STRANGER",
            },
        }
    }

    /// What to do next; docs/store.md has the rest.
    pub fn help(&self) -> &'static str {
        match self {
            Self::Item { .. } => {
                "`doran sagas verify` shows what it should be; stop selling the item until it is"
            }
            Self::Order { fault, .. } => match fault {
                OrderFault::PaidTwice(_) => "give one of the payments back at the provider",
                OrderFault::SameKey { .. } => "cancel one of the orders",
                OrderFault::Unattended
                | OrderFault::Holds { .. }
                | OrderFault::Goods { .. }
                | OrderFault::NotPaid { .. } => {
                    "read its history and its sagas (docs/store.md, \"When money is stuck\")"
                }
            },
            Self::Payment { fault, .. } => match fault {
                PaymentFault::Kept { .. } | PaymentFault::KeptByProvider { .. } => {
                    "give the money back at the provider"
                }
                PaymentFault::RefundForgotten(_) => "send the refund at the provider, with its id as the key",
                PaymentFault::Open(_)
                | PaymentFault::Amount { .. }
                | PaymentFault::Refunded { .. }
                | PaymentFault::Provider { .. }
                | PaymentFault::Currency { .. }
                | PaymentFault::OtherOrder(_) => {
                    "what the provider has is what was paid: compare (docs/store.md, \"When money is stuck\")"
                }
            },
            Self::Saga { .. } => "see that store runs (`doran ps store`), then `doran sagas retry` it",
            Self::Ledger(_) => "the provider's books are wrong in themselves: ask the provider",
        }
    }

    pub fn item(&self) -> Option<ItemId> {
        match self {
            Self::Item { item, .. }
            | Self::Order {
                fault: OrderFault::Holds { item, .. } | OrderFault::Goods { item, .. }, ..
            } => Some(*item),
            Self::Order { .. } | Self::Payment { .. } | Self::Saga { .. } | Self::Ledger(_) => None,
        }
    }

    pub fn order(&self) -> Option<OrderId> {
        match self {
            Self::Order { order, .. } | Self::Payment { order, .. } | Self::Saga { order, .. } => {
                Some(*order)
            }
            Self::Item { .. } | Self::Ledger(_) => None,
        }
    }

    pub fn payment(&self) -> Option<PaymentId> {
        match self {
            Self::Payment { payment, .. }
            | Self::Ledger(LedgerFault::Entry { payment, .. } | LedgerFault::Stranger { payment, .. }) => {
                Some(*payment)
            }
            Self::Item { .. } | Self::Order { .. } | Self::Saga { .. } | Self::Ledger(_) => None,
        }
    }

    pub fn saga(&self) -> Option<SagaId> {
        match self {
            Self::Saga { saga, .. } => Some(*saga),
            Self::Item { .. } | Self::Order { .. } | Self::Payment { .. } | Self::Ledger(_) => None,
        }
    }
}

impl PaymentFault {
    fn kind(&self) -> &'static str {
        match self {
            Self::Open(_) => "PAYMENT_OPEN",
            Self::Amount { .. } => "PAYMENT_AMOUNT",
            Self::Refunded { .. } => "PAYMENT_REFUNDED",
            Self::Kept { .. } => "PAYMENT_KEPT",
            Self::KeptByProvider { .. } => "PAYMENT_KEPT_BY_PROVIDER",
            Self::Provider { .. } => "PAYMENT_PROVIDER",
            Self::Currency { .. } => "PAYMENT_CURRENCY",
            Self::OtherOrder(_) => "PAYMENT_OTHER_ORDER",
            Self::RefundForgotten(_) => "REFUND_FORGOTTEN",
        }
    }
}
