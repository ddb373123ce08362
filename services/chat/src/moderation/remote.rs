//! A service that judges texts, spoken to as one speaks to the `POST /moderations` of `OpenAI`.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chassis::client::Breakers;
use chassis::{Secret, outside};
use http::{Method, StatusCode, header};
use reqwest::{Client, Response, Url};
use resilience::breaker::{Breaker, Config};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::timeout;
use tracing::{info, warn};

use super::{Category, ModerationError, Verdict};
use crate::cleartext;

/// The whole exchange. A learner waits for it.
const LIMIT: Duration = Duration::from_millis(800);
/// An answer has a few hundred bytes.
const LONGEST_ANSWER: usize = 64 * 1024;

pub(super) struct Remote {
    client: Client,
    url: Url,
    key: Option<Secret>,
    breaker: Breaker,
    /// Said once when it begins to fail, and once when it works again.
    failing: AtomicBool,
}

/// Why there is no judgement. Never with any of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
enum Failure {
    #[error("cannot be reached")]
    Unreachable,
    #[error("does not answer within {} ms", LIMIT.as_millis())]
    TooSlow,
    #[error("answers {0}")]
    Status(StatusCode),
    #[error("answers what is no judgement")]
    Nonsense,
}

impl Failure {
    const fn reason(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::TooSlow => "timeout",
            Self::Status(_) => "status",
            Self::Nonsense => "protocol",
        }
    }
}

#[derive(Deserialize)]
struct Answer {
    results: Vec<Judgement>,
}

#[derive(Deserialize)]
struct Judgement {
    flagged: bool,
    #[serde(default)]
    categories: HashMap<String, Value>,
}

impl Remote {
    pub(super) fn new(base: &Url, key: Option<Secret>, breakers: &Breakers) -> Result<Self, ModerationError> {
        let client = outside::http_client(base, LIMIT, |client| client)?;
        cleartext::warn("DORAN_CHAT_MODERATION_URL", base);
        let mut url = base.clone();
        url.set_path(&format!("{}/moderations", base.path().trim_end_matches('/')));
        let breaker = breakers.guard("moderation", Config::default());
        Ok(Self { client, url, key, breaker, failing: AtomicBool::new(false) })
    }

    /// The judgement, or `None` when there is none to be had.
    pub(super) async fn judge(&self, text: &str) -> Option<Verdict> {
        let permit = self.breaker.try_acquire().ok()?;
        let span = outside::span(&Method::POST, &self.url, "/moderations");
        match timeout(LIMIT, self.ask(text)).await.unwrap_or(Err(Failure::TooSlow)) {
            Ok(verdict) => {
                span.answered(StatusCode::OK);
                permit.success();
                if self.failing.swap(false, Ordering::Relaxed) {
                    info!("the moderation service works again");
                }
                Some(verdict)
            }
            Err(failure) => {
                span.fail(failure.reason());
                permit.failure(failure.to_string());
                if !self.failing.swap(true, Ordering::Relaxed) {
                    warn!("the moderation service {failure}: until it works, only the list of words decides");
                }
                None
            }
        }
    }

    async fn ask(&self, text: &str) -> Result<Verdict, Failure> {
        let mut request = self.client.post(self.url.clone());
        if let Some(key) = &self.key {
            request = request.header(header::AUTHORIZATION, format!("Bearer {}", key.expose()));
        }
        let response =
            request.json(&json!({ "input": text })).send().await.map_err(|_| Failure::Unreachable)?;
        if !response.status().is_success() {
            return Err(Failure::Status(response.status()));
        }
        let body = bounded(response).await?;
        let answer: Answer = serde_json::from_slice(&body).map_err(|_| Failure::Nonsense)?;
        let judgement = answer.results.first().ok_or(Failure::Nonsense)?;
        Ok(if judgement.flagged { Verdict::Refused(judgement.category()) } else { Verdict::Fine })
    }
}

async fn bounded(mut response: Response) -> Result<Vec<u8>, Failure> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|_| Failure::Unreachable)? {
        body.extend_from_slice(&chunk);
        if body.len() > LONGEST_ANSWER {
            return Err(Failure::Nonsense);
        }
    }
    Ok(body)
}

impl Judgement {
    /// Danger first. Categories have parts, e.g. `self-harm/intent`.
    fn category(&self) -> Category {
        let is = |name: &str| {
            self.categories.iter().any(|(category, flagged)| {
                category.split('/').next() == Some(name) && *flagged == Value::Bool(true)
            })
        };
        [
            ("self-harm", Category::SelfHarm),
            ("sexual", Category::Sexual),
            ("violence", Category::Violence),
            ("harassment", Category::Insult),
            ("hate", Category::Insult),
        ]
        .into_iter()
        .find_map(|(name, category)| is(name).then_some(category))
        .unwrap_or(Category::Other)
    }
}
