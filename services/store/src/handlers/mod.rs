//! What each route does: extract, decide, persist, reply.

pub mod bookmark;
pub mod bookmark_list;
mod claim;
pub mod health;
pub mod item;
pub mod item_admin;
mod item_cursor;
mod item_view;
mod keyset;
pub mod maintenance;
pub mod order;
mod order_access;
pub mod order_change;
pub mod saga;
pub mod saga_access;
pub mod saga_operator;
pub mod stock;
pub mod webhook;
