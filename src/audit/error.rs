//! Why books could not be read. What is wrong in them is no error.

use std::io;
use std::path::PathBuf;

use contract::store::UnknownWord;
use thiserror::Error;

#[derive(Debug, Error)]
pub enum AuditError {
    #[error("store_db: cannot read {table}")]
    Read { table: &'static str, source: sqlx::Error },
    #[error("store_db: {table} holds a word that this doran does not know")]
    Word { table: &'static str, source: UnknownWord },
    #[error("cannot read the provider's ledger {}", path.display())]
    Ledger { path: PathBuf, source: io::Error },
}

impl AuditError {
    pub(super) fn read(table: &'static str) -> impl Fn(sqlx::Error) -> Self {
        move |source| Self::Read { table, source }
    }

    pub(super) fn word(table: &'static str) -> impl Fn(UnknownWord) -> Self {
        move |source| Self::Word { table, source }
    }
}
