//! The loop of a consumer: become the one replica that works, ask the feed, let events take effect.

use std::sync::Arc;
use std::time::Duration;

use contract::event::CloudEvent;
use metrics::counter;
use sqlx::{Connection as _, PgConnection, PgPool};
use thiserror::Error;
use tokio::time::{sleep, timeout};
use tracing::{error, info, warn};

use super::consumer::{Consumer, Handler};
use super::effect::{Outcome, Trouble, chain};
use super::failure::Failure;
use super::progress::Progress;
use super::pull::{Ask, Feed, Page, PullError};

/// Events in one transaction: enough to spare round trips, few enough to hold no row for long.
const BATCH: u32 = 200;
/// How long the feed may let us wait. A position that an operator moved is seen this late at most.
const WAIT: Duration = Duration::from_secs(5);
/// Between two looks of a replica that stands by whether it is needed. The first are quick: after a restart it is
/// only the server's farewell to the session before.
const STAND_BY: [Duration; 2] = [Duration::from_millis(20), Duration::from_secs(1)];
const CONNECT_LIMIT: Duration = Duration::from_secs(3);
/// Attempts at an event that fails for its own sake, before it is put aside.
const ATTEMPTS: u32 = 5;
/// Between them: doubles each time.
const PAUSES: [Duration; 2] = [Duration::from_millis(100), Duration::from_secs(1)];
/// Between attempts when the world is the trouble: doubles up to the longest, and goes on for ever.
const BACKOFF: [Duration; 2] = [Duration::from_millis(50), Duration::from_secs(5)];
/// The same for a producer that does not answer: it may be back any moment, and asking costs nothing.
const FEED_BACKOFF: [Duration; 2] = [Duration::from_millis(20), Duration::from_millis(500)];
/// Between two looks whether somebody has decided from where to go on.
const OUT_OF_STEP: Duration = Duration::from_secs(10);
/// A replica that hangs is cut off by the server, so that another can take over. Longer than a wait for events
/// and than the effect of one.
const SESSION: &str = "set idle_session_timeout = '20s'; set idle_in_transaction_session_timeout = '15s'; set statement_timeout = '10s'";

/// What ends a session.
#[derive(Debug, Error)]
enum Interruption {
    #[error("the database did not let the consumer in")]
    NoSession,
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
    #[error("events do not take effect")]
    Trouble(#[from] Trouble),
}

pub(super) struct Worker<H> {
    consumer: Arc<Consumer<H>>,
    feed: Feed,
    progress: Progress,
    pool: PgPool,
    /// A batch up to this position failed: its events are taken one by one.
    careful_until: i64,
    /// Failures in a row.
    failures: u32,
}

impl<H: Handler> Worker<H> {
    pub(super) fn new(consumer: Arc<Consumer<H>>, feed: Feed, progress: Progress, pool: PgPool) -> Self {
        Self { consumer, feed, progress, pool, careful_until: 0, failures: 0 }
    }

    /// Works until dropped. Whatever goes wrong, it begins again with a new session.
    pub(super) async fn keep_working(mut self) {
        loop {
            let Err(interruption) = self.session().await;
            let (name, source, why) = (self.consumer.name, self.consumer.source, chain(&interruption));
            if self.failures == 0 {
                warn!("consumer {name} of {source} is interrupted and goes on trying: {why}");
            }
            self.progress.failing(why);
            self.failures = self.failures.saturating_add(1);
            sleep(backoff(BACKOFF, self.failures)).await;
        }
    }

    /// Stands by until no other replica works, then works.
    async fn session(&mut self) -> Result<std::convert::Infallible, Interruption> {
        let options = self.pool.connect_options();
        let connecting = PgConnection::connect_with(&options);
        let mut db = timeout(CONNECT_LIMIT, connecting).await.map_err(|_| Interruption::NoSession)??;
        sqlx::raw_sql(SESSION).execute(&mut db).await?;
        let mut looks = 0;
        while !self.is_alone(&mut db).await? {
            self.progress.standing_by();
            looks += 1;
            sleep(backoff(STAND_BY, looks)).await;
        }
        info!("consumer {} of {} works", self.consumer.name, self.consumer.source);
        let mut silence = 0;
        // Where the producer said that we cannot go on from. Asked again later it might answer, having come so far
        // once more with other events, and what lies before them would be passed over.
        let mut out_of_step = None;
        loop {
            let position = self.consumer.position(&mut db).await?;
            if out_of_step == Some(position) {
                self.wait_for_a_person().await;
                continue;
            }
            let ask = Ask { after: position, limit: BATCH, wait: WAIT, since: None };
            let pulled = tokio::select! {
                pulled = self.feed.pull(ask) => pulled,
                () = self.progress.nudged() => continue,
            };
            match pulled {
                Ok(page) => {
                    silence = 0;
                    let oldest = page.events.first().map(|event| event.time);
                    self.progress.heard(position, page.head, oldest);
                    self.take(&mut db, position, &page).await?;
                    self.recovered();
                }
                Err(error) => {
                    silence += 1;
                    if matches!(error, PullError::OutOfStep { .. }) {
                        error!("consumer {} cannot go on by itself: {}", self.consumer.name, chain(&error));
                        out_of_step = Some(position);
                        self.progress.failing(chain(&error));
                    } else {
                        self.unheard(&error, silence).await;
                    }
                }
            }
        }
    }

