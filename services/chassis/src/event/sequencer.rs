//! Numbering: gives every committed event its position in the feed.
//!
//! Ids are drawn before the commit, so an id may become visible after a higher one, and a reader that follows ids
//! would miss it. Positions are given in transactions of their own, one at a time, to what is committed: they
//! become visible in their order and without gaps, and a late commit gets a late position.
//!
//! Events of one aggregate keep their order: the later one is written while the aggregate is locked, so after the
//! commit of the earlier one. It draws a higher id, and whoever sees it sees the earlier one too.

use std::time::Duration;

use sqlx::{Connection as _, PgConnection, PgPool};
use tokio::time::{Instant, sleep, timeout};
use tracing::{info, warn};

use super::publish::written;
use super::status::Events;

/// The most events that are numbered in one transaction.
const BATCH: i64 = 1000;
/// The pause after a hint, which comes with the writing: the commit is a moment away, and others come with it.
const SHORTEST: Duration = Duration::from_millis(3);
/// Between two looks when nobody hints. What a process wrote and could not hint at, because it was killed, is
/// found by the looks of another.
const IDLE: Duration = Duration::from_millis(250);
/// The same while a feed waits: the event may have been numbered by another replica.
const WAITED_FOR: Duration = Duration::from_millis(100);
/// After an error, e.g. while the database is away.
const AFTER_ERROR: Duration = Duration::from_millis(500);
/// Connecting included. Every statement in it has a shorter limit of its own.
const ROUND_LIMIT: Duration = Duration::from_secs(20);
/// Positions in one partition, see `create_outbox_partition`.
const PARTITION: i64 = 1_000_000;
/// How far ahead of the last position a partition has to be there.
const AHEAD: i64 = PARTITION / 2;
/// Between two attempts to make one, doubled after each: it may hold up the writers for the 2 s of its lock timeout.
const PARTITION_RETRY: [Duration; 2] = [Duration::from_secs(2), Duration::from_mins(1)];

/// Numbers until dropped.
pub(super) async fn keep_numbering(pool: PgPool, events: Events) {
    let mut sequencer = Sequencer { pool, events, connection: None, partitions: Partitions::default() };
    let mut hints = written();
    let mut pause = SHORTEST;
    let mut told = String::new();
    loop {
        match timeout(ROUND_LIMIT, sequencer.round()).await.unwrap_or(Err(sqlx::Error::PoolTimedOut)) {
            Ok(Found::Some) => pause = SHORTEST,
            Ok(Found::Nothing) => {
                pause = (pause * 2).min(sequencer.longest_pause());
                told.clear();
            }
            Err(error) => {
                sequencer.connection = None;
                let problem = error.to_string();
                if problem != told {
                    warn!("events cannot be numbered: {problem}");
                    told = problem;
                }
                pause = AFTER_ERROR;
            }
        }
        tokio::select! {
            () = sleep(pause) => {}
            // The sender is a static.
            _ = hints.changed() => {
                pause = SHORTEST;
                sleep(pause).await;
            }
        }
    }
}

enum Found {
    Some,
    Nothing,
}

struct Sequencer {
    pool: PgPool,
    events: Events,
    /// Its own: events must flow when requests wait for the connections of the pool.
    connection: Option<PgConnection>,
    partitions: Partitions,
}

impl Sequencer {
    /// Numbers what is there.
    async fn round(&mut self) -> Result<Found, sqlx::Error> {
        let db = match &mut self.connection {
            Some(db) => db,
            absent => absent.insert(PgConnection::connect_with(&self.pool.connect_options()).await?),
        };
        let (last, unnumbered): (i64, Option<i64>) = sqlx::query_as(
            "select
               last_position,
               (select id from outbox where position is null order by id limit 1)
             from outbox_sequencer",
        )
        .fetch_one(&mut *db)
        .await?;
        if unnumbered.is_none() {
            self.events.reached(last);
            if self.partitions.failed > 0 {
                self.partitions.ensure(db, last).await;
            }
            return Ok(Found::Nothing);
        }
        let last = number(db).await?;
        self.events.reached(last);
        self.partitions.ensure(db, last).await;
        Ok(Found::Some)
    }

    fn longest_pause(&self) -> Duration {
        if self.events.is_waited_for() { WAITED_FOR } else { IDLE }
    }
}

/// Numbers one batch of what is committed, in order of id, and says the last position given out.
async fn number(db: &mut PgConnection) -> Result<i64, sqlx::Error> {
    // A sequencer that hangs is cut off by the server, so that another can go on.
    let mut tx = db
        .begin_with(
            "begin; set local statement_timeout = '5s'; set local idle_in_transaction_session_timeout = '5s'",
        )
        .await?;
    // Its own statement: what the batch sees must be as new as the lock.
    let last: i64 = sqlx::query_scalar("select last_position from outbox_sequencer for update")
        .fetch_one(&mut *tx)
        .await?;
    let last: i64 = sqlx::query_scalar(
        "with batch as (
           select id, $1 + row_number() over (order by id) as position
           from (select id from outbox where position is null order by id limit $2) unnumbered
         ),
         numbered as (
           update outbox
           set position = batch.position
           from batch
           where outbox.id = batch.id and outbox.position is null
           returning outbox.position
         )
         update outbox_sequencer
         set last_position = last_position + (select count(*) from numbered)
         returning last_position",
    )
    .bind(last)
    .bind(BATCH)
    .fetch_one(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(last)
}

/// Makes partitions before positions reach them. Too late is no loss: what has no partition of its own waits in
/// the default one and is moved later.
#[derive(Default)]
struct Partitions {
    /// The partition of this position is there.
    made: Option<i64>,
    retry_at: Option<Instant>,
    /// Attempts in a row.
    failed: u32,
}

impl Partitions {
    async fn ensure(&mut self, db: &mut PgConnection, last: i64) {
        let wanted = last + AHEAD;
        let is_made = self.made.is_some_and(|made| made / PARTITION >= wanted / PARTITION);
        if is_made || self.retry_at.is_some_and(|at| Instant::now() < at) {
            return;
        }
        match make_partitions(db, last, wanted).await {
            Ok(()) => {
                self.made = Some(wanted);
                self.retry_at = None;
                self.failed = 0;
            }
            Err(error) => {
                warn!("the outbox' next partition is not made yet: {error}");
                let [first, longest] = PARTITION_RETRY;
                self.retry_at =
                    Some(Instant::now() + first.saturating_mul(1 << self.failed.min(5)).min(longest));
                self.failed += 1;
            }
        }
    }
}

async fn make_partitions(db: &mut PgConnection, last: i64, wanted: i64) -> Result<(), sqlx::Error> {
    for at in [last, wanted] {
        let made: bool =
            sqlx::query_scalar("select create_outbox_partition($1)").bind(at).fetch_one(&mut *db).await?;
        if made {
            info!(position = at, "made the outbox' partition of position {at}");
        }
    }
    Ok(())
}
