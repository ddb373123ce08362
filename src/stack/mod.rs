//! The stack file `dorandoran.yaml`: found, parsed with exact places, merged by layers, resolved and explained.
//!
//! `raw.rs` is what may be written, [`Stack`] is what runs. Nothing here starts, stops or connects to anything.

mod assignment;
mod decode;
mod diagnostic;
mod dotenv;
pub(crate) mod duration;
mod explain;
mod layers;
mod load;
mod model;
mod name;
mod node;
mod place;
mod raw;
mod resolve;
mod schema;
mod share;
#[cfg(test)]
mod tests;
mod view;
mod yaml;

pub(crate) use explain::{Explanation, Origin, explain};
pub(crate) use layers::LoadRequest;
pub(crate) use load::{Loaded, load};
pub(crate) use model::{
    Condition, Database, Probe, Restart, RestartPolicy, Scope, Service, Slo, SloGoal, Stack,
};
pub(crate) use name::suggestion;
pub(crate) use schema::stack_schema;
pub(crate) use view::View;
