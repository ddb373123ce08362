//! Schedules on a real database: who fires what, and what people may change.

mod away;
mod change;
mod fixture;
mod jobs;
mod policy;
mod race;
