//! What a learner may not write: judged by a small list of words, and by a service for it where one is configured.
//!
//! A message is stored either way; the turn that would have answered it says [`answer()`] instead. Without the service
//! the words alone decide: a learner must not be kept from talking because somebody else's system is away.

mod answer;
mod letters;
mod list;
mod remote;
mod settings;
mod words;

use std::sync::{Arc, LazyLock};

use chassis::client::Breakers;
use metrics::counter;

pub use answer::answer;
pub use settings::Settings;

use self::list::WordList;
use self::remote::Remote;

/// Counts judgements by who made them and what came of it.
const CHECKS: &str = "chat_moderation_checks_total";

/// What is said about a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Fine,
    Refused(Category),
}

/// Why a text is not answered as usual.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Category {
    /// Insults, harassment, hatred.
    Insult,
    Sexual,
    /// Threats.
    Violence,
    /// Somebody may be in danger: answered with care, never with a refusal.
    SelfHarm,
    /// What only the service knows, e.g. instructions for crimes.
    Other,
}

impl Category {
    pub const ALL: [Self; 5] = [Self::Insult, Self::Sexual, Self::Violence, Self::SelfHarm, Self::Other];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Insult => "insult",
            Self::Sexual => "sexual",
            Self::Violence => "violence",
            Self::SelfHarm => "self-harm",
            Self::Other => "other",
        }
    }
}

/// Why moderation cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum ModerationError {
    #[error("failed to read {path}")]
    File { path: String, source: std::io::Error },
    #[error("{path}, line {line}: {reason}")]
    Words { path: String, line: usize, reason: &'static str },
    #[error("failed to set up the HTTP client")]
    Client(#[from] reqwest::Error),
}

static BUILT_IN: LazyLock<Arc<WordList>> = LazyLock::new(|| Arc::new(WordList::built_in()));

/// Cheap to clone.
#[derive(Clone)]
pub struct Moderation {
    words: Arc<WordList>,
    remote: Option<Arc<Remote>>,
}

impl Moderation {
    /// The service's breaker is one of `breakers`, so that operators see it and can open or close it.
    ///
    /// # Errors
    /// When the file with words cannot be read or understood, or no HTTP client can be made.
    pub fn new(settings: &Settings, breakers: &Breakers) -> Result<Self, ModerationError> {
        let words = match &settings.words {
            Some(path) => {
                let mut words = WordList::built_in();
                words.add_file(path)?;
                Arc::new(words)
            }
            None => BUILT_IN.clone(),
        };
        let remote = settings.url.as_ref().map(|url| Remote::new(url, settings.key.clone(), breakers));
        Ok(Self { words, remote: remote.transpose()?.map(Arc::new) })
    }

    /// The built-in words alone.
    pub fn built_in() -> Self {
        Self { words: BUILT_IN.clone(), remote: None }
    }

    /// What the words have against a text, for answers that must not wait.
    pub fn find_word(&self, text: &str) -> Option<Category> {
        self.words.find(text)
    }

    /// Judges a text within a second. Never fails.
    pub async fn check(&self, text: &str) -> Verdict {
        if let Some(category) = self.words.find(text) {
            count("words", category.as_str());
            return Verdict::Refused(category);
        }
        let Some(remote) = &self.remote else {
            count("words", "fine");
            return Verdict::Fine;
        };
        let verdict = remote.judge(text).await;
        count(
            "service",
            match verdict {
                None => "skipped",
                Some(Verdict::Fine) => "fine",
                Some(Verdict::Refused(category)) => category.as_str(),
            },
        );
        verdict.unwrap_or(Verdict::Fine)
    }
}

fn count(by: &'static str, outcome: &'static str) {
    counter!(CHECKS, "by" => by, "outcome" => outcome).increment(1);
}
