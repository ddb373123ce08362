//! An order's goods and money agree with its status, in store's books and in the provider's.

use std::collections::BTreeMap;

use contract::id::ItemId;
use contract::store::{OrderStatus, PaymentStatus};

use super::book::{Hold, HoldState, OrderBook, PaymentBook};
use super::ledger::{Account, Ledger};
use super::violation::{Money, OrderFault, PaymentFault, Violation};

/// What an order that nothing is on its way for has, by its status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Due {
    goods: bool,
    money: bool,
}

fn due(status: OrderStatus) -> Option<Due> {
    match status {
        OrderStatus::Pending => None,
        OrderStatus::Confirmed | OrderStatus::Shipped | OrderStatus::Delivered => {
            Some(Due { goods: true, money: true })
        }
        OrderStatus::Cancelled | OrderStatus::Failed => Some(Due { goods: false, money: false }),
        // The money went back, the goods did not.
        OrderStatus::Refunded => Some(Due { goods: true, money: false }),
    }
}

/// Payments of an order that is on its way are held against nothing but themselves: the two books change at
/// different moments.
pub(super) fn check(book: &OrderBook, ledger: &Ledger) -> Vec<Violation> {
    let mut found = Vec::new();
    let order = book.id;
    for payment in &book.payments {
        let faults = payment_faults(book, payment, ledger);
        found.extend(faults.into_iter().map(|fault| Violation::Payment {
            order,
            payment: payment.id,
            fault,
        }));
    }
    if book.is_settled() {
        found.extend(order_faults(book).into_iter().map(|fault| Violation::Order { order, fault }));
    }
    found
}

fn order_faults(book: &OrderBook) -> Vec<OrderFault> {
    let status = book.status;
    let Some(due) = due(status) else { return vec![OrderFault::Unattended] };
    let mut faults = goods_faults(book, due.goods);
    let takers = book.payments.iter().filter(|payment| kept(payment) > 0).count();
    match takers {
        0 if due.money && book.total > 0 => faults.push(OrderFault::NotPaid { status, total: book.total }),
        0 | 1 => {}
        several => faults.push(OrderFault::PaidTwice(several)),
    }
    faults
}

fn goods_faults(book: &OrderBook, has_goods: bool) -> Vec<OrderFault> {
    let status = book.status;
    let mut faults: Vec<OrderFault> = book
        .holds
        .iter()
        .filter(|hold| hold.state == HoldState::Held)
        .map(|&Hold { item, quantity, .. }| OrderFault::Holds { status, item, quantity })
        .collect();
    let mut goods: BTreeMap<ItemId, (i64, i64)> = BTreeMap::new();
    for (item, quantity) in &book.lines {
        goods.entry(*item).or_default().0 += if has_goods { *quantity } else { 0 };
    }
    for hold in book.holds.iter().filter(|hold| hold.state == HoldState::Sold) {
        goods.entry(hold.item).or_default().1 += hold.quantity;
    }
    let wrong = goods.into_iter().filter(|(_, (ordered, bought))| ordered != bought);
    faults.extend(wrong.map(|(item, (ordered, bought))| OrderFault::Goods { status, item, ordered, bought }));
    faults
}

fn payment_faults(book: &OrderBook, payment: &PaymentBook, ledger: &Ledger) -> Vec<PaymentFault> {
    let mut faults = Vec::new();
    let PaymentBook { status, amount, refunded, .. } = *payment;
    if amount != book.total || payment.currency != book.currency {
        let (currency, order_currency) = (payment.currency.clone(), book.currency.clone());
        faults.push(PaymentFault::Amount { amount, currency, total: book.total, order_currency });
    }
    if !went_back_as(status, amount, refunded) {
        faults.push(PaymentFault::Refunded { status, amount, refunded });
    }
    if book.is_settled() {
        faults.extend(settled_faults(book, payment));
    }
    if payment.in_sandbox {
        faults.extend(provider_faults(book, payment, ledger.states(payment.id)));
    }
    faults
}

