//! The engine on a real database, with works that do what the test says.

mod begin;
mod chunk;
mod drain;
mod fault;
mod part;
mod point;
mod result;
mod stage;
mod takeover;
mod upkeep;
mod wish;
mod world;
mod zombie;
