//! From what was written to what runs: defaults, ports, and every rule that spans more than one key. Pure.

mod dependency;
mod pattern;
mod port;
mod route;
mod service;
mod slo;
mod stack;
mod unit;

pub(super) use stack::{Target, resolve};
