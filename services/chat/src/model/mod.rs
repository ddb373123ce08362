//! A language model behind an OpenAI-compatible API: one question, one streamed answer, within a deadline.
//!
//! Knows nothing of rooms, learners and tutors.

mod attempt;
mod chunk;
mod client;
mod error;
mod gathering;
mod measure;
mod request;
mod sse;
mod tokens;
mod verdict;

pub use client::Model;
pub use error::ModelError;
pub use request::{Format, Prompt, Request, Role};
pub use tokens::{Meter, Tokens, estimate};
