//! Orders and how they were paid.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::id::{ItemId, OrderId, PaymentId, UserId};
use crate::word::word;

word! {
    /// How far an order has come.
    OrderStatus {
        Pending = "PENDING", Confirmed = "CONFIRMED", Shipped = "SHIPPED", Delivered = "DELIVERED",
        Cancelled = "CANCELLED", Failed = "FAILED", Refunded = "REFUNDED",
    }
}

word! {
    /// How far a payment has come. `UNKNOWN`: the provider was asked and has not said yet what became of it.
    PaymentStatus {
        Pending = "PENDING", Unknown = "UNKNOWN", Authorised = "AUTHORISED", Captured = "CAPTURED",
        Declined = "DECLINED", Cancelled = "CANCELLED", PartiallyRefunded = "PARTIALLY_REFUNDED",
        Refunded = "REFUNDED",
    }
}

word! {
    /// Why an order failed.
    FailureCode {
        OutOfStock = "OUT_OF_STOCK", PaymentDeclined = "PAYMENT_DECLINED",
        // The provider gave no final answer before the order's deadline.
        PaymentUnavailable = "PAYMENT_UNAVAILABLE",
        Expired = "EXPIRED",
        // A person gave it up.
        Abandoned = "ABANDONED",
    }
}

/// An order. Every key is always present.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Order {
    pub id: OrderId,
    pub status: OrderStatus,
    pub items: Vec<OrderItem>,
    /// In minor units of the currency.
    pub total_amount: i64,
    pub currency: String,
    /// The payment that counts; none when the order failed before there was one.
    #[schema(required)]
    pub payment: Option<OrderPayment>,
    #[schema(required)]
    pub failure_code: Option<FailureCode>,
    #[serde(with = "crate::time::micros")]
    pub created_at: DateTime<Utc>,
    #[serde(with = "crate::time::micros")]
    pub updated_at: DateTime<Utc>,
}

/// What was ordered, with name and price as they were then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderItem {
    pub item_id: ItemId,
    pub name: String,
    pub unit_price: i64,
    pub quantity: i32,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderPayment {
    pub id: PaymentId,
    pub status: PaymentStatus,
    /// As the client named it, e.g. `card`.
    pub method: String,
    pub amount: i64,
    pub refunded_amount: i64,
}

/// A change of an order. Every key is always present.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderChange {
    /// 1, 2, 3 … within the order.
    pub seq: i32,
    /// What happened, e.g. `PLACED`.
    pub kind: String,
    /// Null for the first one.
    #[schema(required)]
    pub from: Option<OrderStatus>,
    pub to: OrderStatus,
    /// Who did it. Null when nobody did, and to everybody but administrators when somebody else did.
    #[schema(required)]
    pub actor_id: Option<UserId>,
    /// Why, where somebody said so; shown to the same people.
    #[schema(required)]
    pub reason: Option<String>,
    #[serde(with = "crate::time::micros")]
    pub created_at: DateTime<Utc>,
}
