//! Answers by a language model. Each part that it does not give in time, or not well, comes from the tutor.

use std::time::Duration;

use chassis::Platform;
use chassis::spawn::TaskSet;
use chrono::NaiveDate;
use contract::chat::{Agent, Intimacy, Level, Word};
use contract::id::UserId;
use metrics::counter;
use sqlx::PgPool;
use thiserror::Error;
use tokio::time::{Instant, timeout_at};
use tracing::{debug, info, warn};

use super::ask::{Ask, Scene};
use super::bill::Bill;
use super::notice::Notice;
use super::reading::{self, Nonsense};
use super::summary::Summaries;
use super::{Answer, Opening, Question, canned_opening, history, tutored};
use crate::cleartext;
use crate::config::ModelConfig;
use crate::domain::bot::Bot;
use crate::model::{Model, ModelError};
use crate::repository::history::{Said, before};
use crate::repository::memory::Memory;
use crate::repository::prompt::InUse;
use crate::repository::usage::{Admission, Quota};
use crate::repository::{memory, prompt, usage};
use crate::tutor;

/// Parts that the tutor gave instead of the model, by part and reason.
const FALLBACKS: &str = "chat_responder_fallbacks_total";
/// From our last answer to the deadline: what the caller does with it takes a moment too.
const MARGIN: Duration = Duration::from_millis(50);
/// With less time than this the vocabulary is not asked for.
const LEAST: Duration = Duration::from_millis(300);
/// The most messages of the past that are looked at; the token budget takes fewer.
const MOST_SAID: i64 = 100;

pub(super) struct Assisted {
    model: Model,
    db: PgPool,
    tasks: TaskSet,
    quota: Quota,
    history_tokens: u64,
    summaries: Summaries,
}

/// Why the model did not give a part.
#[derive(Debug, Error)]
pub(super) enum Missing {
    #[error(transparent)]
    Model(#[from] ModelError),
    #[error("the model answered nonsense: {0}")]
    Nonsense(Nonsense),
}

/// What a turn is made from.
struct Material {
    bill: Bill,
    prompts: Vec<InUse>,
    memory: Option<Memory>,
    /// Newest first.
    said: Vec<Said>,
}

impl Assisted {
    pub(super) fn new(platform: &Platform, db: PgPool, config: &ModelConfig) -> Result<Self, reqwest::Error> {
        let model = Model::new(config, platform.breakers())?;
        info!(model = config.name, "the model {} answers at {}", config.name, config.url);
        cleartext::warn("DORAN_CHAT_MODEL_URL", &config.url);
        let limit = |limit: u32| Some(limit).filter(|limit| *limit > 0);
        Ok(Self {
            summaries: Summaries::new(model.clone(), db.clone(), platform.tasks().clone(), config),
            model,
            db,
            tasks: platform.tasks().clone(),
            quota: Quota {
                monthly_tokens: limit(config.monthly_tokens).map(i64::from),
                daily_turns: limit(config.daily_turns).map(|turns| i32::try_from(turns).unwrap_or(i32::MAX)),
            },
            history_tokens: config.history_tokens,
        })
    }

    pub(super) async fn answer(&self, question: &Question, deadline: Instant) -> Answer {
        let deadline = deadline.checked_sub(MARGIN).unwrap_or(deadline);
        match timeout_at(deadline, self.gather(question)).await {
            Ok(Ok(Ok(material))) => self.turn(question, &material, deadline).await,
            Ok(Ok(Err(notice))) => notice.answer(question),
            Ok(Err(error)) => {
                fell_back("turn", "database");
                warn!(room.id = %question.room, "answered by rules, because chat_db failed: {error}");
                tutored(question)
            }
            Err(_elapsed) => {
                fell_back("turn", "timeout");
                warn!(room.id = %question.room, "answered by rules, because chat_db did not answer in time");
                tutored(question)
            }
        }
    }

    /// The canned guide, and a greeting of the model's own if the user has a turn left for it.
    pub(super) async fn open(&self, user: UserId, bot: &Bot, level: Level, deadline: Instant) -> Opening {
        let canned = canned_opening(bot, level);
        let deadline = deadline.checked_sub(MARGIN).unwrap_or(deadline);
        let (bill, prompts) = match timeout_at(deadline, self.prepare(user, bot)).await {
            Ok(Ok(Some(prepared))) => prepared,
            Ok(Ok(None)) => return canned,
            Ok(Err(_)) | Err(_) => {
                fell_back("greeting", "database");
                return canned;
            }
        };
        let ask = Scene { bot, level, prompts: &prompts }.greeting();
        let read = |answer: &str| reading::greeting(answer, &ask.nonce);
        let greeting = self.part(Agent::Greeting, &ask, deadline, &bill, read).await;
        Opening { greeting: greeting.unwrap_or(canned.greeting), ..canned }
    }

