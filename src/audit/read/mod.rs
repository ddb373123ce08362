//! Reads the books: store's database, and the provider's ledger.

mod chunk;
mod ledger;
mod store;

pub(super) use chunk::chunks;
pub(super) use ledger::LedgerFile;
pub(super) use store::{items, open, orders, same_keys};
