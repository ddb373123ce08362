//! Rules of rooms and messages: pure functions and types, without async, HTTP or SQL.

pub mod bot;
pub mod history;
pub mod message;
pub mod prompt;
pub mod retention;
pub mod room;
