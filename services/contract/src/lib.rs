//! The words that programs of `DoranDoran` exchange: wire types, ids, file formats, names of variables.
//!
//! Serde only. This crate never reads a file, opens a socket or looks at the clock.

pub mod auth;
pub mod batch;
pub mod chat;
pub mod claims;
pub mod code;
pub mod env;
pub mod event;
pub mod gateway;
pub mod id;
pub mod internal;
pub mod measure;
pub mod password;
pub mod payment;
pub mod problem;
pub mod registry;
pub mod response;
pub mod schema;
pub mod store;
pub mod text;
pub mod time;
pub mod user;
mod word;
