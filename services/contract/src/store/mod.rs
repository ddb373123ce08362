//! What the store sells, orders, payments and bookmarks, as clients and other services see them.

mod bookmark;
mod event;
mod item;
pub mod maintenance;
mod order;
mod saga;

pub use crate::word::UnknownWord;
pub use bookmark::{Bookmark, BotType};
pub use event::{ItemSnapshot, OrderSnapshot, PaymentSnapshot, StockLow, kind};
pub use item::{Item, ItemStatus};
pub use order::{FailureCode, Order, OrderChange, OrderItem, OrderPayment, OrderStatus, PaymentStatus};
pub use saga::{SagaKind, SagaState, SagaStep, SagaView};
