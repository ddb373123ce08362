//! One file per resource.

pub mod health;
pub mod ledger;
pub mod payment;
