//! Orders over HTTP, with the real sandbox provider behind them.

mod change;
mod maintenance;
mod place;
mod read;
mod saga;
mod shop;
mod webhook;
