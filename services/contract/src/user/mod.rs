//! Users as every service and the web client see them.

pub mod event;
pub mod maintenance;
mod profile;

pub use crate::word::UnknownWord;
pub use profile::{PSEUDONYM_DOMAIN, Role, UserDto, UserSnapshot, UserStatus, pseudonym};
