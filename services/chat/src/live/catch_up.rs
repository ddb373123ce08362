//! Reads for streams that are behind their room's window: few at a time for many streams, so that a storm of
//! reconnections does not take the database from everybody else.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use contract::id::RoomId;
use sqlx::PgPool;
use tokio::sync::{Notify, oneshot};
use tokio::time::{Instant, sleep_until};
use tracing::warn;

use super::entry::Entry;
use super::meters::Meters;
use super::persist::{Reading, persistently};
use super::room::entries;
use crate::repository::live::{Bounds, Page, Wanted};

/// Readers at work, each with one connection at most.
pub(super) const READERS: u32 = 2;
/// The most messages that one stream gets at a time.
const PAGE: i64 = 100;
/// Streams that one statement reads for, apart from those that want the same.
const TOGETHER: usize = 32;
/// The most messages of one statement, unless each stream's share were too small.
const ROWS: i64 = 800;
/// As much as waits in memory for a stream that does not take it, and one message more.
const PAGE_BYTES: i64 = 64 * 1024;

/// What cannot be read on its own is asked for again after so long.
const REST: Duration = Duration::from_secs(10);

/// What was read for a stream: what follows its cursor, or nothing when there is none.
#[derive(Debug, Clone)]
pub(super) struct Piece {
    pub(super) entries: Vec<Arc<Entry>>,
    pub(super) last_seq: i64,
    pub(super) left: bool,
}

struct Request {
    wanted: Key,
    answer: oneshot::Sender<Piece>,
}

/// Bounded by the number of streams: each asks for one page at a time.
#[derive(Default)]
pub(super) struct CatchUp {
    queue: Mutex<VecDeque<Request>>,
    more: Notify,
}

/// A room, and the message behind which to read.
type Key = (RoomId, i64);

/// Requests with the same answer.
type Batch = HashMap<Key, Vec<oneshot::Sender<Piece>>>;

impl CatchUp {
    /// The next messages of a room, when it is this request's turn. Dropping the receiver takes the request back.
    pub(super) fn ask(&self, wanted: Key) -> oneshot::Receiver<Piece> {
        let (answer, receiver) = oneshot::channel();
        self.queue().push_back(Request { wanted, answer });
        self.more.notify_one();
        receiver
    }

    /// Never ends, and never gives up on a request.
    pub(super) async fn keep_reading(self: Arc<Self>, db: PgPool, meters: Meters) {
        let mut resting = VecDeque::new();
        loop {
            let more = self.more.notified();
            let due = resting.pop_front_if(|(until, _): &mut (Instant, Batch)| *until <= Instant::now());
            let batch = due.map_or_else(|| self.take(), |(_, batch)| batch);
            if batch.is_empty() {
                let next = resting.front().map(|(until, _)| *until);
                tokio::select! {
                    () = more => {}
                    () = sleep_until(next.unwrap_or_else(Instant::now)), if next.is_some() => {}
                }
                continue;
            }
            let mut parts = vec![batch];
            while let Some(batch) = parts.pop() {
                meters.catch_up_reads.increment(1);
                match read(&db, batch).await {
                    Ok(()) => {}
                    Err(batch) if batch.len() == 1 => resting.push_back((Instant::now() + REST, batch)),
                    // One of them fails for all: the half without it is answered.
                    Err(batch) => parts.extend(halves(batch)),
                }
            }
        }
    }

    /// Requests that somebody still waits for.
    fn take(&self) -> Batch {
        let (mut queue, mut batch) = (self.queue(), Batch::new());
        while batch.len() < TOGETHER
            && let Some(Request { wanted, answer }) = queue.pop_front()
        {
            if !answer.is_closed() {
                batch.entry(wanted).or_default().push(answer);
            }
        }
        if !queue.is_empty() {
            // For another reader: permits do not add up.
            self.more.notify_one();
        }
        batch
    }

    fn queue(&self) -> MutexGuard<'_, VecDeque<Request>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Answers all of them, or gives them back when the database does not.
async fn read(db: &PgPool, mut batch: Batch) -> Result<(), Batch> {
    batch.retain(|_, answers| answers.iter().any(|answer| !answer.is_closed()));
    let wanted: Vec<_> = batch.keys().map(|&(room, after)| Wanted { room, after, since: None }).collect();
    if wanted.is_empty() {
        return Ok(());
    }
    let share = i64::try_from(wanted.len()).map_or(PAGE, |streams| ROWS / streams);
    let bounds = Bounds { messages: share.min(PAGE), bytes: PAGE_BYTES, reach: i64::MAX / 2 };
    match persistently("catching up", db, &Reading { wanted: &wanted, bounds }).await {
        Ok(read) => {
            hand_out(batch, &wanted, read);
            Ok(())
        }
        Err(error) => {
            if let [Wanted { room, after, .. }] = wanted[..] {
                warn!(%room, after, "a room cannot be read for a stream, left alone for {REST:?}: {error}");
            }
            Err(batch)
        }
    }
}

fn halves(batch: Batch) -> [Batch; 2] {
    let half = batch.len() / 2;
    let mut rest = batch.into_iter();
    let first = rest.by_ref().take(half).collect();
    [first, rest.collect()]
}

fn hand_out(mut batch: Batch, wanted: &[Wanted], read: Vec<Page>) {
    for (wanted, page) in wanted.iter().zip(read) {
        let piece = Piece { entries: entries(page.messages), last_seq: page.last_seq, left: page.left };
        for answer in batch.remove(&(wanted.room, wanted.after)).unwrap_or_default() {
            // Who has gone needs no answer.
            let _ = answer.send(piece.clone());
        }
    }
}
