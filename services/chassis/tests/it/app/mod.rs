//! A router as a service builds it: errors, identity, limits, actuator and description.

mod caller;
mod operation;
mod problem;
mod service;