    /// What the turn is made from, or why the model is not asked.
    async fn gather(&self, question: &Question) -> Result<Result<Material, Notice>, sqlx::Error> {
        let db = &mut *self.db.acquire().await?;
        let taken = if question.attempt > 1 {
            // Whoever died over it has taken it.
            if !usage::has_tokens(db, question.user, self.quota).await? {
                return Ok(Err(Notice::Month));
            }
            None
        } else {
            match usage::take_turn(db, question.user, self.quota).await? {
                Admission::Granted(day) => Some(day),
                Admission::Day => return Ok(Err(Notice::Day)),
                Admission::Month => return Ok(Err(Notice::Month)),
            }
        };
        // Before anything else can fail.
        let bill = self.bill(question.user, taken);
        Ok(Ok(Material {
            bill,
            prompts: prompt::in_use(db, question.bot.id).await?,
            memory: memory::find(db, question.room).await?,
            said: before(db, question.room, question.seq, MOST_SAID).await?,
        }))
    }

    /// What a greeting is made from; `None` when the user has no turn left for it.
    async fn prepare(&self, user: UserId, bot: &Bot) -> Result<Option<(Bill, Vec<InUse>)>, sqlx::Error> {
        let db = &mut *self.db.acquire().await?;
        let Admission::Granted(day) = usage::take_turn(db, user, self.quota).await? else { return Ok(None) };
        let bill = self.bill(user, Some(day));
        Ok(Some((bill, prompt::in_use(db, bot.id).await?)))
    }

    async fn turn(&self, question: &Question, material: &Material, deadline: Instant) -> Answer {
        let bill = &material.bill;
        let scene = Scene { bot: &question.bot, level: question.level, prompts: &material.prompts };
        let versions: Vec<_> =
            material.prompts.iter().map(|prompt| (prompt.agent.as_str(), prompt.version)).collect();
        debug!(room.id = %question.room, sequence = question.seq, ?versions, "asking the model");
        let window = history::window(&material.said, self.history_tokens);
        let memory = material.memory.as_ref();
        let talk = async {
            let summary = memory.map(|memory| &*memory.summary);
            let ask = scene.conversation(&question.text, &window, summary);
            let read = |answer: &str| reading::reply(answer, &ask.nonce);
            let said = self.part(Agent::Conversation, &ask, deadline, bill, read).await;
            let reply = said.unwrap_or_else(|| tutored(question).reply);
            let words = self.words(scene, &reply, deadline, bill).await;
            (reply, words)
        };
        let judge = self.intimacy(scene, question, deadline, bill);
        let (intimacy, (reply, words)) = tokio::join!(judge, talk);
        let from = window.first().map_or(question.seq, |said| said.seq);
        self.summaries.bring_up_to_date(question, material.memory.clone(), from, &material.prompts);
        Answer { intimacy, words, reply }
    }

    async fn intimacy(
        &self,
        scene: Scene<'_>,
        question: &Question,
        deadline: Instant,
        bill: &Bill,
    ) -> Intimacy {
        let ask = scene.analysis(&question.text);
        let read = |answer: &str| reading::intimacy(answer, &question.text);
        let judged = self.part(Agent::Analysis, &ask, deadline, bill, read).await;
        judged.unwrap_or_else(|| tutor::analyse(&question.text, question.level))
    }

    async fn words(&self, scene: Scene<'_>, reply: &str, deadline: Instant, bill: &Bill) -> Vec<Word> {
        if deadline.saturating_duration_since(Instant::now()) < LEAST {
            fell_back(Agent::Vocabulary.as_str(), "late");
            return tutor::vocabulary(reply);
        }
        let ask = scene.vocabulary(reply);
        let words = self.part(Agent::Vocabulary, &ask, deadline, bill, reading::words).await;
        words.unwrap_or_else(|| tutor::vocabulary(reply))
    }

    /// One part of an answer; nothing, counted and logged, when the model does not give it.
    async fn part<T>(
        &self,
        agent: Agent,
        ask: &Ask,
        deadline: Instant,
        bill: &Bill,
        read: impl Fn(&str) -> Result<T, Nonsense>,
    ) -> Option<T> {
        let answer = self.model.ask(&ask.request, deadline, bill.meter()).await.map_err(Missing::Model);
        match answer.and_then(|answer| read(&answer).map_err(Missing::Nonsense)) {
            Ok(part) => {
                bill.was_of_use();
                Some(part)
            }
            Err(missing) => {
                missing.tell(agent);
                None
            }
        }
    }

    fn bill(&self, user: UserId, taken: Option<NaiveDate>) -> Bill {
        Bill::new(user, taken, self.db.clone(), self.tasks.clone())
    }
}

impl Missing {
    /// Counts it, and logs it once.
    pub(super) fn tell(&self, agent: Agent) {
        let reason = match self {
            Self::Model(error) => error.reason(),
            Self::Nonsense(_) => "nonsense",
        };
        fell_back(agent.as_str(), reason);
        match self {
            // That the endpoint is away, busy or refuses us was logged when it began.
            Self::Model(error) if error.is_known() => {
                debug!(%agent, reason, "went on without {agent}: {self}");
            }
            Self::Model(_) | Self::Nonsense(_) => warn!(%agent, reason, "went on without {agent}: {self}"),
        }
    }
}

fn fell_back(part: &'static str, reason: &'static str) {
    counter!(FALLBACKS, "part" => part, "reason" => reason).increment(1);
}
