//! What is known about the request that the current task works on: its trace, language, deadline and attempt.
//!
//! Set once at the edge, so that errors, logs and calls to other services need no parameter for it.

use contract::text::Language;
use tokio::time::Instant;

use crate::deadline::{Budget, DEFAULT};
use crate::trace::TraceContext;

#[derive(Debug, Clone)]
pub struct RequestContext {
    pub trace: TraceContext,
    pub language: Language,
    pub budget: Budget,
    /// The path that was asked for.
    pub path: String,
    /// How often the caller has tried this before, as it said. Above 0 it repeats by itself, so we do not.
    pub retry_attempt: u8,
}

impl RequestContext {
    /// For work that no request asked for: in the default language, with the longest budget there is.
    pub fn of_our_own(trace: TraceContext) -> Self {
        Self {
            trace,
            language: Language::default(),
            budget: Budget::of(DEFAULT, Instant::now()),
            path: String::new(),
            retry_attempt: 0,
        }
    }
}

tokio::task_local! {
    static CURRENT: RequestContext;
}

/// Runs `work` on behalf of a request.
pub fn scope<F: Future>(context: RequestContext, work: F) -> impl Future<Output = F::Output> {
    // No `async fn`: that would keep room for the work twice.
    CURRENT.scope(context, work)
}

/// The request being worked on; outside of one, a new trace in the default language.
pub fn current() -> RequestContext {
    CURRENT.try_with(Clone::clone).unwrap_or_else(|_| RequestContext::of_our_own(TraceContext::start()))
}

/// Where the current request stands in its trace, if there is one.
pub fn trace() -> Option<TraceContext> {
    CURRENT.try_with(|context| context.trace).ok()
}

/// The language to answer in.
pub fn language() -> Language {
    CURRENT.try_with(|context| context.language).unwrap_or_default()
}

/// What the current request may still take, if there is one.
pub fn budget() -> Option<Budget> {
    CURRENT.try_with(|context| context.budget).ok()
}
