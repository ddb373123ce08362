//! Sagas on a real database, against a payment provider that does what the test says.

mod answer;
mod cancel;
mod fault;
mod person;
mod place;
mod proof;
mod provider;
mod refund;
mod stage;
mod stock;
mod takeover;
