//! Types of the events that user publishes; the data of each is a [`super::UserSnapshot`].

pub const CREATED: &str = "com.dorandoran.user.created.v1";
pub const UPDATED: &str = "com.dorandoran.user.updated.v1";
pub const STATUS_CHANGED: &str = "com.dorandoran.user.status-changed.v1";
pub const ROLE_CHANGED: &str = "com.dorandoran.user.role-changed.v1";
