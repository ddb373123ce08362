//! Refuses early what cannot be served in time, the least important first: an answer that comes after its caller
//! has gone costs as much as one that does not.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use contract::code::ErrorCode;
use http::StatusCode;
use metrics::counter;
use resilience::limit::Config;
use resilience::shed::{Priority, Shed, Shedder, Ticket};
use tokio::time::Instant;
use tracing::warn;

use crate::context;
use crate::error::ApiError;
use crate::extract::bearer;

/// Counts refused requests by priority.
const SHED: &str = "http_server_shed_total";
const TELL_EVERY: Duration = Duration::from_secs(1);

/// A burst of an ordinary day, or every place in the queue for password hashing, is no overload: nothing is
/// refused below this. Then the batch class is, from 60 % of the limit on.
const LIMITS: Config = Config { initial: 256, min: 128, max: 1024 };

/// What a request is, for the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Takes a place until the head of its answer is there.
    Counted(Priority),
    /// Takes a place too, but its time says nothing: it has a queue of its own, e.g. for hashing passwords. Mixed
    /// with the others' times it would look like an overload.
    Untimed(Priority),
    /// Takes long by intention, e.g. a long poll: takes no place, and its time says nothing.
    Waiting,
}

/// How a service tells its requests apart.
pub type Classify = fn(&Request) -> Class;

/// What is not said otherwise: a person waits, unless it is the batch service that asks.
pub fn classify(request: &Request) -> Class {
    if request.uri().path() == contract::event::path::FEED {
        return Class::Waiting;
    }
    // Not verified: whoever lies about this only puts themselves last.
    let key = bearer(request.headers()).and_then(|token| jsonwebtoken::decode_header(token).ok()?.kid);
    Class::Counted(if key.as_deref() == Some("batch") { Priority::Batch } else { Priority::Interactive })
}

pub(crate) fn shedder() -> Shedder {
    Shedder::new(LIMITS)
}

/// A request inside, which may be dropped at any time.
struct Inside {
    ticket: Option<Ticket>,
    timed: bool,
}

impl Inside {
    fn answered(mut self, status: StatusCode) {
        let Some(ticket) = self.ticket.take() else { return };
        match status {
            // Whatever ran out of time, here or further down: fewer at once would have been answered.
            StatusCode::GATEWAY_TIMEOUT => ticket.overloaded(),
            // Something is away, which is quickly said and says nothing about our own load.
            StatusCode::SERVICE_UNAVAILABLE => drop(ticket),
            _ if self.timed => ticket.answered(),
            _ => drop(ticket),
        }
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        let spent = context::budget().is_some_and(|budget| budget.remaining(Instant::now()).is_none());
        // The deadline of the layer around us has cut it off. Otherwise its caller has gone.
        if spent && let Some(ticket) = self.ticket.take() {
            ticket.overloaded();
        }
    }
}

/// What the layer knows. Cheap to clone.
#[derive(Clone)]
pub(super) struct Door {
    shedder: Shedder,
    classify: Classify,
    /// When an overload was last spoken of.
    told: Arc<Mutex<Option<Instant>>>,
}

impl Door {
    pub(super) fn new(shedder: Shedder, classify: Classify) -> Self {
        Self { shedder, classify, told: Arc::default() }
    }

    /// A line for every refusal would cost more than the refusals save.
    fn tell(&self, refused: Shed) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.is_none_or(|at| at.elapsed() >= TELL_EVERY) {
            *told = Some(Instant::now());
            let (limit, in_flight) = (self.shedder.limit(), self.shedder.in_flight());
            warn!(limit, in_flight, "overload: {refused}; see {SHED} for how many are refused");
        }
    }
}

pub(super) async fn shed(State(door): State<Door>, request: Request, next: Next) -> Response {
    let (priority, timed) = match (door.classify)(&request) {
        Class::Counted(priority) => (priority, true),
        Class::Untimed(priority) => (priority, false),
        Class::Waiting => return next.run(request).await,
    };
    match door.shedder.try_enter(priority) {
        Ok(ticket) => {
            let inside = Inside { ticket: Some(ticket), timed };
            let response = next.run(request).await;
            inside.answered(response.status());
            response
        }
        Err(refused) => {
            counter!(SHED, "priority" => priority.as_str()).increment(1);
            door.tell(refused);
            refuse(refused.retry_after)
        }
    }
}

fn refuse(retry_after: Duration) -> Response {
    let error = ApiError::new(ErrorCode::UpstreamUnavailable).retry_after(retry_after);
    let mut response = error.into_response();
    // Told of already: it is no failure of this request's own.
    response.extensions_mut().remove::<ApiError>();
    response
}
