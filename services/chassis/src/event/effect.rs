//! Letting events take effect: together with the position, in one transaction, or not at all.

use std::collections::HashMap;
use std::error::Error as StdError;
use std::fmt::Write as _;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use contract::event::{CloudEvent, FailedReplay, Replayed};
use futures_util::FutureExt as _;
use sqlx::{Connection as _, PgConnection, PgPool};
use thiserror::Error;
use tokio::time::timeout;
use tracing::{Instrument as _, info_span};
use uuid::Uuid;

use super::consumer::{Behind, Consumer, Handler};
use super::failure::Failure;
use super::letter::{self, Of};
use crate::context::{self, RequestContext};
use crate::db;
use crate::trace::{self, Kind, Name, Span, TraceContext};

/// A single event may take this long. Shorter than the server lets a transaction idle.
const EFFECT_LIMIT: Duration = Duration::from_secs(10);
/// What the events behind a dead letter are parked with.
const BEHIND: &str = "an earlier event of the aggregate is parked";

/// What became of a batch that did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// All of it took effect or lies behind a dead letter, and the position says so.
    Taken,
    /// The position is not the one that was expected: somebody moved it.
    Moved,
}

/// Why nothing of a batch took effect.
#[derive(Debug, Error)]
pub(super) enum Trouble {
    #[error("the event at {position} failed")]
    Event { position: i64, source: Failure },
    #[error("the position cannot be stored")]
    Database(#[from] sqlx::Error),
}

impl<H: Handler> Consumer<H> {
    const fn of(&self) -> Of<'_> {
        Of { consumer: self.name, source: self.source }
    }

    /// Where the consumer stands; 0 at its first start.
    pub(super) async fn position(&self, db: &mut PgConnection) -> Result<i64, sqlx::Error> {
        let select = "select position from consumer_position where consumer = $1 and source = $2";
        let found: Option<i64> =
            sqlx::query_scalar(select).bind(self.name).bind(self.source).fetch_optional(&mut *db).await?;
        if let Some(position) = found {
            return Ok(position);
        }
        sqlx::query(
            "insert into consumer_position (consumer, source) values ($1, $2) on conflict do nothing",
        )
        .bind(self.name)
        .bind(self.source)
        .execute(&mut *db)
        .await?;
        sqlx::query_scalar(select).bind(self.name).bind(self.source).fetch_one(db).await
    }

    /// Takes events that follow `expected` one by one, all in one transaction.
    pub(super) async fn take(
        &self,
        db: &mut PgConnection,
        expected: i64,
        events: &[CloudEvent],
    ) -> Result<Outcome, Trouble> {
        let Some(last) = events.last() else {
            return Ok(Outcome::Taken);
        };
        let mut tx = db.begin().await?;
        if self.lock(&mut tx).await? != expected {
            tx.rollback().await?;
            return Ok(Outcome::Moved);
        }
        let parked = match self.behind {
            Behind::Parked => {
                let aggregates: Vec<Uuid> = events.iter().map(|event| event.subject).collect();
                letter::parked(&mut tx, self.of(), &aggregates).await?
            }
            Behind::Taken => HashMap::new(),
        };
        for event in events {
            if parked.get(&event.subject).is_some_and(|first| *first <= event.position) {
                letter::park(&mut tx, self.of(), event, BEHIND, 1).await?;
            } else if let Err(source) = self.apply(&mut tx, event).await {
                tx.rollback().await?;
                return Err(Trouble::Event { position: event.position, source });
            }
        }
        self.advance(&mut tx, last.position).await?;
        tx.commit().await?;
        Ok(Outcome::Taken)
    }

    /// Puts the event that follows `expected` aside.
    pub(super) async fn put_aside(
        &self,
        db: &mut PgConnection,
        expected: i64,
        event: &CloudEvent,
        failure: &Failure,
        attempts: u32,
    ) -> Result<Outcome, Trouble> {
        let mut tx = db.begin().await?;
        if self.lock(&mut tx).await? != expected {
            tx.rollback().await?;
            return Ok(Outcome::Moved);
        }
        letter::park(&mut tx, self.of(), event, &chain(failure), attempts.cast_signed()).await?;
        self.advance(&mut tx, event.position).await?;
        tx.commit().await?;
        Ok(Outcome::Taken)
    }

