//! Circuit breaker: Resilience4j's exact rules, plus what that reference lacks.
//!
//! [`Machine`] decides and reads no clock; [`Breaker`] is the handle that calls share, [`Permit`] the right
//! to one call, which returns itself when it is dropped.
//! Every addition of ours is a field of [`Config`] whose absence restores the reference
//! ([`Config::resilience4j`]).

mod config;
mod event;
mod handle;
mod machine;
mod memory;
mod permit;
mod snapshot;
mod transition;
mod wait;
mod window;

pub use config::{Config, ConfigError, Overdue, Window};
pub use event::{Cause, Event, EventKind, Operation};
pub use handle::{Breaker, Clock, NotPermitted, Observer};
pub use machine::{Machine, Outcome, Rejected, Report, State, Token};
pub use permit::Permit;
pub use snapshot::{Snapshot, Totals, Transition};
pub use wait::Wait;
