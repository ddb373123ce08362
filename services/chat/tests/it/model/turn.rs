//! Turns that go well.

use std::collections::HashSet;

use contract::chat::{Intimacy, Vocabulary};
use serde_json::json;

use super::stage::{KEY, Stage, TEXT};
use crate::fake_model::{Act, COMPLETION_TOKENS, PROMPT_TOKENS, REPLY, good};

#[tokio::test]
async fn a_turn_asks_three_agents_and_brings_their_parts() {
    let stage = Stage::new().await;
    let answer = stage.answer().await;
    assert_eq!(answer.reply, REPLY);
    assert_eq!(answer.intimacy, serde_json::from_str::<Intimacy>(&good("analysis")).unwrap());
    assert_eq!(answer.words, serde_json::from_str::<Vocabulary>(&good("vocabulary")).unwrap().words);
    let seen = stage.model.seen();
    let mut agents: Vec<_> = seen.iter().map(|seen| &*seen.agent).collect();
    assert_eq!(agents.pop(), Some("vocabulary"), "it needs the reply");
    agents.sort_unstable();
    assert_eq!(agents, ["analysis", "conversation"]);
    for seen in &seen {
        assert_eq!(seen.path, "/v1/chat/completions");
        assert_eq!(seen.authorization.as_deref(), Some(&*format!("Bearer {KEY}")));
        assert_eq!(seen.body["model"], "fake-1");
        assert_eq!(seen.body["stream"], true);
        assert_eq!(seen.body["stream_options"], json!({ "include_usage": true }));
        assert_eq!(seen.body["max_tokens"], 800);
        let format = seen.body.get("response_format");
        let expected = json!({ "type": "json_object" });
        assert_eq!(format, (seen.agent != "conversation").then_some(&expected), "{}", seen.agent);
    }
    stage.expect_used(1, 3 * PROMPT_TOKENS, 3 * COMPLETION_TOKENS).await;
}

#[tokio::test]
async fn the_conversation_and_the_analysis_are_asked_at_once() {
    let stage = Stage::new().await;
    stage.model.next("conversation", [Act::Silent]);
    stage.model.next("analysis", [Act::Silent]);
    let question = stage.question(TEXT, 1);
    let both = testkit::eventually(super::stage::LIMIT, || async { stage.model.seen().len() == 2 });
    tokio::select! {
        _ = stage.answer_to(&question) => panic!("nobody answers"),
        () = both => {}
    }
}

#[tokio::test]
async fn an_answer_may_come_one_byte_at_a_time() {
    let stage = Stage::new().await;
    for agent in ["conversation", "analysis", "vocabulary"] {
        stage.model.next(agent, [Act::Bytewise(good(agent))]);
    }
    let answer = stage.answer().await;
    assert_eq!(answer.reply, REPLY);
    assert_eq!(answer.intimacy, serde_json::from_str::<Intimacy>(&good("analysis")).unwrap());
    assert_eq!(answer.words[0].word, "자주");
    stage.expect_used(1, 3 * PROMPT_TOKENS, 3 * COMPLETION_TOKENS).await;
}

#[tokio::test]
async fn turns_use_connections_again() {
    let stage = Stage::new().await;
    for _ in 0..3 {
        stage.answer().await;
    }
    let peers: HashSet<_> = stage.model.seen().iter().map(|seen| seen.peer).collect();
    // One for the conversation and one for the analysis, unless the machine is very busy.
    assert!(peers.len() <= 4, "nine requests over {} connections", peers.len());
}

#[tokio::test]
async fn without_a_url_nothing_is_called_and_nothing_counted() {
    let stage = Stage::with(&[("DORAN_CHAT_MODEL_URL", "")]).await;
    let question = stage.question(TEXT, 1);
    assert_eq!(stage.answer_to(&question).await, stage.responder.by_rules(&question));
    stage.open(question.level).await;
    assert!(stage.model.seen().is_empty());
    assert_eq!(stage.used().await, (0, 0, 0));
    assert!(stage.platform.breakers().find("model").is_none());
}

#[tokio::test]
async fn a_server_of_ones_own_needs_neither_a_key_nor_a_limit() {
    let stage = Stage::with(&[("DORAN_CHAT_MODEL_KEY", ""), ("DORAN_CHAT_MODEL_MAX_TOKENS", "0")]).await;
    assert_eq!(stage.answer().await.reply, REPLY);
    for seen in stage.model.seen() {
        assert_eq!(seen.authorization, None);
        assert_eq!(seen.body.get("max_tokens"), None);
    }
}
