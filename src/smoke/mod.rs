//! `doran smoke`: scenarios of HTTP steps as data, run against the stack, reported with every secret removed.
//!
//! `parse` and `plan` turn files into scenarios, `evaluate`, `patience`, `redact`, `report` and `render` are pure;
//! only `runner` sends, waits and reads a clock. What the runner saw cannot be printed: a report is made from
//! it in one place, which redacts.

mod check;
mod evaluate;
mod parse;
mod patience;
mod plan;
mod random;
mod record;
mod redact;
mod render;
mod report;
mod request;
mod response;
mod runner;
mod scenario;
mod suite;
mod template;
#[cfg(test)]
mod tests;

pub(crate) use parse::{ScenarioError, parse};
pub(crate) use plan::{Targets, plan};
pub(crate) use render::{render_scenario, render_summary};
pub(crate) use report::Document;
pub(crate) use runner::{Limits, run};
pub(crate) use scenario::ScenarioFile;
pub(crate) use suite::built_in;
