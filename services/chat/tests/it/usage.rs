//! What a day had, and what a learner has used.

use chrono::Utc;
use contract::chat::maintenance::{DayStatistics, path};
use http::StatusCode;
use serde_json::json;
use testkit::TestDb;

use crate::learner::{Chat, bot};
use crate::operator::Operated;

#[tokio::test]
async fn a_day_is_counted() {
    let chat = Operated::new().await;
    let learner = chat.chat.learner();
    let room = learner.enter(bot(&chat.db, 1).await).await.id;
    let _ = learner.enter(bot(&chat.db, 2).await).await;
    for text in ["하나", "둘", "셋"] {
        learner.note(room, text).await;
    }
    let day = Utc::now().date_naive();
    sqlx::query(
        "insert into usage_day (user_id, day, turns, prompt_tokens, completion_tokens)
         values (gen_random_uuid(), $1, 2, 100, 10), (gen_random_uuid(), $1, 1, 50, 5),
                (gen_random_uuid(), $1 - 1, 9, 9, 9)",
    )
    .bind(day)
    .execute(&chat.db)
    .await
    .unwrap();
    let today = chat_statistics(&chat, &format!("{}?day={day}", path::STATISTICS)).await;
    assert_eq!((today.rooms.created, today.rooms.left, today.rooms.active), (2, 0, 1));
    assert_eq!((today.messages.user, today.messages.bot, today.messages.system), (3, 2, 2));
    assert_eq!((today.active_users, today.turns.answered, today.turns.by_model), (1, 0, 3));
    assert_eq!((today.tokens.prompt, today.tokens.completion), (150, 15));
    let long_ago = chat_statistics(&chat, "/internal/maintenance/statistics?day=2001-01-01").await;
    assert_eq!((long_ago.messages.user, long_ago.rooms.created, long_ago.tokens.prompt), (0, 0, 0));
    for query in ["", "?day=today", "?day=2026-02-30"] {
        let refused = chat.get(&format!("{}{query}", path::STATISTICS)).send().await;
        let _ = refused.expect(StatusCode::BAD_REQUEST);
    }
}

async fn chat_statistics(chat: &Operated, path: &str) -> DayStatistics {
    chat.get(path).send().await.expect(StatusCode::OK).parsed()
}

#[tokio::test]
async fn a_learner_sees_what_was_used() {
    let chat = Operated::new().await;
    let learner = chat.chat.learner();
    let usage = || async { learner.get("/api/chat/usage").send().await.expect(StatusCode::OK).json() };
    let nothing = usage().await;
    assert_eq!((&nothing["turnsToday"], &nothing["promptTokensThisMonth"]), (&json!(0), &json!(0)));
    assert_eq!(nothing["limits"], json!({ "turnsPerDay": null, "tokensPerMonth": null }));
    // Today, and the day before the month.
    sqlx::query(
        "insert into usage_day (user_id, day, turns, prompt_tokens, completion_tokens)
         select $1, day, 2, 100, 10
         from (values ((now() at time zone 'UTC')::date),
                      ((date_trunc('month', now() at time zone 'UTC') - interval '1 day')::date)) days (day)
         union all
         select gen_random_uuid(), (now() at time zone 'UTC')::date, 9, 9, 9",
    )
    .bind(learner.id.as_uuid())
    .execute(&chat.db)
    .await
    .unwrap();
    let used = usage().await;
    assert_eq!((&used["turnsToday"], &used["turnsThisMonth"]), (&json!(2), &json!(2)));
    assert_eq!(
        (&used["promptTokensThisMonth"], &used["completionTokensThisMonth"]),
        (&json!(100), &json!(10))
    );
    let _ = chat.chat.app.get("/api/chat/usage").send().await.expect(StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_learner_sees_the_limits() {
    let db = TestDb::new("chat_db").await;
    let chat = Chat::configured(
        &db,
        &[
            ("DORAN_CHAT_MODEL_URL", "http://127.0.0.1:1"),
            ("DORAN_CHAT_MODEL", "m"),
            ("DORAN_CHAT_DAILY_TURNS", "7"),
            ("DORAN_CHAT_MONTHLY_TOKENS", "0"),
        ],
    );
    let usage = chat.learner().get("/api/chat/usage").send().await.expect(StatusCode::OK).json();
    assert_eq!(usage["limits"], json!({ "turnsPerDay": 7, "tokensPerMonth": null }));
}
