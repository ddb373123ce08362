//! The auditor of the store: whether goods and money are where the books say, and whether the books can be rebuilt
//! from what only grows.
//!
//! The rules are pure: books in, violations out. `read/` and `rebuild` know where the books are; nobody writes.

mod auditor;
mod book;
mod error;
mod item;
mod ledger;
mod order;
mod read;
mod rebuild;
mod saga;
#[cfg(test)]
mod tests;
mod violation;

use std::path::Path;

use sqlx::postgres::PgConnection;

pub use auditor::{Auditor, Report, Stuck};
pub use book::{Hold, HoldState, ItemBook, OrderBook, PaymentBook, Pieces, SagaBook};
pub use error::AuditError;
pub use ledger::{Account, Ledger};
pub use rebuild::{Difference, Rebuilt, Subject, rebuild};
pub use violation::{
    EntryFault, ItemFault, LedgerFault, Money, OrderFault, PaymentFault, SagaFault, Violation,
};

/// Holds store's books against the provider's ledger and against themselves, while the system runs. Without a ledger,
/// the provider's books are empty.
///
/// # Errors
/// When one of the books cannot be read.
pub async fn run(store: &mut PgConnection, ledger: Option<&Path>) -> Result<Report, AuditError> {
    let mut books = Ledger::default();
    let mut file = ledger.map(read::LedgerFile::new);
    if let Some(file) = &mut file {
        file.read_into(&mut books)?;
    }
    let mut tx = read::open(store).await?;
    books.reread();
    if let Some(file) = &mut file {
        file.read_into(&mut books)?;
    }
    let mut auditor = Auditor::new(books);
    read::items(&mut tx, &mut auditor).await?;
    let mut chunks = read::chunks();
    while let Some(chunk) = chunks.next(&mut tx).await? {
        read::orders(&mut tx, chunk, &mut auditor).await?;
    }
    read::same_keys(&mut tx, &mut auditor).await?;
    tx.rollback().await.map_err(AuditError::read("anything"))?;
    Ok(auditor.finish())
}
