//! Traces: where a request stands in its trace, the spans that this process adds, and their way out.
//!
//! Without an endpoint in the environment no span is built.

mod context;
mod endpoint;
mod exporter;
mod name;
mod otlp;
mod queue;
mod recorder;
mod span;
mod statement;
#[cfg(test)]
mod tests;

pub use context::{TraceContext, TraceId};
pub use endpoint::Endpoint;
pub use name::{Name, Value};
pub(crate) use recorder::publish;
pub use recorder::{Spans, install, is_on};
pub use span::{Kind, Span};

pub(crate) use statement::layer as statements;
