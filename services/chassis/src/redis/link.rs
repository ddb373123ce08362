//! One connection that many share, and that is replaced when it fails.
//!
//! Nobody who asks ever waits for a connection to be made: [`Link::keep`] makes it in the background, and until
//! it has, questions fail at once. So a Redis that is away costs a request nothing, and one that stops to answer
//! costs those that were under way their limit, once.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, RedisError, RedisResult};
use thiserror::Error;
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};
use tracing::{info, warn};

use crate::trace::{Kind, Span};

/// For one attempt to connect, with its handshake.
const CONNECT_LIMIT: Duration = Duration::from_millis(250);
/// Between two signs of life.
pub(super) const HEARTBEAT: Duration = Duration::from_secs(2);
/// From a loss, or a failed attempt, to the next attempt.
pub(super) const COOL_DOWN: Duration = Duration::from_secs(1);

/// Redis was of no use this time.
#[derive(Debug, Error)]
pub enum Lost {
    #[error("there is no connection to redis")]
    Away,
    #[error("redis did not answer within {limit:?}")]
    Slow { limit: Duration },
    #[error("redis failed to do it")]
    Failed(#[source] RedisError),
}

impl Lost {
    const fn reason(&self) -> &'static str {
        match self {
            Self::Away => "away",
            Self::Slow { .. } => "timeout",
            Self::Failed(_) => "failed",
        }
    }
}

/// Cheap to clone.
#[derive(Clone)]
pub struct Link {
    inner: Arc<Inner>,
}

struct Inner {
    client: Client,
    current: Mutex<Option<Current>>,
    lost: Notify,
}

#[derive(Clone)]
struct Current {
    connection: MultiplexedConnection,
    /// Tells this connection from the one before, so that a late failure of that one does not cost this one.
    number: u64,
}

impl Link {
    pub(super) fn new(client: Client) -> Self {
        Self { inner: Arc::new(Inner { client, current: Mutex::default(), lost: Notify::new() }) }
    }

    /// A link of its own to the same Redis, for a runtime of its own. Its [`Self::keep`] must run there: a
    /// connection's driver lives where the connection was made.
    #[must_use]
    pub fn another(&self) -> Self {
        Self::new(self.inner.client.clone())
    }

    pub(super) fn client(&self) -> &Client {
        &self.inner.client
    }

    pub fn is_up(&self) -> bool {
        self.current().is_some()
    }

    /// Has `question`, which is of `command`s, answered within `limit`. After any failure the connection is not used again: what is wrong
    /// with a server that refuses our commands, e.g. because it still loads its data, takes its time as well.
    ///
    /// # Errors
    /// When there is no connection, no answer in time, or a refusal.
    pub async fn ask<T>(
        &self,
        command: &'static str,
        limit: Duration,
        question: impl AsyncFnOnce(MultiplexedConnection) -> RedisResult<T>,
    ) -> Result<T, Lost> {
        let mut span = Span::child(Kind::Client, command);
        span.set("db.system.name", "redis");
        span.set("db.operation.name", command);
        let answer = self.put(limit, question).await;
        match &answer {
            Ok(_) => span.end(),
            Err(lost) => span.fail(lost.reason()),
        }
        answer
    }

    async fn put<T>(
        &self,
        limit: Duration,
        question: impl AsyncFnOnce(MultiplexedConnection) -> RedisResult<T>,
    ) -> Result<T, Lost> {
        let Current { connection, number } = self.current().clone().ok_or(Lost::Away)?;
        let lost = match timeout(limit, question(connection)).await {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(error)) => Lost::Failed(error),
            Err(_elapsed) => Lost::Slow { limit },
        };
        self.lose(number, &lost);
        Err(lost)
    }

    /// Connects, and again a while after every loss. Never ends.
    pub async fn keep(self) {
        let mut told = false;
        for number in 0.. {
            match self.connect().await {
                Ok(connection) => {
                    told = false;
                    *self.current() = Some(Current { connection, number });
                    info!("connected to redis");
                    self.until_lost().await;
                }
                Err(lost) if !told => {
                    told = true;
                    warn!("going on without redis: {}", chain(&lost));
                }
                Err(_) => {}
            }
            sleep(COOL_DOWN).await;
        }
    }

    /// Asks for a sign of life now and then, so that a connection that died in silence is not found out by a
    /// request.
    async fn until_lost(&self) {
        while timeout(HEARTBEAT, self.inner.lost.notified()).await.is_err() {
            // A failure wakes us by itself.
            let _ = self.ping(CONNECT_LIMIT).await;
        }
    }

    pub(super) async fn ping(&self, limit: Duration) -> Result<(), Lost> {
        self.ask("PING", limit, async |mut connection| redis::cmd("PING").query_async(&mut connection).await)
            .await
    }

    async fn connect(&self) -> Result<MultiplexedConnection, Lost> {
        // Whoever asks has a limit; a second one would be a second timer for each question.
        let config = AsyncConnectionConfig::new().set_connection_timeout(None).set_response_timeout(None);
        timeout(CONNECT_LIMIT, self.inner.client.get_multiplexed_async_connection_with_config(&config))
            .await
            .map_err(|_elapsed| Lost::Slow { limit: CONNECT_LIMIT })?
            .map_err(Lost::Failed)
    }

    fn lose(&self, number: u64, lost: &Lost) {
        let mut current = self.current();
        if current.as_ref().is_some_and(|current| current.number == number) {
            *current = None;
            drop(current);
            warn!("going on without redis: {}", chain(lost));
            self.inner.lost.notify_one();
        }
    }

    fn current(&self) -> MutexGuard<'_, Option<Current>> {
        self.inner.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// By category: the text of an error may quote what was sent.
pub(super) fn chain(lost: &Lost) -> String {
    match lost {
        Lost::Failed(error) => format!("{lost}: {}", error.category()),
        Lost::Away | Lost::Slow { .. } => lost.to_string(),
    }
}