    /// Replays what is parked of an aggregate, in order, until one fails again.
    pub(super) async fn replay(&self, pool: &PgPool, aggregate: Uuid) -> Result<Replayed, sqlx::Error> {
        let mut done = Replayed::default();
        loop {
            let mut tx = db::transaction(pool).await?;
            // The consumer parks behind what is parked, under the same lock: nothing can be passed over.
            self.lock(&mut tx).await?;
            let Some((id, event)) = letter::first_parked(&mut tx, self.of(), aggregate).await? else {
                break;
            };
            if let Err(failure) = self.apply(&mut tx, &event).await {
                tx.rollback().await?;
                let error = chain(&failure);
                letter::failed_again(pool, id, &error).await?;
                done.failed.push(FailedReplay { id, error });
                break;
            }
            letter::replayed(&mut tx, id).await?;
            tx.commit().await?;
            done.replayed += 1;
        }
        Ok(done)
    }

    /// Keeps everybody else from moving the position until the transaction ends.
    async fn lock(&self, tx: &mut PgConnection) -> Result<i64, sqlx::Error> {
        sqlx::query_scalar(
            "select position from consumer_position where consumer = $1 and source = $2 for update",
        )
        .bind(self.name)
        .bind(self.source)
        .fetch_one(tx)
        .await
    }

    async fn advance(&self, tx: &mut PgConnection, position: i64) -> Result<(), sqlx::Error> {
        sqlx::query(
            "update consumer_position
             set position = $3, updated_at = now()
             where consumer = $1 and source = $2",
        )
        .bind(self.name)
        .bind(self.source)
        .bind(position)
        .execute(tx)
        .await?;
        Ok(())
    }

    /// Within the trace of what caused the event. A handler that panics has failed like any other.
    async fn apply(&self, db: &mut PgConnection, event: &CloudEvent) -> Result<(), Failure> {
        let mut trace = TraceContext::continue_from(event.traceparent.as_deref());
        let consuming = self.consuming(event, &mut trace);
        let span = info_span!(
            "event",
            trace_id = %trace.trace_id,
            event.id = %event.id,
            event.kind = event.kind,
            event.position = event.position,
        );
        let work = AssertUnwindSafe(self.handler.apply(db, event)).catch_unwind();
        let work = context::scope(RequestContext::of_our_own(trace), work).instrument(span);
        let (applied, problem) = match timeout(EFFECT_LIMIT, work).await {
            Ok(Ok(applied)) => (applied, "failed"),
            Ok(Err(_panic)) => (Err(Failure::permanent("the handler panicked")), "panicked"),
            Err(_elapsed) => {
                (Err(Failure::transient(format!("not done within {EFFECT_LIMIT:?}"))), "timeout")
            }
        };
        match &applied {
            Ok(()) => consuming.end(),
            Err(_) => consuming.fail(problem),
        }
        applied
    }

    fn consuming(&self, event: &CloudEvent, trace: &mut TraceContext) -> Span {
        if !trace::is_on() {
            return Span::default();
        }
        let mut span = Span::own(Kind::Consumer, Name::with("process", event.kind.clone()), trace);
        span.set("messaging.system", "outbox");
        span.set("messaging.operation.type", "process");
        span.set("messaging.operation.name", "process");
        span.set("messaging.destination.name", self.source);
        span.set("messaging.consumer.group.name", self.name);
        span.set("messaging.message.id", event.id.to_string());
        span
    }
}

/// The error and its causes, `outer: inner: innermost`.
pub(super) fn chain(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        // Writing to a string cannot fail.
        let _ = write!(text, ": {source}");
        next = source.source();
    }
    text
}
