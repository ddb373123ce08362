//! Toss Payments, and what speaks its API: one call confirms a payment and takes the money at once.
//!
//! The window in the customer's browser makes the payment there under an order id, which is our payment's id, and
//! hands out a `paymentKey`, which is the charge's token. Sources: the core API's reference
//! (<https://docs.tosspayments.com/reference>, version 2022-11-16), its error codes (`/reference/error-codes`),
//! headers (`/reference/using-api/authorization`) and webhooks (`/reference/using-api/webhook-events`), read as
//! they were in 2025.

mod adapter;
mod api;
mod books;
mod config;
mod error;
mod measure;
mod refund;
mod refusal;
mod webhook;
mod wire;

pub use adapter::Toss;
pub use config::TossConfig;
