//! Asking a producer's feed. A call of its own kind: it waits on purpose, so no breaker and no retry judges it.

use std::time::Duration;

use chrono::{DateTime, Utc};
use contract::event::{CloudEvent, HEAD_HEADER, path};
use contract::problem::Problem;
use http::StatusCode;
use thiserror::Error;
use tokio::time::timeout;

use crate::context;
use crate::deadline;
use crate::discovery::Discovery;
use crate::identity::ServiceSigner;
use crate::platform::Platform;

/// Beyond the wait that was asked for, an answer may take this long.
const GRACE: Duration = Duration::from_secs(3);
/// The same, and the longest wait, where another instance can be asked: one that hangs is given up soon.
const GRACE_OF_ONE: Duration = Duration::from_millis(500);
const WAIT_OF_ONE: Duration = Duration::from_secs(1);
/// Four times what a producer puts into one answer: JSON may need more room than what it is stored as.
const MAX_ANSWER: usize = 16 * 1024 * 1024;

#[derive(Debug, Error)]
pub(super) enum PullError {
    #[error("{0} has no instance to ask")]
    NoInstance(&'static str),
    #[error("{service} cannot be asked")]
    Unreachable { service: &'static str, source: reqwest::Error },
    #[error("{0} did not answer in time")]
    Timeout(&'static str),
    #[error("{service} refused with {status}{}", .problem.as_deref().map(|text| format!(": {text}")).unwrap_or_default())]
    Refused { service: &'static str, status: StatusCode, problem: Option<String> },
    /// The events behind our position were dropped, or the producer has started anew and never was there.
    #[error("{service} cannot go on from position {after}: {problem}")]
    OutOfStep { service: &'static str, after: i64, problem: String },
    #[error("the feed of {service} skips from {after} to {found}")]
    Gap { service: &'static str, after: i64, found: i64 },
    #[error("the answer of {service} is not usable: {problem}")]
    Broken { service: &'static str, problem: String },
}

/// What a feed answered.
#[derive(Debug)]
pub(super) struct Page {
    /// Behind the position that was asked about, in their order, without gaps or repetitions.
    pub(super) events: Vec<CloudEvent>,
    /// The producer's last position.
    pub(super) head: i64,
}

/// What to ask for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ask {
    pub(super) after: i64,
    pub(super) limit: u32,
    pub(super) wait: Duration,
    pub(super) since: Option<DateTime<Utc>>,
}

impl Ask {
    fn query(self) -> String {
        let Self { after, limit, wait, since } = self;
        let mut query = format!("{}?after={after}&limit={limit}&wait={}", path::FEED, wait.as_secs());
        if let Some(since) = since {
            query.push_str("&since=");
            query.push_str(&contract::time::format(since));
        }
        query
    }
}

/// The feed of one service.
pub(super) struct Feed {
    service: &'static str,
    http: reqwest::Client,
    discovery: Discovery,
    signer: Option<ServiceSigner>,
    /// Counts on after a failure: the next instance may do better.
    turn: usize,
    failed: bool,
}

impl Feed {
    pub(super) fn new(platform: &Platform, service: &'static str) -> Self {
        Self {
            service,
            http: platform.http().clone(),
            discovery: platform.discovery().clone(),
            signer: platform.signer().cloned(),
            turn: 0,
            failed: false,
        }
    }

    /// # Errors
    /// See [`PullError`].
    pub(super) async fn pull(&mut self, mut ask: Ask) -> Result<Page, PullError> {
        let mut limit = ask.wait + GRACE;
        // Not twice in a row: all of them may be slow.
        if !self.failed && self.discovery.instances(self.service).len() > 1 {
            ask.wait = ask.wait.min(WAIT_OF_ONE);
            limit = ask.wait + GRACE_OF_ONE;
        }
        let pulled =
            timeout(limit, self.try_pull(ask, limit)).await.unwrap_or(Err(PullError::Timeout(self.service)));
        self.failed = pulled.is_err();
        if self.failed {
            self.turn = self.turn.wrapping_add(1);
        }
        pulled
    }

    /// Waits before another try: for so long, or until the service's instances are others.
    pub(super) async fn pause(&self, limit: Duration) {
        let before = self.discovery.instances(self.service);
        let mut changes = self.discovery.changes();
        let moved = async {
            while changes.changed().await.is_ok() {
                if self.discovery.instances(self.service) != before {
                    return;
                }
            }
            std::future::pending::<()>().await;
        };
        // Both ends are good.
        let _ = timeout(limit, moved).await;
    }

    async fn try_pull(&self, ask: Ask, limit: Duration) -> Result<Page, PullError> {
        let service = self.service;
        let instance = self.discovery.pick(service, self.turn).ok_or(PullError::NoInstance(service))?;
        let mut request = self
            .http
            .get(format!("{}{}", instance.url, ask.query()))
            .header("traceparent", context::current().trace.traceparent())
            .header(deadline::HEADER, u64::try_from(limit.as_millis()).unwrap_or(u64::MAX));
        if let Some(signer) = &self.signer {
            let token = signer.token_for(service).map_err(|error| self.broken(&error))?;
            request = request.bearer_auth(token);
        }
        let mut answer = request.send().await.map_err(|source| PullError::Unreachable { service, source })?;
        let (status, head) = (answer.status(), head_of(&answer));
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|error| self.broken(&error))? {
            if body.len() + chunk.len() > MAX_ANSWER {
                return Err(self.broken(&format!("longer than {MAX_ANSWER} bytes")));
            }
            body.extend_from_slice(&chunk);
        }
        if !status.is_success() {
            return Err(self.refusal(status, &body, ask.after));
        }
        let events: Vec<CloudEvent> = serde_json::from_slice(&body).map_err(|error| self.broken(&error))?;
        let head = head.ok_or_else(|| self.broken(&format!("without {HEAD_HEADER}")))?;
        let events = if ask.since.is_some() { events } else { self.new_ones(events, ask.after)? };
        Ok(Page { events, head })
    }

    /// Whatever comes again is left out, and what is missing is not passed over.
    fn new_ones(&self, events: Vec<CloudEvent>, after: i64) -> Result<Vec<CloudEvent>, PullError> {
        let found = events.iter().map(|event| event.position).find(|position| *position > after);
        let events = in_step(events, after);
        match found {
            Some(found) if events.is_empty() => Err(PullError::Gap { service: self.service, after, found }),
            _ => Ok(events),
        }
    }

    fn refusal(&self, status: StatusCode, body: &[u8], after: i64) -> PullError {
        let service = self.service;
        let problem = serde_json::from_slice::<Problem>(body).ok().map(|problem| problem.message);
        if status == StatusCode::GONE || status == StatusCode::CONFLICT {
            return PullError::OutOfStep { service, after, problem: problem.unwrap_or_default() };
        }
        PullError::Refused { service, status, problem }
    }

    fn broken(&self, problem: &impl ToString) -> PullError {
        PullError::Broken { service: self.service, problem: problem.to_string() }
    }
}

fn head_of(answer: &reqwest::Response) -> Option<i64> {
    answer.headers().get(HEAD_HEADER)?.to_str().ok()?.parse().ok()
}

/// The events that follow `after` one by one, each once; what lies behind a gap has to be asked for again.
fn in_step(events: Vec<CloudEvent>, after: i64) -> Vec<CloudEvent> {
    let mut last = after;
    let follows = |event: &CloudEvent| {
        let follows = event.position == last + 1;
        last += i64::from(follows);
        follows
    };
    events.into_iter().filter(follows).collect()
}
