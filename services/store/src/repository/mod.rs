//! SQL of `store_db`, one aggregate a file. Functions take an executor: transactions begin in handlers and tasks.

pub mod bookmark;
pub mod item;
pub mod item_list;
pub mod order;
pub mod order_history;
pub mod order_list;
pub mod payment;
pub mod reconciliation;
pub mod saga;
pub mod saga_list;
pub mod statistics;
pub mod stock;
pub mod webhook;
