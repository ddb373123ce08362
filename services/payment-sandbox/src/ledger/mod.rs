//! The ledger: a file that only grows, and the one who writes it. Nothing is answered before it is there.

mod file;
mod replay;
mod teller;

pub use file::{Ledger, LedgerError};
pub use teller::{Receipt, Teller, TellerError};
