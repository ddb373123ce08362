//! The course of one call: attempts at one instance after the other until one answers, within one deadline.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use contract::registry::Instance;
use resilience::hedge::Attempt;
use resilience::retry::{Backoff, Policy};
use tokio::time::{Instant, sleep, timeout_at};

use super::attempt::{Outgoing, Sender};
use super::call::Hedging;
use super::error::CallError;
use super::lane::{Lane, left};
use super::tally::Ended;
use super::target::Target;
use super::verdict::{Again, Verdict, again, judge};
use crate::context::RequestContext;

/// Another instance is asked at once.
const ELSEWHERE: Policy =
    Policy { max_attempts: 2, backoff: Backoff { base: Duration::ZERO, max: Duration::ZERO, jitter: 0.0 } };
/// The same one is given the time to take a breath: 25 to 50 ms.
const SAME: Policy = Policy {
    max_attempts: 2,
    backoff: Backoff { base: Duration::from_millis(50), max: Duration::from_millis(50), jitter: 0.5 },
};

/// Reads an answer.
pub(super) type Decode<A> = fn(&[u8]) -> Result<A, serde_json::Error>;

pub(super) struct Course<'a, A> {
    pub(super) sender: &'a Sender,
    pub(super) target: &'a Target,
    pub(super) outgoing: &'a Outgoing,
    pub(super) decode: Decode<A>,
    /// What the call site allows, of which the request at hand may have left less.
    pub(super) limit: Duration,
    pub(super) deadline: Instant,
    pub(super) context: &'a RequestContext,
    pub(super) trace: Arc<str>,
    /// The instances asked so far, in order. Two attempts of a hedged call share it.
    pub(super) asked: Mutex<Vec<Arc<Instance>>>,
}

/// Which instance an attempt may go to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Where {
    Elsewhere,
    /// To one already asked if no other lets us through.
    Anywhere,
}

impl<A> Course<'_, A> {
    /// The first answer, or why there is none.
    pub(super) async fn run(&self, hedging: Hedging) -> Result<A, CallError> {
        self.target.retries.deposit();
        let mut result = match hedging {
            Hedging::On if self.may_hedge() => self.hedged().await,
            Hedging::On | Hedging::Off => self.attempt(Where::Elsewhere).await,
        };
        let mut retries = 0;
        while let Err(error) = &result
            && let Some((pause, place)) = self.next(error)
        {
            sleep(pause).await;
            let Ok(lane) = self.lane(place) else { break };
            retries += 1;
            result = self.ask(lane).await;
        }
        let successful = judge(&result, self.limit, self.limit) == Verdict::Success;
        self.target.tally.count(Ended::of(successful, retries));
        result
    }

    /// A second opinion is for calls that may be made twice, and by the layer that repeats.
    fn may_hedge(&self) -> bool {
        self.outgoing.may_repeat() && self.context.retry_attempt == 0 && self.target.has_several()
    }

    /// A refusal is an answer too: it does not wait for the other attempt.
    async fn hedged(&self) -> Result<A, CallError> {
        let one = async |_: Attempt| {
            let granted = left(self.deadline);
            let result = self.attempt(Where::Elsewhere).await;
            match judge(&result, granted, self.limit) {
                Verdict::Success => Ok(result),
                _ => result.map(Ok),
            }
        };
        self.target.hedge.run(one).await.flatten()
    }

    /// The pause before another attempt, and where it may go.
    fn next(&self, error: &CallError) -> Option<(Duration, Where)> {
        // An upper layer repeats: if every layer did, a failure three layers down would be asked eight times.
        if self.context.retry_attempt > 0 {
            return None;
        }
        let asked = self.asked();
        let other = self.target.has_other_than(&asked);
        let (policy, place) = match (again(error, self.outgoing.may_repeat()), other) {
            (Again::No, _) | (Again::Elsewhere, false) => return None,
            (Again::Elsewhere, true) => (ELSEWHERE, Where::Elsewhere),
            (Again::Anywhere, true) => (ELSEWHERE, Where::Anywhere),
            (Again::Anywhere, false) => (SAME, Where::Anywhere),
        };
        let made = u32::try_from(asked.len()).unwrap_or(u32::MAX);
        let left = left(self.deadline);
        let pause = policy.pause(made, left, &self.target.retries, &mut rand::rng()).ok()?;
        Some((pause, place))
    }

    async fn attempt(&self, place: Where) -> Result<A, CallError> {
        let lane = self.lane(place)?;
        self.ask(lane).await
    }

    fn lane(&self, place: Where) -> Result<Lane, CallError> {
        let mut asked = self.asked();
        let lane = match (self.target.lane(&asked, &self.trace), place) {
            (Err(_), Where::Anywhere) => self.target.lane(&[], &self.trace)?,
            (lane, Where::Elsewhere | Where::Anywhere) => lane?,
        };
        asked.push(lane.instance().clone());
        Ok(lane)
    }

    async fn ask(&self, lane: Lane) -> Result<A, CallError> {
        let edge = self.sender.edge;
        let earlier = u8::try_from(self.asked().len().saturating_sub(1)).unwrap_or(u8::MAX);
        let number = self.context.retry_attempt.saturating_add(earlier);
        let granted = left(self.deadline);
        let answer = self.sender.send(self.outgoing, self.context, &lane.instance().url, granted, number);
        let answer = timeout_at(self.deadline, answer).await.unwrap_or(Err(CallError::Timeout { edge }));
        let result = answer.and_then(|body| {
            (self.decode)(&body).map_err(|source| CallError::BrokenAnswer { edge, source: source.into() })
        });
        lane.settle(judge(&result, granted, self.limit));
        result
    }

    fn asked(&self) -> MutexGuard<'_, Vec<Arc<Instance>>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
