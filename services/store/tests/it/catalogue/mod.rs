//! The catalogue: read by anybody, changed by administrators, and what is in stock.

mod cache;
mod edit;
mod list;
mod read;
mod search;
mod shelf;
mod stock;
