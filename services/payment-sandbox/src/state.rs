//! The handles that every handler shares.

use axum::extract::FromRef;
use chassis::identity::Identity;

use crate::late::Late;
use crate::ledger::Teller;

#[derive(Clone, FromRef)]
pub struct AppState {
    pub teller: Teller,
    pub late: Late,
    pub identity: Identity,
}
