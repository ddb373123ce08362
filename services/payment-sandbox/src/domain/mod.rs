//! The rules of the sandbox: what a command books, and what an entry makes of a payment. Pure.

mod account;
mod behaviour;
mod books;
mod command;
#[cfg(test)]
mod tests;

pub(crate) use account::reference;
pub use account::{Account, Impossible};
pub use behaviour::Behaviour;
pub use books::{Before, Books};
pub use command::{Command, Draft, Refusal};