fn went_back_as(status: PaymentStatus, amount: i64, refunded: i64) -> bool {
    match status {
        PaymentStatus::PartiallyRefunded => 0 < refunded && refunded < amount,
        PaymentStatus::Refunded => refunded == amount,
        PaymentStatus::Pending
        | PaymentStatus::Unknown
        | PaymentStatus::Authorised
        | PaymentStatus::Captured
        | PaymentStatus::Declined
        | PaymentStatus::Cancelled => refunded == 0,
    }
}

/// What store says of a payment must be the end of it.
fn settled_faults(book: &OrderBook, payment: &PaymentBook) -> Vec<PaymentFault> {
    let mut faults = Vec::new();
    if is_open(payment.status) {
        faults.push(PaymentFault::Open(payment.status));
    }
    let kept = kept(payment);
    if kept != 0 && due(book.status).is_some_and(|due| !due.money) {
        faults.push(PaymentFault::Kept { status: book.status, kept });
    }
    faults.extend(payment.pending.iter().map(|refund| PaymentFault::RefundForgotten(*refund)));
    faults
}

/// Any of the states that the payment may have had is good enough; if none is, the latest says what is wrong.
fn provider_faults(book: &OrderBook, payment: &PaymentBook, states: &[Account]) -> Vec<PaymentFault> {
    if states.is_empty() {
        return compare(book, payment, None);
    }
    let mut faults = Vec::new();
    for state in states {
        faults = compare(book, payment, Some(state));
        if faults.is_empty() {
            break;
        }
    }
    faults
}

fn compare(book: &OrderBook, payment: &PaymentBook, account: Option<&Account>) -> Vec<PaymentFault> {
    let mut faults = Vec::new();
    if let Some(other) = account.and_then(|account| account.order).filter(|order| *order != book.id) {
        faults.push(PaymentFault::OtherOrder(other));
    }
    if let Some(account) = account
        && account.authorised > 0
        && account.currency != payment.currency
    {
        let (store, provider) = (payment.currency.clone(), account.currency.clone());
        faults.push(PaymentFault::Currency { store, provider });
    }
    if book.is_settled() && !is_open(payment.status) {
        let provider = account.map(Account::money).unwrap_or_default();
        faults.extend(compare_money(book, payment, provider));
    }
    faults
}

fn compare_money(book: &OrderBook, payment: &PaymentBook, provider: Money) -> Option<PaymentFault> {
    let (kept_there, held) = (provider.captured - provider.refunded, provider.held);
    let keeps = due(book.status).is_some_and(|due| due.money);
    if !keeps && (kept_there != 0 || held != 0) {
        return Some(PaymentFault::KeptByProvider { status: book.status, kept: kept_there, held });
    }
    let store = match payment.status {
        PaymentStatus::Captured | PaymentStatus::PartiallyRefunded | PaymentStatus::Refunded => {
            Money { captured: payment.amount, refunded: payment.refunded, held: 0 }
        }
        // However it came to nothing there: what was taken went back whole.
        PaymentStatus::Declined
        | PaymentStatus::Cancelled
        | PaymentStatus::Pending
        | PaymentStatus::Unknown
        | PaymentStatus::Authorised => {
            Money { captured: provider.captured, refunded: provider.captured, held: 0 }
        }
    };
    (store != provider).then_some(PaymentFault::Provider { store, provider })
}

/// What store says was taken and not given back.
fn kept(payment: &PaymentBook) -> i64 {
    match payment.status {
        PaymentStatus::Captured | PaymentStatus::PartiallyRefunded | PaymentStatus::Refunded => {
            payment.amount - payment.refunded
        }
        PaymentStatus::Pending
        | PaymentStatus::Unknown
        | PaymentStatus::Authorised
        | PaymentStatus::Declined
        | PaymentStatus::Cancelled => 0,
    }
}

fn is_open(status: PaymentStatus) -> bool {
    match status {
        PaymentStatus::Pending | PaymentStatus::Unknown | PaymentStatus::Authorised => true,
        PaymentStatus::Captured
        | PaymentStatus::Declined
        | PaymentStatus::Cancelled
        | PaymentStatus::PartiallyRefunded
        | PaymentStatus::Refunded => false,
    }
}
