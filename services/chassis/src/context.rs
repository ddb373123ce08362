//! What is known about the request that the current task works on: its trace, language and deadline.
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
}

tokio::task_local! {
    static CURRENT: RequestContext;
}

/// Runs `work` on behalf of a request.
pub async fn scope<F: Future>(context: RequestContext, work: F) -> F::Output {
    CURRENT.scope(context, work).await
}

/// The request being worked on; outside of one, a new trace in the default language.
pub fn current() -> RequestContext {
    CURRENT.try_with(Clone::clone).unwrap_or_else(|_| RequestContext {
        trace: TraceContext::start(),
        language: Language::default(),
        budget: Budget::of(DEFAULT, Instant::now()),
        path: String::new(),
    })
}

/// The language to answer in.
pub fn language() -> Language {
    CURRENT.try_with(|context| context.language).unwrap_or_default()
}

/// What the current request may still take, if there is one.
pub fn budget() -> Option<Budget> {
    CURRENT.try_with(|context| context.budget).ok()
}
