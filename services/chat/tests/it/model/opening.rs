//! The first words in a room.

use std::time::Duration;

use chat::responder::canned_opening;
use contract::chat::Level;
use testkit::eventually;
use tokio::time::Instant;

use super::stage::{LIMIT, Stage};
use crate::fake_model::{Act, COMPLETION_TOKENS, GREETING, PROMPT_TOKENS};

#[tokio::test]
async fn a_room_opens_with_a_greeting_of_the_models_and_the_canned_guide() {
    let stage = Stage::new().await;
    stage.instruct("greeting", 1, "MENTION THE WEATHER", "{}").await;
    let opening = stage.open(Level::Polite).await;
    assert_eq!(opening.greeting, GREETING);
    assert_eq!(opening.guide, canned_opening(&stage.bot, Level::Polite).guide);
    let seen = stage.model.seen();
    assert_eq!(seen.len(), 1);
    assert!(seen[0].system().contains("MENTION THE WEATHER"));
    // Else entering and leaving would be without end.
    stage.expect_used(1, PROMPT_TOKENS, COMPLETION_TOKENS).await;
}

#[tokio::test]
async fn a_room_opens_in_time_without_the_model() {
    for act in
        [Act::Silent, Act::Refuse(500, None), Act::Say("Hello!".to_owned()), Act::Cut("안녕".to_owned())]
    {
        let stage = Stage::new().await;
        stage.model.always(act.clone());
        let deadline = Instant::now() + Duration::from_millis(800);
        let opening = stage.responder.open(stage.user, &stage.bot, Level::Casual, deadline);
        let opening =
            tokio::time::timeout_at(deadline + LIMIT / 4, opening).await.expect("the deadline holds");
        assert_eq!(opening, canned_opening(&stage.bot, Level::Casual), "{act:?}");
        // The turn is given back.
        eventually(LIMIT, || async { stage.used().await.0 == 0 }).await;
    }
}
