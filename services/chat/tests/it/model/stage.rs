//! A room, a bot, a learner, and the responder that answers them.

use std::collections::BTreeMap;
use std::time::Duration;

use chassis::{HasBase as _, Platform};
use chat::Config;
use chat::domain::bot::Bot;
use chat::responder::{Answer, Opening, Question, Responder};
use contract::chat::{Concept, Level};
use contract::id::{BotId, RoomId, UserId};
use sqlx::PgPool;
use testkit::{TestDb, eventually};
use tokio::time::Instant;
use uuid::Uuid;

use crate::fake_model::FakeModel;

/// Far more than anything here takes on a busy machine.
pub(crate) const LIMIT: Duration = Duration::from_secs(20);
/// What the learner says unless a test says otherwise; the good analysis corrects it.
pub(crate) const TEXT: &str = "나 떡볶이 좋아해.";
pub(crate) const KEY: &str = "sk-test-0123456789";

pub(crate) struct Stage {
    pub(crate) model: FakeModel,
    pub(crate) platform: Platform,
    pub(crate) responder: Responder,
    pub(crate) db: TestDb,
    pub(crate) bot: Bot,
    pub(crate) room: RoomId,
    pub(crate) user: UserId,
}

impl Stage {
    pub(crate) async fn new() -> Self {
        Self::with(&[]).await
    }

    /// With more in the environment; `DORAN_CHAT_MODEL_URL` is that of the fake unless it is named.
    pub(crate) async fn with(more: &[(&str, &str)]) -> Self {
        let (db, model) = (TestDb::new("chat_db").await, FakeModel::start().await);
        let (platform, responder) = start(&db, &model.url, more);
        let bot =
            Bot { id: BotId::from_uuid(Uuid::now_v7()), name: "지은".to_owned(), concept: Concept::Friend };
        let (room, user) = (RoomId::from_uuid(Uuid::now_v7()), UserId::from_uuid(Uuid::now_v7()));
        sqlx::query("insert into chatbot (id, name, bot_type, concept, description) values ($1, $2, 'friend', 'FRIEND', '')")
            .bind(bot.id)
            .bind(&bot.name)
            .execute(&db.pool())
            .await
            .unwrap();
        sqlx::query("insert into chat_room (id, user_id, chatbot_id, name, concept) values ($1, $2, $3, 'r', 'FRIEND')")
            .bind(room)
            .bind(user)
            .bind(bot.id)
            .execute(&db.pool())
            .await
            .unwrap();
        Self { model, platform, responder, db, bot, room, user }
    }

    pub(crate) fn pool(&self) -> PgPool {
        self.db.pool()
    }

    /// The learner's message number `seq`.
    pub(crate) fn question(&self, text: &str, seq: i64) -> Question {
        Question {
            room: self.room,
            user: self.user,
            bot: self.bot.clone(),
            level: Level::Polite,
            text: text.to_owned(),
            seq,
            attempt: 1,
        }
    }

    /// The answer to the first message, with more time than it needs.
    pub(crate) async fn answer(&self) -> Answer {
        self.answer_to(&self.question(TEXT, 1)).await
    }

    pub(crate) async fn answer_to(&self, question: &Question) -> Answer {
        self.answer_within(question, Duration::from_secs(10)).await
    }

    /// The answer, which must be there by the deadline.
    pub(crate) async fn answer_within(&self, question: &Question, limit: Duration) -> Answer {
        let deadline = Instant::now() + limit;
        // Loose: the machine may be busy.
        let answer = tokio::time::timeout_at(deadline + LIMIT / 4, self.responder.answer(question, deadline));
        answer.await.expect("the deadline holds")
    }

    pub(crate) async fn open(&self, level: Level) -> Opening {
        self.responder.open(self.user, &self.bot, level, Instant::now() + LIMIT).await
    }

    /// Messages of the room from number `first` on, by turns of the learner and the bot.
    pub(crate) async fn say(&self, first: i64, texts: &[&str]) {
        for (seq, text) in (first..).zip(texts) {
            let (kind, sender) =
                if seq % 2 == 1 { ("user", self.user.as_uuid()) } else { ("bot", self.bot.id.as_uuid()) };
            self.store(seq, kind, Some(sender), text).await;
        }
    }

    pub(crate) async fn store(&self, seq: i64, kind: &str, sender: Option<Uuid>, text: &str) {
        let insert = "insert into message (room_id, seq, id, sender_type, sender_id, content) \
                      values ($1, $2, $3, $4, $5, $6)";
        sqlx::query(insert)
            .bind(self.room)
            .bind(seq)
            .bind(Uuid::now_v7())
            .bind(kind)
            .bind(sender)
            .bind(text)
            .execute(&self.pool())
            .await
            .unwrap();
    }

    /// A prompt of the bot, put in use.
    pub(crate) async fn instruct(&self, agent: &str, version: i32, text: &str, directives: &str) {
        let insert = "insert into chatbot_prompt (chatbot_id, agent, version, system_prompt, directives) \
                      values ($1, $2, $3, $4, $5::jsonb)";
        sqlx::query(insert)
            .bind(self.bot.id)
            .bind(agent)
            .bind(version)
            .bind(text)
            .bind(directives)
            .execute(&self.pool())
            .await
            .unwrap();
        self.use_prompt(agent, version).await;
    }

    pub(crate) async fn use_prompt(&self, agent: &str, version: i32) {
        let upsert = "insert into prompt_in_use (chatbot_id, agent, version) values ($1, $2, $3) \
                      on conflict (chatbot_id, agent) do update set version = excluded.version";
        sqlx::query(upsert).bind(self.bot.id).bind(agent).bind(version).execute(&self.pool()).await.unwrap();
    }

    /// What the user has used today: turns, prompt tokens, completion tokens.
    pub(crate) async fn used(&self) -> (i32, i64, i64) {
        let select = "select turns, prompt_tokens, completion_tokens from usage_day \
                      where user_id = $1 and day = (now() at time zone 'UTC')::date";
        let row = sqlx::query_as(select).bind(self.user).fetch_optional(&self.pool()).await.unwrap();
        row.unwrap_or_default()
    }

    /// Waits until that is used: it is written down behind the answer.
    pub(crate) async fn expect_used(&self, turns: i32, prompt: i64, completion: i64) {
        eventually(LIMIT, || async {
            let used = self.used().await;
            if used == (turns, prompt, completion) { Ok(()) } else { Err(used) }
        })
        .await;
    }
}

/// A process's responder at this endpoint.
pub(crate) fn start(db: &TestDb, url: &str, more: &[(&str, &str)]) -> (Platform, Responder) {
    let url_of_database = db.url();
    let mut env: BTreeMap<String, String> = [
        ("DATABASE_URL", &*url_of_database),
        ("DORAN_CHAT_MODEL_URL", url),
        ("DORAN_CHAT_MODEL", "fake-1"),
        ("DORAN_CHAT_MODEL_KEY", KEY),
        ("DORAN_CHAT_MODEL_IDLE_MS", "400"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    env.extend(more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    let config = Config::from_env(&env).expect("the test's environment is complete");
    let platform = Platform::quiet(config.base().clone()).expect("nothing can be missing");
    let responder =
        Responder::start(&platform, db.pool(), config.model.as_ref()).expect("a client can be made");
    (platform, responder)
}
