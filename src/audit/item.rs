//! Goods: what is there, held and sold adds up, wherever one counts.

use super::book::{ItemBook, Pieces};
use super::violation::{ItemFault, Violation};

/// Holds of an item and its stock change in one transaction, so these agree at any moment.
pub(super) fn check(book: &ItemBook) -> Vec<Violation> {
    let item = book.id;
    faults(book).into_iter().map(|fault| Violation::Item { item, fault }).collect()
}

fn faults(book: &ItemBook) -> Vec<ItemFault> {
    let ItemBook { stock, ledger, held, sold, .. } = *book;
    let Some(stock) = stock else { return vec![ItemFault::NoStock] };
    let mut faults = Vec::new();
    let Pieces { initial, available, held: stock_held, sold: stock_sold } = stock;
    if initial != available + stock_held + stock_sold {
        faults.push(ItemFault::Sum(stock));
    }
    if stock != ledger {
        faults.push(ItemFault::Ledger { stock, ledger });
    }
    if stock_held != held {
        faults.push(ItemFault::Held { stock: stock_held, orders: held });
    }
    if stock_sold != sold {
        faults.push(ItemFault::Sold { stock: stock_sold, orders: sold });
    }
    faults
}
