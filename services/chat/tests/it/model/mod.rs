//! The responder with a language model, against a fake endpoint on a real socket and a real database.

mod fault;
mod history;
mod limit;
mod log;
mod memory;
mod opening;
mod prompt;
mod quota;
mod stage;
mod turn;
