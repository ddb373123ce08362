//! What a user may use: over it the tutor answers, and says so.

use contract::chat::Level;
use tokio::task::JoinSet;

use super::stage::{Stage, TEXT};
use crate::fake_model::{Act, COMPLETION_TOKENS, GREETING, PROMPT_TOKENS, REPLY, good};

impl Stage {
    async fn spend(&self, day: &str, tokens: i64) {
        let insert = format!(
            "insert into usage_day (user_id, day, prompt_tokens) values ($1, ({day})::date, $2) \
             on conflict (user_id, day) do update set prompt_tokens = excluded.prompt_tokens"
        );
        sqlx::query(sqlx::AssertSqlSafe(insert))
            .bind(self.user)
            .bind(tokens)
            .execute(&self.pool())
            .await
            .unwrap();
    }
}

const TODAY: &str = "now() at time zone 'UTC'";
const LAST_MONTH: &str = "date_trunc('month', now() at time zone 'UTC') - interval '1 day'";
const FIRST_OF_MONTH: &str = "date_trunc('month', now() at time zone 'UTC')";

#[tokio::test]
async fn over_the_turns_of_the_day_the_tutor_answers_and_says_so_at_the_rooms_level() {
    let stage = Stage::with(&[("DORAN_CHAT_DAILY_TURNS", "2")]).await;
    for _ in 0..2 {
        assert_eq!(stage.answer().await.reply, REPLY);
    }
    let asked = stage.model.seen().len();
    for (level, ending) in
        [(Level::Formal, "드립니다."), (Level::Polite, "답해요."), (Level::Casual, "답할게.")]
    {
        let mut question = stage.question(TEXT, 1);
        question.level = level;
        let (answer, rules) = (stage.answer_to(&question).await, stage.responder.by_rules(&question));
        let sentence = answer.reply.strip_prefix(&rules.reply).expect("the tutor answers").trim();
        assert!(sentence.starts_with("오늘") && sentence.ends_with(ending), "{sentence}");
        assert_eq!(sentence.matches(['.', '!', '?']).count(), 1, "one sentence: {sentence}");
        assert_eq!((answer.intimacy, answer.words), (rules.intimacy, rules.words));
    }
    let canned = chat::responder::canned_opening(&stage.bot, Level::Polite);
    assert_eq!(stage.open(Level::Polite).await, canned, "greetings are turns too");
    assert_eq!(stage.model.seen().len(), asked);
    stage.expect_used(2, 6 * PROMPT_TOKENS, 6 * COMPLETION_TOKENS).await;
}

#[tokio::test]
async fn entering_and_leaving_uses_up_the_day_like_turns_do() {
    let stage = Stage::with(&[("DORAN_CHAT_DAILY_TURNS", "2")]).await;
    let canned = chat::responder::canned_opening(&stage.bot, Level::Polite);
    for expected in [GREETING, GREETING, &*canned.greeting] {
        assert_eq!(stage.open(Level::Polite).await.greeting, expected);
    }
    assert_eq!(stage.model.seen().len(), 2);
    let question = stage.question(TEXT, 1);
    assert_ne!(stage.answer_to(&question).await.reply, REPLY);
}

#[tokio::test]
async fn a_turn_without_anything_from_the_model_is_given_back() {
    let stage = Stage::with(&[("DORAN_CHAT_DAILY_TURNS", "1")]).await;
    stage.model.always(Act::Refuse(400, None));
    let question = stage.question(TEXT, 1);
    for _ in 0..3 {
        assert_eq!(stage.answer_to(&question).await, stage.responder.by_rules(&question));
        stage.expect_used(0, 0, 0).await;
    }
    // One part is enough for a turn.
    stage.model.next("analysis", [Act::Say(good("analysis"))]);
    assert_ne!(stage.answer_to(&question).await.intimacy, stage.responder.by_rules(&question).intimacy);
    stage.expect_used(1, PROMPT_TOKENS, COMPLETION_TOKENS).await;
}

#[tokio::test]
async fn a_turn_that_is_taken_over_is_counted_once() {
    let stage = Stage::with(&[("DORAN_CHAT_DAILY_TURNS", "1")]).await;
    let mut question = stage.question(TEXT, 1);
    for attempt in [1, 2] {
        question.attempt = attempt;
        assert_eq!(stage.answer_to(&question).await.reply, REPLY);
    }
    stage.expect_used(1, 6 * PROMPT_TOKENS, 6 * COMPLETION_TOKENS).await;
    stage.spend(TODAY, 1 << 40).await;
    let answer = stage.answer_to(&question).await;
    assert!(answer.reply.contains("이번 달"), "the month still counts: {}", answer.reply);
}

#[tokio::test]
async fn turns_that_race_cannot_take_more_than_there_are() {
    let stage = Stage::with(&[("DORAN_CHAT_DAILY_TURNS", "3")]).await;
    let mut turns = JoinSet::new();
    for _ in 0..8 {
        let (responder, question) = (stage.responder.clone(), stage.question(TEXT, 1));
        let deadline = tokio::time::Instant::now() + super::stage::LIMIT;
        turns.spawn(async move { responder.answer(&question, deadline).await.reply == REPLY });
    }
    let answered = turns.join_all().await.into_iter().filter(|by_model| *by_model).count();
    assert_eq!(answered, 3);
    assert_eq!(stage.model.seen_by("conversation").len(), 3);
    assert_eq!(stage.used().await.0, 3);
}

#[tokio::test]
async fn over_the_tokens_of_the_month_the_tutor_answers_and_says_so() {
    let stage = Stage::with(&[("DORAN_CHAT_MONTHLY_TOKENS", "1000")]).await;
    stage.spend(LAST_MONTH, 5000).await;
    assert_eq!(stage.answer().await.reply, REPLY, "another month is another month");
    stage.expect_used(1, 3 * PROMPT_TOKENS, 3 * COMPLETION_TOKENS).await;
    stage.spend(FIRST_OF_MONTH, 1000).await;
    let asked = stage.model.seen().len();
    let question = stage.question(TEXT, 1);
    let (answer, rules) = (stage.answer_to(&question).await, stage.responder.by_rules(&question));
    let sentence = answer.reply.strip_prefix(&rules.reply).expect("the tutor answers").trim();
    assert!(sentence.starts_with("이번 달") && sentence.ends_with("답해요."), "{sentence}");
    assert_eq!(stage.open(Level::Polite).await, chat::responder::canned_opening(&stage.bot, Level::Polite));
    assert_eq!(stage.model.seen().len(), asked);
}

#[tokio::test]
async fn without_limits_nothing_is_refused() {
    let stage = Stage::with(&[("DORAN_CHAT_MONTHLY_TOKENS", "0"), ("DORAN_CHAT_DAILY_TURNS", "0")]).await;
    stage.spend(TODAY, 1 << 40).await;
    assert_eq!(stage.answer().await.reply, REPLY);
    assert_eq!(stage.open(Level::Polite).await.greeting, GREETING);
}

#[tokio::test]
async fn one_users_limit_is_not_anothers() {
    let stage = Stage::with(&[("DORAN_CHAT_DAILY_TURNS", "1")]).await;
    stage.answer().await;
    let mut question = stage.question(TEXT, 1);
    question.user = contract::id::UserId::from_uuid(uuid::Uuid::now_v7());
    assert_eq!(stage.answer_to(&question).await.reply, REPLY);
}
