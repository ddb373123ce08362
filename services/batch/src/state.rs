//! The handles that every handler shares.

use axum::extract::FromRef;
use chassis::identity::Identity;
use sqlx::PgPool;

use crate::engine::{Registry, Runner};
use crate::live::Streams;
use crate::objects::Objects;

#[derive(Clone, FromRef)]
pub struct AppState {
    pub db: PgPool,
    pub identity: Identity,
    pub jobs: Registry,
    pub runner: Runner,
    pub objects: Objects,
    pub streams: Streams,
}
