//! A span while it lasts. It ends when it is dropped: whoever is cancelled leaves a span that says so.

use std::time::{Duration, Instant, SystemTime};

use futures_util::future::Either;
use http::StatusCode;

use super::context::TraceContext;
use super::name::{Name, Value};
use super::queue::Queue;
use super::recorder::queue;
use crate::context::{self, RequestContext};

/// What a span stands for, in OpenTelemetry's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Internal,
    Server,
    Client,
    Producer,
    Consumer,
}

/// Nothing at all when traces are not exported, or the work is of no trace that is.
#[derive(Debug, Default)]
#[must_use = "a span ends when it is dropped"]
pub struct Span(Option<Box<Open>>);

#[derive(Debug)]
struct Open {
    since: Instant,
    ended: End,
    queue: &'static Queue,
    data: SpanData,
}

/// How a span came to its end.
#[derive(Debug, PartialEq, Eq)]
enum End {
    /// Dropped before anybody said how it went.
    Cancelled,
    Said,
    /// Somebody else tells of this.
    Untold,
}

/// A span on its way out.
#[derive(Debug, Clone)]
pub(super) struct SpanData {
    pub(super) context: TraceContext,
    pub(super) parent_is_remote: bool,
    pub(super) kind: Kind,
    pub(super) name: Name,
    pub(super) start: SystemTime,
    pub(super) took: Duration,
    pub(super) attributes: Vec<(&'static str, Value)>,
    pub(super) failed: bool,
    /// What it came of without being part of it.
    pub(super) links: Vec<TraceContext>,
}

impl Span {
    /// The span that `context` stands for: the first of this process in its trace.
    pub fn own(kind: Kind, name: impl Into<Name>, context: &mut TraceContext) -> Self {
        let Some(queue) = queue() else {
            return Self(None);
        };
        context.recorded = true;
        Self::open(queue, kind, name.into(), *context, context.parent.is_some())
    }

    /// Below the span of the current request.
    pub fn child(kind: Kind, name: impl Into<Name>) -> Self {
        match (queue(), context::trace()) {
            (Some(queue), Some(parent)) if parent.recorded => {
                Self::open(queue, kind, name.into(), parent.below(), false)
            }
            _ => Self(None),
        }
    }

    /// Below the span of `parent`.
    pub fn child_of(parent: &TraceContext, kind: Kind, name: impl Into<Name>) -> Self {
        match queue() {
            Some(queue) if parent.recorded => Self::open(queue, kind, name.into(), parent.below(), false),
            _ => Self(None),
        }
    }

    /// The next piece of work in the trace of `context`, which becomes that of the piece.
    pub fn next(kind: Kind, name: impl Into<Name>, context: &mut TraceContext) -> Self {
        if !context.recorded {
            return Self::own(kind, name, context);
        }
        let span = Self::child_of(context, kind, name);
        *context = span.context().unwrap_or(*context);
        span
    }

    pub(super) fn open(
        queue: &'static Queue,
        kind: Kind,
        name: Name,
        context: TraceContext,
        parent_is_remote: bool,
    ) -> Self {
        let data = SpanData {
            context,
            parent_is_remote,
            kind,
            name,
            start: SystemTime::now(),
            took: Duration::ZERO,
            attributes: Vec::with_capacity(6),
            failed: false,
            links: Vec::new(),
        };
        Self(Some(Box::new(Open { since: Instant::now(), ended: End::Cancelled, queue, data })))
    }

    /// What calls and further spans belong under, if this is a span.
    pub fn context(&self) -> Option<TraceContext> {
        self.0.as_ref().map(|open| open.data.context)
    }

    pub const fn is_on(&self) -> bool {
        self.0.is_some()
    }

    pub fn rename(&mut self, name: impl Into<Name>) {
        if let Some(open) = &mut self.0 {
            open.data.name = name.into();
        }
    }

    pub fn set(&mut self, key: &'static str, value: impl Into<Value>) {
        if let Some(open) = &mut self.0 {
            open.data.attributes.push((key, value.into()));
        }
    }

    /// What the work came of, where that is another trace.
    pub fn link(&mut self, cause: TraceContext) {
        if let Some(open) = &mut self.0 {
            open.data.links.push(cause);
        }
    }

    /// Ends well.
    pub fn end(mut self) {
        self.say();
    }

    /// Ends with an answer. Failures are those of the server: a refusal is a good answer.
    pub fn answered(mut self, status: StatusCode) {
        if self.is_on() {
            self.set("http.response.status_code", status.as_u16());
            if status.is_server_error() {
                self.set("error.type", status.as_str().to_owned());
                self.mark_failed();
            }
            self.say();
        }
    }

    /// Ends badly. `kind` is of few different words.
    pub fn fail(mut self, kind: impl Into<Value>) {
        self.set("error.type", kind);
        self.mark_failed();
        self.say();
    }

    /// Ends without a word: somebody else tells of the same work.
    pub fn forget(mut self) {
        if let Some(open) = &mut self.0 {
            open.ended = End::Untold;
        }
    }

    /// Ends, for work that is over by now and took this long.
    pub(super) fn end_after(mut self, took: Duration) {
        if let Some(open) = &mut self.0 {
            let data = &mut open.data;
            data.start = data.start.checked_sub(took).unwrap_or(data.start);
            data.took = took;
        }
        self.say();
    }

    /// Runs work whose calls, statements and logs belong under this span.
    pub fn around<F: Future>(&self, work: F) -> impl Future<Output = F::Output> + use<F> {
        match self.context() {
            Some(trace) => {
                let context = RequestContext { trace, ..context::current() };
                Either::Left(context::scope(context, work))
            }
            None => Either::Right(work),
        }
    }

    fn mark_failed(&mut self) {
        if let Some(open) = &mut self.0 {
            open.data.failed = true;
        }
    }

    fn say(&mut self) {
        if let Some(open) = &mut self.0 {
            open.ended = End::Said;
        }
    }
}

impl Drop for Span {
    fn drop(&mut self) {
        let Some(open) = self.0.take() else {
            return;
        };
        let Open { since, ended, queue, mut data } = *open;
        match ended {
            End::Untold => return,
            // Nobody's failure: the caller went away, ran out of time, or had its answer from elsewhere.
            End::Cancelled => data.attributes.push(("error.type", Value::Fixed("cancelled"))),
            End::Said => {}
        }
        if data.took.is_zero() {
            data.took = since.elapsed();
        }
        queue.push(data);
    }
}
