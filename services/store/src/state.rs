//! The handles that every handler shares.

use axum::extract::FromRef;
use chassis::identity::Identity;
use sqlx::PgPool;

use crate::catalogue::Catalogue;
use crate::payment::Provider;
use crate::rooms::Rooms;
use crate::saga::Sagas;
use crate::stock_low::Threshold;

#[derive(Clone, FromRef)]
pub struct AppState {
    pub db: PgPool,
    pub identity: Identity,
    pub catalogue: Catalogue,
    pub low_stock: Threshold,
    pub payment: Provider,
    pub rooms: Rooms,
    pub sagas: Sagas,
}
