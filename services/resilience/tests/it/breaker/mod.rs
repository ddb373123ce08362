//! Proofs of the circuit breaker.

mod additions;
mod cancellation;
mod clock;
mod event;
mod model;
mod property;
mod race;
mod recording;
mod rules;
mod trace;
