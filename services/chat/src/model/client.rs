//! The model as the rest of the service sees it: a question, a deadline, an answer. What bounds the calls of a
//! process is shared by all that make them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chassis::client::Breakers;
use chassis::outside;
use http::StatusCode;
use resilience::breaker::{Breaker, Config as BreakerConfig, Wait, Window};
use resilience::bulkhead::Bulkhead;
use resilience::retry::{Backoff, Budget, Policy, Terms};
use tokio::time::{Instant, sleep, sleep_until};
use tracing::error;

use super::attempt::Sender;
use super::error::ModelError;
use super::measure;
use super::request::Request;
use super::tokens::Meter;
use super::verdict::{judge, may_repeat};
use crate::config::ModelConfig;

/// The name of its breaker.
const NAME: &str = "model";
/// Longer than a provider around the world takes.
const CONNECT_LIMIT: Duration = Duration::from_secs(2);
/// Calls that wait for a place, for each that has one.
const QUEUED_PER_PLACE: usize = 4;
/// With less time than this nobody answers anything.
const LEAST: Duration = Duration::from_millis(200);
/// The second attempt comes after 100 to 200 ms, the third after 200 to 400 more.
const RETRIES: Policy = Policy {
    max_attempts: 3,
    backoff: Backoff { base: Duration::from_millis(200), max: Duration::from_secs(1), jitter: 0.5 },
};
/// 20 % of the calls and one a second: attempts cost money.
const BUDGET: Terms = Terms { requests_per_extra: 5, floor_per_second: 1 };

/// Cheap to clone; clones share the bounds.
#[derive(Clone)]
pub struct Model {
    inner: Arc<Inner>,
}

struct Inner {
    sender: Sender,
    /// Of one call.
    limit: Duration,
    bulkhead: Bulkhead,
    breaker: Breaker,
    retries: Budget,
    /// Until when the endpoint wants no calls.
    quiet: Mutex<Option<Instant>>,
    /// Whether it was said that the key is no good.
    said: AtomicBool,
}

impl Model {
    /// Its breaker is one of `breakers`, so that operators see it and can open or close it.
    ///
    /// # Errors
    /// When the HTTP client cannot be set up, e.g. because the machine has no root certificates.
    pub fn new(config: &ModelConfig, breakers: &Breakers) -> Result<Self, reqwest::Error> {
        let sender = Sender {
            http: http_client(config)?,
            endpoint: endpoint(config),
            model: config.name.clone(),
            key: config.key.clone(),
            max_tokens: config.max_tokens,
            idle: config.idle,
        };
        let inner = Inner {
            sender,
            limit: config.timeout,
            bulkhead: Bulkhead::new(config.at_once, config.at_once * QUEUED_PER_PLACE),
            breaker: breakers.guard(NAME, breaker_config(config.timeout)),
            retries: Budget::new(BUDGET),
            quiet: Mutex::default(),
            said: AtomicBool::new(false),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The answer by `deadline`, or why there is none. What it used goes to `meter`, also if it is dropped.
    ///
    /// # Errors
    /// See [`ModelError`].
    pub async fn ask(
        &self,
        request: &Request,
        deadline: Instant,
        meter: &Meter,
    ) -> Result<String, ModelError> {
        let since = Instant::now();
        let deadline = deadline.min(since + self.inner.limit);
        let result = self.inner.attempts(request, deadline, meter).await;
        measure::call(request.label, &result, since.elapsed());
        result
    }
}

impl Inner {
    async fn attempts(
        &self,
        request: &Request,
        deadline: Instant,
        meter: &Meter,
    ) -> Result<String, ModelError> {
        self.retries.deposit();
        let mut made = 0;
        loop {
            let result = self.attempt(request, deadline, meter).await;
            made += 1;
            match result {
                Err(error) if may_repeat(&error) => match self.pause(&error, made, deadline) {
                    Some(pause) => sleep(pause).await,
                    None => return Err(error),
                },
                result => return result,
            }
        }
    }

    /// The pause before another attempt, if there may be one. When the endpoint said when to come back, the
    /// attempt itself waits for that.
    fn pause(&self, error: &ModelError, made: u32, deadline: Instant) -> Option<Duration> {
        let left = deadline.saturating_duration_since(Instant::now()).saturating_sub(LEAST);
        if let ModelError::Status { retry_after: Some(wait), .. } = error
            && *wait >= left
        {
            return None;
        }
        RETRIES.pause(made, left, &self.retries, &mut rand::rng()).ok()
    }

    async fn attempt(
        &self,
        request: &Request,
        deadline: Instant,
        meter: &Meter,
    ) -> Result<String, ModelError> {
        self.keep_quiet(deadline).await?;
        let left = deadline.saturating_duration_since(Instant::now());
        // Half of it for the queue, so that the other half is enough for an answer.
        let _place = self.bulkhead.enter(left / 2).await.map_err(|_rejected| ModelError::Busy)?;
        let permit = self.breaker.try_acquire().map_err(|_closed| ModelError::Open)?;
        let since = Instant::now();
        let result = self.sender.send(request, deadline, meter).await;
        let outcome = judge(&result, deadline.saturating_duration_since(since), self.limit);
        measure::attempt(NAME, &result, &outcome, since.elapsed());
        permit.finish(outcome);
        self.learn(&result);
        result
    }

    /// Waits until the endpoint wants calls again, if that is soon enough.
    async fn keep_quiet(&self, deadline: Instant) -> Result<(), ModelError> {
        let quiet = *self.quiet.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        match quiet.filter(|until| *until > now) {
            None => Ok(()),
            Some(until) if until + LEAST < deadline => {
                sleep_until(until).await;
                Ok(())
            }
            Some(until) => Err(ModelError::Throttled { wait: until - now }),
        }
    }

    fn learn<A>(&self, result: &Result<A, ModelError>) {
        match result {
            Ok(_) => self.said.store(false, Ordering::Relaxed),
            Err(ModelError::Status { status: StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN, .. }) => {
                // Once, and not for each turn: the key does not get better by itself.
                if !self.said.swap(true, Ordering::Relaxed) {
                    error!(
                        "the model's endpoint does not accept our key: the built-in tutor answers until \
                         DORAN_CHAT_MODEL_KEY is right"
                    );
                }
            }
            Err(ModelError::Status { retry_after: Some(wait), .. }) => {
                let until = Instant::now() + *wait;
                let mut quiet = self.quiet.lock().unwrap_or_else(PoisonError::into_inner);
                *quiet = Some(quiet.map_or(until, |before| before.max(until)));
            }
            Err(_) => {}
        }
    }
}

fn endpoint(config: &ModelConfig) -> reqwest::Url {
    config.url.join("chat/completions").expect("a path can be joined to a base with a host")
}

fn http_client(config: &ModelConfig) -> Result<reqwest::Client, reqwest::Error> {
    let connect_limit = CONNECT_LIMIT.min(config.timeout);
    outside::http_client(&config.url, connect_limit, |client| client.pool_max_idle_per_host(config.at_once))
}

fn breaker_config(limit: Duration) -> BreakerConfig {
    BreakerConfig {
        // Half of at least ten in the last minute, or all of the last ten: two turns with their retries.
        window: Window::Time(60),
        consecutive_failures: Some(10),
        // Long answers are normal, and end by the deadline.
        slow_call: limit * 2,
        half_open_permits: 2,
        wait: Wait { initial: Duration::from_secs(2), factor: 2.0, max: Duration::from_mins(1), jitter: 0.2 },
        ..BreakerConfig::default()
    }
}
