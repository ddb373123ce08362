//! What is for sale.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::id::ItemId;
use crate::word::word;

word! {
    /// Whether an item can be bought: only what is `ACTIVE` is listed and sold.
    ItemStatus { Active = "ACTIVE", Inactive = "INACTIVE", Discontinued = "DISCONTINUED" }
}

/// An item of the catalogue. Every key is always present.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Item {
    pub id: ItemId,
    pub sku: String,
    pub name: String,
    pub description: String,
    pub category: String,
    /// In minor units of the currency; won has none.
    pub price: i64,
    /// ISO 4217.
    pub currency: String,
    /// How many can be bought now: what there was, less what is held and sold. Never from a cache.
    pub stock: i64,
    pub status: ItemStatus,
    #[schema(required)]
    pub image_url: Option<String>,
    /// Grows with every change but those of the stock.
    pub version: i64,
    #[serde(with = "crate::time::micros")]
    pub created_at: DateTime<Utc>,
    #[serde(with = "crate::time::micros")]
    pub updated_at: DateTime<Utc>,
}
