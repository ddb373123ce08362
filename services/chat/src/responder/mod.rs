//! Who answers a learner: a language model when one is configured, else the built-in tutor, which also stands in
//! for every part that the model fails to give.

mod ask;
mod assisted;
mod bill;
mod data;
mod history;
mod instruction;
mod notice;
mod reading;
mod summary;

use std::sync::Arc;

use anyhow::Context as _;
use chassis::Platform;
use contract::chat::{Feedback, Intimacy, Level, Word};
use contract::id::{RoomId, UserId};
use sqlx::PgPool;
use tokio::time::{Instant, timeout_at};

use self::assisted::Assisted;
use crate::config::ModelConfig;
use crate::domain::bot::Bot;
use crate::moderation::{self, Category, Moderation, Verdict};
use crate::tutor;

/// A message that waits for its answer.
#[derive(Debug, Clone)]
pub struct Question {
    pub room: RoomId,
    pub user: UserId,
    pub bot: Bot,
    pub level: Level,
    /// The learner's message.
    pub text: String,
    /// Its sequence number in the room.
    pub seq: i64,
    /// 1 unless processes died before they had answered it.
    pub attempt: i32,
}

/// The three parts of a turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub intimacy: Intimacy,
    pub words: Vec<Word>,
    pub reply: String,
}

/// What a new room begins with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opening {
    /// The bot's first words, in Korean.
    pub greeting: String,
    /// How to use the room, in English.
    pub guide: String,
}

/// Cheap to clone.
#[derive(Clone)]
pub struct Responder {
    /// `None`: the tutor answers everything, and nothing is counted.
    assisted: Option<Arc<Assisted>>,
    moderation: Moderation,
}

impl Responder {
    /// With the model that is configured, if one is. What it makes beside answers runs in the platform's tasks.
    ///
    /// # Errors
    /// When the model's HTTP client cannot be set up.
    pub fn start(platform: &Platform, db: PgPool, model: Option<&ModelConfig>) -> anyhow::Result<Self> {
        let assisted = model.map(|model| Assisted::new(platform, db, model)).transpose();
        let assisted = assisted.context("DORAN_CHAT_MODEL_URL is not usable")?;
        Ok(Self { assisted: assisted.map(Arc::new), moderation: Moderation::built_in() })
    }

    /// Judges messages so instead of by the built-in words alone.
    #[must_use]
    pub fn moderated(self, moderation: Moderation) -> Self {
        Self { moderation, ..self }
    }

    /// Answers by `deadline`, whatever fails.
    pub async fn answer(&self, question: &Question, deadline: Instant) -> Answer {
        // Before anything of it goes to a model.
        let verdict = timeout_at(deadline, self.moderation.check(&question.text)).await;
        if let Ok(Verdict::Refused(category)) = verdict {
            return refusal(question, category);
        }
        match &self.assisted {
            Some(assisted) => assisted.answer(question, deadline).await,
            None => tutored(question),
        }
    }

    /// By `deadline`, whatever fails. What a model uses for it is the user's.
    pub async fn open(&self, user: UserId, bot: &Bot, level: Level, deadline: Instant) -> Opening {
        match &self.assisted {
            Some(assisted) => assisted.open(user, bot, level, deadline).await,
            None => canned_opening(bot, level),
        }
    }

    /// The answer that needs nobody: the words alone judge, and the tutor answers.
    pub fn by_rules(&self, question: &Question) -> Answer {
        match self.moderation.find_word(&question.text) {
            Some(category) => refusal(question, category),
            None => tutored(question),
        }
    }
}

/// The built-in tutor's answer to a message that was let through.
fn tutored(question: &Question) -> Answer {
    let reply =
        tutor::reply(&question.text, question.bot.concept, question.level, question.seq.cast_unsigned());
    Answer {
        intimacy: tutor::analyse(&question.text, question.level),
        words: tutor::vocabulary(&reply),
        reply,
    }
}

/// What is said to a message that moderation does not let through. It is not corrected: there is nothing to learn from it.
fn refusal(question: &Question, category: Category) -> Answer {
    let reply = moderation::answer(category, question.bot.concept, question.level);
    let intimacy = Intimacy {
        corrected_sentence: String::new(),
        corrections: String::new(),
        feedback: Feedback {
            ko: "이 메시지는 분석하지 않았어요.".to_owned(),
            en: "This message was not analysed.".to_owned(),
        },
        ..tutor::analyse(&question.text, question.level)
    };
    Answer { intimacy, words: tutor::vocabulary(&reply), reply }
}

/// The opening that needs nobody.
pub fn canned_opening(bot: &Bot, level: Level) -> Opening {
    Opening { greeting: tutor::greeting(bot.concept, level), guide: tutor::guide(bot.concept, level) }
}
