//! Which route a path takes. Pure: strings in, a decision out.

mod path;
mod pattern;
mod table;

pub(crate) use path::{PathFault, screen};
pub(crate) use pattern::Pattern;
pub(crate) use table::TableFault;
pub(crate) use table::{Matched, Route, RouteTable};
