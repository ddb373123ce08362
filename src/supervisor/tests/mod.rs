//! The rules of `step`, as tables and as properties over random histories.

mod machine;
mod order;
mod property;
mod rule;
