//! Driving one saga to its next rest: ask, write, commit, and again.

use std::sync::Arc;
use std::time::Duration;

use chassis::context::{self, RequestContext};
use chassis::trace::{Kind, Name, Span};
use chassis::{db, shutdown::Hold};
use contract::id::SagaId;
use contract::store::OrderStatus;
use rand::RngExt as _;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};
use tracing::{info, warn};

use super::super::Settled;
use super::super::ask::ask;
use super::super::job::Job;
use super::super::point::Point;
use super::super::write::{Terms, write};
use super::Inner;
use crate::domain::saga::{self as rules, Advance, Next, Outcome, Overdue, Wish};
use crate::repository::order;

/// What the database may take to write an outcome, attempts together. With the calls before it, less than the lease.
const PATIENCE: Duration = Duration::from_secs(5);
/// Between two attempts.
const PAUSE: Duration = Duration::from_millis(50);
/// Before a saga that waits for another looks again, if nobody tells it.
const WAIT: Duration = Duration::from_secs(2);

/// Says that a task drives a saga, for as long as it does.
struct Driven {
    inner: Arc<Inner>,
    saga: SagaId,
    settled: watch::Sender<Settled>,
    /// The service stops when what it has asked the provider is written.
    _hold: Hold,
}

impl Drop for Driven {
    fn drop(&mut self) {
        self.inner.driven().remove(&self.saga);
    }
}

/// Drives it in a task of its own.
pub(super) fn start(inner: &Arc<Inner>, job: Job) -> watch::Receiver<Settled> {
    let (settled, told) = watch::channel(Settled::Running);
    inner.driven().insert(job.id, told.clone());
    let driven = Driven { inner: inner.clone(), saga: job.id, settled, _hold: inner.drain.hold() };
    inner.tasks.spawn("saga", drive(driven, job));
    told
}

/// What came of writing an outcome.
enum Moved {
    /// To the next step.
    On(Box<Job>),
    /// To the same one again, after a pause.
    Later(Duration),
    Ended,
    /// A person must look.
    Stuck,
    /// Another process has it.
    Lost,
}

async fn drive(driven: Driven, mut job: Job) {
    let inner = &driven.inner;
    loop {
        // A budget for each step: the request that began it may have none left.
        // Below the request that placed the order, as long as this process has heard it; else a trace of its own.
        let mut trace = job.trace;
        let mut span = Span::next(Kind::Internal, Name::with("saga", job.stage.step().as_str()), &mut trace);
        span.set("saga.attempt", i64::from(job.attempt));
        let moved = context::scope(RequestContext::of_our_own(trace), step(inner, job)).await;
        if moved.is_some() {
            span.end();
        } else {
            span.fail("database");
        }
        match moved {
            Some(Moved::On(next)) => job = *next,
            Some(Moved::Later(pause)) => return inner.wake_in(pause),
            Some(Moved::Ended) => {
                driven.settled.send_replace(Settled::Finished);
                return;
            }
            Some(Moved::Stuck | Moved::Lost) | None => return,
        }
    }
}

/// None when the database could not be written to: the lease runs out, and somebody asks again.
async fn step(inner: &Inner, job: Job) -> Option<Moved> {
    job.reached(Point::Begin);
    let outcome = ask(&inner.provider, &job).await;
    let until = Instant::now() + PATIENCE;
    loop {
        match settle(inner, &job, &outcome).await {
            Ok(moved) => return Some(moved),
            Err(error) if Instant::now() < until => {
                warn!(saga.id = %job.id, "failed to write the outcome of a step, once more: {error}");
                sleep(PAUSE).await;
            }
            Err(error) => {
                warn!(saga.id = %job.id, "failed to write the outcome of a step: {error}");
                return None;
            }
        }
    }
}

async fn settle(inner: &Inner, job: &Job, outcome: &Outcome) -> Result<Moved, sqlx::Error> {
    let mut tx = db::transaction(&inner.db).await?;
    let Some(locked) = order::lock(&mut tx, job.order(), Some(job.id)).await? else {
        return Ok(Moved::Lost);
    };
    let mut job = job.clone();
    job.status = locked.status;
    job.wish = if locked.cancel_requested_by.is_some() { Wish::Cancelled } else { Wish::Kept };
    job.overdue = if locked.overdue { Overdue::Yes } else { Overdue::No };
    let advance = rules::advance(job.saga(), outcome.clone());
    let terms = terms(inner, &job, &advance);
    let (attempt, delay) = (terms.attempt, terms.delay);
    let Some(advanced) = write(&mut tx, &job, &locked, &advance, &terms).await? else {
        warn!(saga.id = %job.id, order.id = %job.order(), "another process has taken over a saga");
        return Ok(Moved::Lost);
    };
    job.reached(Point::Answered);
    tx.commit().await?;
    job.reached(Point::Committed);
    job.data = advanced.data.0;
    Ok(moved(inner, job, &advance, attempt, delay))
}

fn terms<'a>(inner: &'a Inner, job: &Job, advance: &Advance) -> Terms<'a> {
    let (attempt, delay) = match advance.next {
        Next::Retry { .. } => {
            let attempt = job.attempt.saturating_add(1);
            let jitter = rand::rng().random::<f64>();
            (attempt, rules::pause(inner.settings.backoff, attempt.unsigned_abs(), jitter))
        }
        Next::Wait => (job.attempt, WAIT),
        Next::Rest(_) => (0, Duration::ZERO),
        Next::Stuck { .. } | Next::End(_) => (job.attempt, Duration::ZERO),
    };
    let goes_on = matches!(advance.next, Next::Rest(_));
    Terms {
        fence_step: 0,
        attempt,
        delay,
        lease: goes_on.then_some((inner.owner.as_str(), inner.settings.lease.as_secs_f64())),
        resolution: None,
        actor: None,
    }
}

fn moved(inner: &Inner, mut job: Job, advance: &Advance, attempt: i32, delay: Duration) -> Moved {
    match &advance.next {
        Next::Rest(stage) => {
            if advance.order == Some(rules::OrderWrite::Confirm) {
                job.status = OrderStatus::Confirmed;
            }
            job.stage = *stage;
            job.attempt = 0;
            Moved::On(Box::new(job))
        }
        Next::Retry { error } => {
            info!(
                saga.id = %job.id, order.id = %job.order(), attempt,
                "{} came to nothing: {error}", job.stage.step()
            );
            Moved::Later(delay)
        }
        Next::Wait => Moved::Later(delay),
        Next::Stuck { error } => {
            warn!(saga.id = %job.id, order.id = %job.order(), "a saga is stuck: {error}");
            Moved::Stuck
        }
        Next::End(state) => {
            metrics::counter!(
                "store_sagas_ended_total",
                "kind" => job.stage.kind().as_str(), "state" => state.as_str()
            )
            .increment(1);
            // Its cancellation may have waited for the end of it.
            if job.wish == Wish::Cancelled {
                inner.wake();
            }
            Moved::Ended
        }
    }
}