    /// Until somebody may have set another position.
    async fn wait_for_a_person(&self) {
        tokio::select! {
            () = sleep(OUT_OF_STEP) => {}
            () = self.progress.nudged() => {}
        }
    }

    /// The lock goes with the session, i.e. with the process.
    async fn is_alone(&self, db: &mut PgConnection) -> Result<bool, sqlx::Error> {
        sqlx::query_scalar("select pg_try_advisory_lock(hashtextextended($1, 0))")
            .bind(format!("consumer {} of {}", self.consumer.name, self.consumer.source))
            .fetch_one(db)
            .await
    }

    async fn unheard(&self, error: &PullError, silence: u32) {
        let (name, why) = (self.consumer.name, chain(error));
        if silence == 1 {
            warn!("consumer {name} does not get events and goes on asking: {why}");
        }
        self.progress.failing(why);
        tokio::select! {
            () = self.feed.pause(backoff(FEED_BACKOFF, silence)) => {}
            () = self.progress.nudged() => {}
        }
    }

    /// Takes what the feed gave: together if it goes well, else one by one.
    async fn take(&mut self, db: &mut PgConnection, position: i64, page: &Page) -> Result<(), Interruption> {
        let (Some(first), Some(last)) = (page.events.first(), page.events.last()) else {
            return Ok(());
        };
        if first.position > self.careful_until {
            match self.consumer.take(db, position, &page.events).await {
                Ok(Outcome::Taken) => {
                    self.taken(&page.events);
                    return Ok(());
                }
                Ok(Outcome::Moved) => return Ok(()),
                Err(Trouble::Event { .. }) => self.careful_until = last.position,
                Err(trouble @ Trouble::Database(_)) => return Err(trouble.into()),
            }
        }
        for event in &page.events {
            if self.take_one(db, event).await? == Outcome::Moved {
                break;
            }
        }
        Ok(())
    }

    /// Tries a few times, then puts the event aside.
    async fn take_one(&self, db: &mut PgConnection, event: &CloudEvent) -> Result<Outcome, Interruption> {
        let expected = event.position - 1;
        let mut attempt = 0;
        loop {
            attempt += 1;
            let failure = match self.consumer.take(db, expected, std::slice::from_ref(event)).await {
                Ok(outcome) => {
                    if outcome == Outcome::Taken {
                        self.taken(std::slice::from_ref(event));
                    }
                    return Ok(outcome);
                }
                Err(Trouble::Event { source: failure @ Failure::Permanent(_), .. }) => failure,
                Err(trouble) => return Err(trouble.into()),
            };
            if attempt == ATTEMPTS {
                return self.put_aside(db, event, &failure).await;
            }
            sleep(backoff(PAUSES, attempt)).await;
        }
    }

    async fn put_aside(
        &self,
        db: &mut PgConnection,
        event: &CloudEvent,
        failure: &Failure,
    ) -> Result<Outcome, Interruption> {
        let outcome = self.consumer.put_aside(db, event.position - 1, event, failure, ATTEMPTS).await?;
        if outcome == Outcome::Taken {
            let (name, why) = (self.consumer.name, chain(failure));
            error!(
                event.id = %event.id, event.kind = event.kind, event.position = event.position,
                "consumer {name} put event {} aside after {ATTEMPTS} attempts: {why}", event.id
            );
            self.counted("parked", 1);
            self.progress.took(event.position, event.time);
        }
        Ok(outcome)
    }

    fn recovered(&mut self) {
        if self.failures > 0 {
            info!("consumer {} of {} goes on", self.consumer.name, self.consumer.source);
        }
        self.failures = 0;
    }

    fn taken(&self, events: &[CloudEvent]) {
        self.counted("taken", events.len() as u64);
        if let Some(last) = events.last() {
            self.progress.took(last.position, last.time);
        }
    }

    fn counted(&self, outcome: &'static str, count: u64) {
        let (consumer, source) = (self.consumer.name, self.consumer.source);
        counter!("events_consumed_total", "consumer" => consumer, "source" => source, "outcome" => outcome)
            .increment(count);
    }
}

/// The pause after so many failures in a row: doubles from the first to the longest.
fn backoff([first, longest]: [Duration; 2], failures: u32) -> Duration {
    first.saturating_mul(1 << failures.saturating_sub(1).min(16)).min(longest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest() {
        let pauses = [Duration::from_millis(50), Duration::from_secs(5)];
        let after = |failures| backoff(pauses, failures).as_millis();
        assert_eq!(
            [after(0), after(1), after(2), after(7), after(8), after(u32::MAX)],
            [50, 50, 100, 3200, 5000, 5000]
        );
    }
}
