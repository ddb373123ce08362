//! One request and what the phases have found out about it.

use std::mem;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use chassis::language;
use chassis::trace::{Kind, Name, Span, TraceContext};
use contract::claims::AccessClaims;
use contract::text::Language;
use http::StatusCode;
use http::header::{ACCEPT_LANGUAGE, HeaderName, TRANSFER_ENCODING};
use http::request::Parts;

use crate::limit::{Caller, Verdict};
use crate::metrics::{InFlight, method_label};
use crate::route::Matched;
use crate::routing::Routing;

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

pub(crate) struct Exchange {
    pub(crate) head: Parts,
    /// The same for the whole request, whatever is reloaded meanwhile.
    pub(crate) routing: Arc<Routing>,
    pub(crate) peer: IpAddr,
    pub(crate) trace: TraceContext,
    /// Of the whole exchange, until its answer begins.
    pub(crate) span: Span,
    pub(crate) started: Instant,
    pub(crate) matched: Option<Matched>,
    pub(crate) identity: Identity,
    pub(crate) verdict: Option<Verdict>,
    /// The caller passed every check: from here on it is the service's turn.
    pub(crate) admitted: bool,
    pub(crate) label: Label,
    pub(crate) purpose: Purpose,
    /// It is one of the requests in flight; what somebody else counts is not.
    pub(crate) in_flight: Option<InFlight>,
}

/// What the client is after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    Answer,
    /// To speak WebSocket over this connection from here on.
    WebSocket,
}

/// What the request is counted as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Label {
    /// The pattern of its route, if it has one.
    Route,
    CountedElsewhere,
}

/// Who is calling.
#[derive(Debug, Clone)]
pub(crate) enum Identity {
    Anonymous,
    User(Arc<AccessClaims>),
}

impl Exchange {
    pub(crate) fn begin(head: Parts, routing: Arc<Routing>, peer: IpAddr, in_flight: InFlight) -> Self {
        let given = head.headers.get(TRACEPARENT).and_then(|value| value.to_str().ok());
        let mut trace = TraceContext::continue_from(given);
        Self {
            span: Span::own(Kind::Server, "", &mut trace),
            trace,
            head,
            routing,
            peer,
            started: Instant::now(),
            matched: None,
            identity: Identity::Anonymous,
            verdict: None,
            admitted: false,
            label: Label::Route,
            purpose: Purpose::Answer,
            in_flight: Some(in_flight),
        }
    }

    /// Ends the span, under the name of the route's pattern and never of the path.
    pub(crate) fn tell(&mut self, status: StatusCode) {
        let mut span = mem::take(&mut self.span);
        if !span.is_on() {
            return;
        }
        if self.label == Label::CountedElsewhere {
            return span.forget();
        }
        let method = method_label(&self.head.method);
        span.set("http.request.method", method);
        if let Some(matched) = &self.matched {
            span.rename(Name::with(method, Arc::clone(&matched.pattern)));
            span.set("http.route", Arc::clone(&matched.pattern));
        } else {
            span.rename(method);
        }
        span.answered(status);
    }

    /// Whose requests this one is counted with.
    pub(crate) fn caller(&self) -> Caller {
        match &self.identity {
            Identity::User(claims) => Caller::User(claims.sub.as_uuid()),
            Identity::Anonymous => {
                Caller::from_address(self.routing.proxies.client(self.peer, &self.head.headers))
            }
        }
    }

    pub(crate) fn language(&self) -> Language {
        language::negotiate(self.head.headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()))
    }

    pub(crate) fn path(&self) -> &str {
        self.head.uri.path()
    }

    /// No second request is taken from the connection where hyper alone knows the end of the body, and where
    /// the client expected to speak something else behind its head.
    pub(crate) fn ends_connection(&self, status: StatusCode) -> bool {
        match self.purpose {
            Purpose::WebSocket => status != StatusCode::SWITCHING_PROTOCOLS,
            Purpose::Answer => self.head.headers.contains_key(TRANSFER_ENCODING),
        }
    }
}
