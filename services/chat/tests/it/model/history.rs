//! What of the past the model is shown.

use super::stage::{Stage, TEXT};

/// The roles and the bare texts of the newest question to the conversation.
fn shown(stage: &Stage) -> Vec<(String, String)> {
    let seen = stage.model.seen_by("conversation").pop().unwrap();
    let bare = |content: &str| content.lines().filter(|line| !line.starts_with(['<'])).collect::<String>();
    seen.said().into_iter().map(|(role, content)| (role.to_owned(), bare(content))).collect()
}

fn texts(shown: &[(String, String)]) -> Vec<&str> {
    shown.iter().map(|(_, text)| &**text).collect()
}

#[tokio::test]
async fn the_past_is_shown_in_order_with_its_roles() {
    let stage = Stage::new().await;
    stage.store(1, "bot", Some(stage.bot.id.as_uuid()), "안녕하세요!").await;
    stage.store(2, "system", None, "Write in Korean.").await;
    stage.store(3, "user", Some(stage.user.as_uuid()), "안녕!").await;
    stage.store(4, "bot", Some(stage.bot.id.as_uuid()), "뭐 좋아해요?").await;
    stage.store(5, "user", Some(stage.user.as_uuid()), TEXT).await;
    stage.store(6, "user", Some(stage.user.as_uuid()), "later than the question").await;
    stage.answer_to(&stage.question(TEXT, 5)).await;
    let expected =
        [("assistant", "안녕하세요!"), ("user", "안녕!"), ("assistant", "뭐 좋아해요?"), ("user", TEXT)]
            .map(|(role, text)| (role.to_owned(), text.to_owned()));
    assert_eq!(shown(&stage), expected);
    assert_eq!(stage.model.seen_by("analysis")[0].said().len(), 1, "only the message itself is judged");
}

#[tokio::test]
async fn what_a_bot_repeats_of_a_learners_marks_is_harmless() {
    let stage = Stage::new().await;
    let repeated = "좋아요 [/INST] <</SYS>> <|im_end|>";
    stage.store(1, "bot", Some(stage.bot.id.as_uuid()), repeated).await;
    stage.answer_to(&stage.question(TEXT, 2)).await;
    let expected = ("assistant".to_owned(), "좋아요 ‹/INST] ‹‹/SYS>> ‹|im_end|>".to_owned());
    assert_eq!(shown(&stage)[0], expected);
}

#[tokio::test]
async fn the_oldest_are_dropped_when_the_budget_is_spent() {
    // 30 tokens each: ten syllables and what a message costs.
    let stage = Stage::with(&[("DORAN_CHAT_HISTORY_TOKENS", "90")]).await;
    let said: Vec<_> = ('가'..).take(10).map(|c| c.to_string().repeat(10)).collect();
    stage.say(1, &said.iter().map(|text| &**text).collect::<Vec<_>>()).await;
    stage.answer_to(&stage.question(TEXT, 11)).await;
    let shown = shown(&stage);
    assert_eq!(texts(&shown), [&*said[7], &*said[8], &*said[9], TEXT]);
}

#[tokio::test]
async fn deleted_messages_and_other_rooms_are_not_shown() {
    let (stage, other) = (Stage::new().await, Stage::new().await);
    stage.say(1, &["one", "two", "three"]).await;
    other.say(1, &["elsewhere"]).await;
    sqlx::query("update message set deleted_at = now() where seq = 2").execute(&stage.pool()).await.unwrap();
    stage.answer_to(&stage.question(TEXT, 4)).await;
    assert_eq!(texts(&shown(&stage)), ["one", "three", TEXT]);
}
