//! What each route does: extract, decide, persist, reply.

pub mod archive;
pub mod bot;
pub mod health;
pub mod internal;
pub mod maintenance;
pub mod message;
pub mod prompt;
pub mod prompt_view;
pub mod room;
mod room_access;
pub mod room_entry;
pub mod room_list;
pub mod socket;
pub mod stream;
pub mod ticket;
pub mod usage;
