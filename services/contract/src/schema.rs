//! What the data of each event looks like, as JSON Schema: for readers in other languages, and for tests.
//!
//! The files under `schemas/` are made from this by `cargo run -p contract --example schemas`. Inside a version
//! of a type (`.v1`) changes only add: what readers know stays, and what is new is not required.

use schemars::{JsonSchema, Schema, generate::SchemaSettings};

use crate::auth::{self, SessionStarted, TokenRevoked};
use crate::event::schema_urn;
use crate::store::{ItemSnapshot, OrderSnapshot, PaymentSnapshot, StockLow, kind};
use crate::user::{self, UserSnapshot};

/// The type of an event, and what its data looks like.
pub struct EventSchema {
    pub kind: &'static str,
    pub data: Schema,
}

impl EventSchema {
    fn of<T: JsonSchema>(kind: &'static str) -> Self {
        let mut data = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<T>();
        data.insert("$id".to_owned(), schema_urn(kind).into());
        Self { kind, data }
    }
}

/// Every type of event that a service publishes.
pub fn events() -> Vec<EventSchema> {
    vec![
        EventSchema::of::<TokenRevoked>(auth::event::TOKEN_REVOKED),
        EventSchema::of::<SessionStarted>(auth::event::SESSION_STARTED),
        EventSchema::of::<UserSnapshot>(user::event::CREATED),
        EventSchema::of::<UserSnapshot>(user::event::UPDATED),
        EventSchema::of::<UserSnapshot>(user::event::STATUS_CHANGED),
        EventSchema::of::<UserSnapshot>(user::event::ROLE_CHANGED),
        EventSchema::of::<OrderSnapshot>(kind::ORDER_CREATED),
        EventSchema::of::<OrderSnapshot>(kind::ORDER_CONFIRMED),
        EventSchema::of::<OrderSnapshot>(kind::ORDER_CANCELLED),
        EventSchema::of::<OrderSnapshot>(kind::ORDER_FAILED),
        EventSchema::of::<PaymentSnapshot>(kind::PAYMENT_CAPTURED),
        EventSchema::of::<PaymentSnapshot>(kind::PAYMENT_REFUNDED),
        EventSchema::of::<ItemSnapshot>(kind::ITEM_CHANGED),
        EventSchema::of::<StockLow>(kind::STOCK_LOW),
    ]
}
