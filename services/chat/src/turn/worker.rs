//! Works on the turns of this process, and takes over those of processes that died.

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use chassis::ApiError;
use chassis::shutdown::Hold;
use futures_util::FutureExt as _;
use tokio::sync::oneshot;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};
use tracing::{error, info, warn};
use uuid::Uuid;

use super::answer::{end, excuse, question};
use super::{Inner, LEASE, PATROL};
use crate::error::Error;
use crate::live::Signal;
use crate::repository::turn::{self, Open};
use crate::responder::Answer;

/// The reply comes no sooner than this after the message was answered: the web client loses what comes before. A
/// little more than the 300 ms it needs, because the answer is still on its way.
const PAUSE: Duration = Duration::from_millis(340);
/// An answer to the message that nobody takes is not waited for.
const ANSWERED_LIMIT: Duration = Duration::from_secs(10);
/// What the responder may take; a learner who sends another message meanwhile ends the turn after 5 s.
const RESPONSE_LIMIT: Duration = Duration::from_secs(12);
/// Whoever takes a turn over has less time: the learner has waited already.
const SECOND_LIMIT: Duration = Duration::from_secs(5);
/// So often a turn may end its process before nobody but the tutor is asked.
const MODEL_ATTEMPTS: i32 = 2;
/// The longest pause between two attempts to store a reply.
const RETRY_CAP: Duration = Duration::from_secs(1);
/// Turns that one patrol takes over.
const TAKEN: i64 = 64;

/// Says that a task works on a turn, for as long as it does.
struct Running {
    inner: Arc<Inner>,
    turn: Uuid,
    /// The service stops when its turns have ended; those that take too long are taken over.
    _hold: Hold,
}

impl Running {
    fn new(inner: Arc<Inner>, turn: Uuid) -> Self {
        inner.running().insert(turn);
        let hold = inner.drain.hold();
        Self { inner, turn, _hold: hold }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.inner.running().remove(&self.turn);
    }
}

/// Works on a turn in a task of its own. One that cannot be loaded is left to the patrol: its lease runs out.
pub(super) fn start(inner: &Arc<Inner>, turn: Uuid, answered: oneshot::Receiver<Infallible>) {
    let running = Running::new(inner.clone(), turn);
    inner.tasks.spawn("turn", async move {
        let inner = &running.inner;
        match load(inner, turn).await {
            Ok(Some(open)) => finish(inner, &open, answered).await,
            Ok(None) => {}
            Err(error) => warn!(error = chain(error), "failed to load a turn: it is taken up again"),
        }
    });
}

/// What the turn is about; `None` when it has ended, or when its room is gone.
async fn load(inner: &Inner, id: Uuid) -> Result<Option<Open>, Error> {
    let mut db = inner.db.acquire().await?;
    Ok(turn::open(&mut db, &[id]).await?.pop())
}

/// Ends the turn, whatever its message does to whoever answers it: what brings this process down would bring down
/// the next one that takes the turn over.
async fn finish(inner: &Inner, turn: &Open, answered: oneshot::Receiver<Infallible>) {
    if turn.attempt > 1 {
        info!(room.id = %turn.room, attempt = turn.attempt, "took over a turn");
    }
    let answer = AssertUnwindSafe(answer(inner, turn, answered)).catch_unwind().await;
    let fits = match answer {
        Ok(answer) => store(inner, turn, answer).await,
        Err(_panic) => {
            error!(room.id = %turn.room, message.id = %turn.message, "answering a message panicked");
            false
        }
    };
    if !fits {
        store(inner, turn, excuse(turn.level)).await;
    }
}

/// The answer, once the learner has been told for long enough that the message is stored.
async fn answer(inner: &Inner, turn: &Open, answered: oneshot::Receiver<Infallible>) -> Answer {
    inner.live.tell(turn.room, Signal::Typing { sender: turn.bot.id.as_uuid(), typing: true });
    let held = async {
        // However it ends, the sender was told or has gone.
        let _ = timeout(ANSWERED_LIMIT, answered).await;
        sleep(PAUSE).await;
    };
    let question = question(turn);
    if turn.attempt > MODEL_ATTEMPTS {
        return inner.responder.by_rules(&question);
    }
    let limit = if turn.attempt == 1 { RESPONSE_LIMIT } else { SECOND_LIMIT };
    tokio::join!(inner.responder.answer(&question, Instant::now() + limit), held).0
}

/// Stores the answer, however long the database is away. False when the database will not have it.
async fn store(inner: &Inner, turn: &Open, answer: Answer) -> bool {
    let (mut pause, mut told) = (Duration::from_millis(50), false);
    loop {
        let error = match end(inner, turn, answer.clone()).await {
            Ok(()) => return true,
            Err(error) => error,
        };
        let unfit = is_unfit(&error);
        if unfit || !told {
            warn!(room.id = %turn.room, error = chain(error), "failed to store a reply");
            told = true;
        }
        if unfit {
            return false;
        }
        sleep(pause).await;
        pause = (pause * 2).min(RETRY_CAP);
    }
}

/// Whether the database refuses the data (classes 22 and 23 of SQLSTATE), now and ever.
fn is_unfit(error: &Error) -> bool {
    let Error::Database(sqlx::Error::Database(cause)) = error else {
        return matches!(error, Error::Encoding(_));
    };
    cause.code().is_some_and(|code| code.starts_with("22") || code.starts_with("23"))
}

/// Renews the leases of this process, and takes over what others have left until the service begins to stop.
pub(super) async fn patrol(inner: Arc<Inner>) {
    let mut ticks = interval(PATROL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let lease = LEASE.as_secs_f64();
    loop {
        ticks.tick().await;
        let running: Vec<_> = inner.running().iter().copied().collect();
        // A database that is away is asked again in the next round.
        let renewed = turn::renew(&inner.db, &inner.owner, &running, lease).await;
        if renewed.is_ok()
            && !inner.drain.is_begun()
            && let Ok(taken) = turn::take_over(&inner.db, &inner.owner, lease, TAKEN).await
        {
            for id in taken {
                start(&inner, id, oneshot::channel().1);
            }
        }
    }
}

fn chain(error: Error) -> String {
    ApiError::from(error).chain().unwrap_or_default()
}
