//! Proofs of the crate through its public handles.

mod breaker;
