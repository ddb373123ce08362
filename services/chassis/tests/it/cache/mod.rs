//! The cache over a real Redis.

mod entry;
mod event;
mod fixture;
mod loss;
mod stale;
mod stampede;
