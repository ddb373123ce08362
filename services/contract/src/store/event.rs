//! What store publishes.

use serde::{Deserialize, Serialize};

use super::{FailureCode, ItemStatus, OrderItem, OrderStatus, PaymentStatus};
use crate::id::{ItemId, OrderId, PaymentId, UserId};

/// Types of the events.
pub mod kind {
    pub const ORDER_CREATED: &str = "com.dorandoran.store.order-created.v1";
    pub const ORDER_CONFIRMED: &str = "com.dorandoran.store.order-confirmed.v1";
    pub const ORDER_CANCELLED: &str = "com.dorandoran.store.order-cancelled.v1";
    pub const ORDER_FAILED: &str = "com.dorandoran.store.order-failed.v1";
    pub const PAYMENT_CAPTURED: &str = "com.dorandoran.store.payment-captured.v1";
    pub const PAYMENT_REFUNDED: &str = "com.dorandoran.store.payment-refunded.v1";
    pub const STOCK_LOW: &str = "com.dorandoran.store.stock-low.v1";
    pub const ITEM_CHANGED: &str = "com.dorandoran.store.item-changed.v1";
}

/// What the events of an order carry: the state after the change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
// The code is null as a rule, but always there.
#[schemars(extend("required" = ["id", "userId", "status", "items", "totalAmount", "currency", "failureCode", "version"]))]
pub struct OrderSnapshot {
    pub id: OrderId,
    pub user_id: UserId,
    pub status: OrderStatus,
    pub items: Vec<OrderItem>,
    pub total_amount: i64,
    pub currency: String,
    pub failure_code: Option<FailureCode>,
    /// Grows with every event of this order.
    pub version: i64,
}

/// What the events of a payment carry: the state after the change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PaymentSnapshot {
    pub id: PaymentId,
    pub order_id: OrderId,
    pub status: PaymentStatus,
    pub amount: i64,
    pub refunded_amount: i64,
    pub currency: String,
    /// Grows with every event of this payment.
    pub version: i64,
}

/// An item is about to sell out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StockLow {
    pub item_id: ItemId,
    pub sku: String,
    pub available: i64,
    /// At or below this, an item counts as low.
    pub threshold: i64,
}

/// What the events of an item carry: the state after the change. Its stock has events of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ItemSnapshot {
    pub id: ItemId,
    pub sku: String,
    pub name: String,
    pub category: String,
    /// In minor units of the currency.
    pub price: i64,
    pub currency: String,
    pub status: ItemStatus,
    /// Grows with every event of this item.
    pub version: i64,
}
