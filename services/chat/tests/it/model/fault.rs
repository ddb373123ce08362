//! An endpoint that misbehaves: each part comes from the tutor on its own, in time, and money is accounted for.

use std::time::Duration;

use chat::responder::{Answer, Question};
use chat::tutor;

use super::stage::{Stage, TEXT};
use crate::fake_model::{Act, COMPLETION_TOKENS, PROMPT_TOKENS, REPLY, good};

/// Which parts came from the model: reply, intimacy, words.
fn parts(stage: &Stage, answer: &Answer, question: &Question) -> [bool; 3] {
    let rules = stage.responder.by_rules(question);
    let words = tutor::vocabulary(&answer.reply);
    [answer.reply != rules.reply, answer.intimacy != rules.intimacy, answer.words != words]
}

/// Plays `acts` to one agent and says which parts came from the model, and how often the agent was asked.
async fn play(agent: &str, acts: Vec<Act>) -> ([bool; 3], usize, Stage) {
    let stage = Stage::new().await;
    stage.model.next(agent, acts);
    let question = stage.question(TEXT, 1);
    let answer = stage.answer_to(&question).await;
    let parts = parts(&stage, &answer, &question);
    (parts, stage.model.seen_by(agent).len(), stage)
}

#[tokio::test]
async fn each_part_falls_back_on_its_own() {
    for (agent, expected) in [
        ("conversation", [false, true, true]),
        ("analysis", [true, false, true]),
        ("vocabulary", [true, true, false]),
    ] {
        let (parts, asked, _) = play(agent, vec![Act::Say("<html>nonsense</html>".to_owned())]).await;
        assert_eq!((parts, asked), (expected, 1), "{agent}");
    }
}

#[tokio::test]
async fn what_was_begun_is_not_asked_again_and_is_paid_for() {
    for act in [
        Act::Cut("저도".to_owned()),
        Act::CutInEvent("저도".to_owned()),
        Act::End("저도".to_owned()),
        Act::Stall("저도".to_owned()),
        Act::Endless,
    ] {
        let (parts, asked, stage) = play("conversation", vec![act.clone()]).await;
        assert_eq!((parts, asked), ([false, true, true], 1), "{act:?}");
        let (_, prompt, completion) = testkit::eventually(super::stage::LIMIT, || async {
            let used = stage.used().await;
            (used.1 > 2 * PROMPT_TOKENS).then_some(used)
        })
        .await;
        assert!(prompt > 2 * PROMPT_TOKENS + 100, "the prompt is estimated: {prompt}, {act:?}");
        assert!(completion >= 2 * COMPLETION_TOKENS + 2, "what came is estimated: {completion}, {act:?}");
    }
}

#[tokio::test]
async fn what_broke_before_its_first_word_is_asked_again() {
    for act in [
        Act::Refuse(500, None),
        Act::Refuse(502, None),
        Act::Refuse(503, None),
        Act::Refuse(429, None),
        Act::Refuse(429, Some("1")),
        Act::Cut(String::new()),
        Act::End(String::new()),
        Act::Stall(String::new()),
    ] {
        let (parts, asked, _) = play("conversation", vec![act.clone()]).await;
        assert_eq!((parts, asked), ([true, true, true], 2), "{act:?}");
    }
}

#[tokio::test]
async fn what_asking_again_cannot_help_is_asked_once() {
    for act in [
        Act::Refuse(400, None),
        Act::Refuse(401, None),
        Act::Refuse(404, None),
        Act::Refuse(429, Some("60")),
        Act::Typed("text/html"),
        Act::Typed("application/json"),
        Act::Raw("data: <html>\n\n"),
        Act::Raw("data: {\"error\":{\"message\":\"overloaded\"}}\n\n"),
        Act::Raw("data: {\"choices\":7}\n\n"),
        Act::Raw("data: [DONE]\n\n"),
        Act::Say(String::new()),
        Act::Say(" \n".to_owned()),
        Act::Say("Only English.".to_owned()),
    ] {
        let (parts, asked, _) = play("conversation", vec![act.clone()]).await;
        assert!(!parts[0], "{act:?}");
        assert_eq!(asked, 1, "{act:?}");
    }
}

#[tokio::test]
async fn three_attempts_are_all() {
    let (parts, asked, stage) = play("conversation", vec![Act::Refuse(500, None); 9]).await;
    assert_eq!((parts, asked), ([false, true, true], 3));
    // Refusals cost nothing.
    stage.expect_used(1, 2 * PROMPT_TOKENS, 2 * COMPLETION_TOKENS).await;
}

#[tokio::test]
async fn an_analysis_or_vocabulary_that_is_not_as_asked_for_is_the_tutors() {
    let bad = |agent: &str, from: &str, to: &str| {
        let good = good(agent);
        assert!(good.contains(from), "{good}");
        Act::Say(good.replace(from, to))
    };
    for (agent, act) in [
        ("analysis", bad("analysis", "\"detectedLevel\":3", "\"detectedLevel\":4")),
        ("analysis", bad("analysis", "The meaning is clear.", "")),
        ("analysis", bad("analysis", "\"detectedLevel\":3", "\"detectedLevel\":\"3\"")),
        ("analysis", Act::Say("{\"detectedLevel\":1".to_owned())),
        ("vocabulary", bad("vocabulary", "\"difficulty\":2", "\"difficulty\":9")),
        ("vocabulary", bad("vocabulary", "jaju", "")),
        ("vocabulary", Act::Say("{\"words\":[]}".to_owned())),
        ("vocabulary", Act::Say("[]".to_owned())),
    ] {
        let (parts, asked, _) = play(agent, vec![act.clone()]).await;
        let expected = if agent == "analysis" { [true, false, true] } else { [true, true, false] };
        assert_eq!((parts, asked), (expected, 1), "{act:?}");
    }
}

#[tokio::test]
async fn the_deadline_holds_whatever_hangs() {
    for act in [Act::Silent, Act::Drip, Act::Stall("저도".to_owned())] {
        // The silence within an answer is allowed to be longer than the turn.
        let stage = Stage::with(&[("DORAN_CHAT_MODEL_IDLE_MS", "60000")]).await;
        stage.model.always(act.clone());
        let question = stage.question(TEXT, 1);
        let answer = stage.answer_within(&question, Duration::from_millis(700)).await;
        assert_eq!(answer, stage.responder.by_rules(&question), "{act:?}");
        assert_eq!(stage.model.seen().len(), 2, "there was no time for the vocabulary: {act:?}");
    }
}

#[tokio::test]
async fn a_deadline_that_has_passed_leaves_the_tutor() {
    let stage = Stage::new().await;
    let question = stage.question(TEXT, 1);
    assert_eq!(stage.answer_within(&question, Duration::ZERO).await, stage.responder.by_rules(&question));
    assert!(stage.model.seen().is_empty());
}

#[tokio::test]
async fn a_call_has_a_limit_of_its_own_too() {
    let stage = Stage::with(&[("DORAN_CHAT_MODEL_TIMEOUT_MS", "500")]).await;
    stage.model.next("conversation", [Act::Drip]);
    let question = stage.question(TEXT, 1);
    let answer = stage.answer_to(&question).await;
    assert_eq!(parts(&stage, &answer, &question), [false, true, true]);
}

#[tokio::test]
async fn an_answer_without_a_count_is_estimated() {
    let stage = Stage::new().await;
    stage.model.next("conversation", [Act::Uncounted(REPLY.to_owned())]);
    assert_eq!(stage.answer().await.reply, REPLY);
    let (_, prompt, completion) = testkit::eventually(super::stage::LIMIT, || async {
        let used = stage.used().await;
        (used.1 > 2 * PROMPT_TOKENS).then_some(used)
    })
    .await;
    assert!((300..2000).contains(&(prompt - 2 * PROMPT_TOKENS)), "{prompt}");
    // 16 syllables, 3 spaces, 2 marks.
    assert!((15..25).contains(&(completion - 2 * COMPLETION_TOKENS)), "{completion}");
}

#[tokio::test]
async fn a_complete_answer_is_taken_whatever_its_count_and_what_follows_it() {
    for behind in [
        "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":100}}\n\n",
        "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":100,\"completion_tokens\":null}}\n\n",
        "data: {\"error\":{\"message\":\"overloaded\"}}\n\n",
        "data: <html>\n\n",
    ] {
        let act = Act::SayThen(REPLY.to_owned(), behind);
        let (parts, asked, stage) = play("conversation", vec![act]).await;
        assert_eq!((parts, asked), ([true, true, true], 1), "{behind}");
        testkit::eventually(super::stage::LIMIT, || async {
            let (_, prompt, completion) = stage.used().await;
            let counted = prompt == 3 * PROMPT_TOKENS || !behind.contains("usage");
            counted && completion >= 2 * COMPLETION_TOKENS + 15
        })
        .await;
    }
}

#[tokio::test]
async fn a_turn_that_is_given_up_is_paid_for_too() {
    let stage = Stage::new().await;
    stage.model.next("conversation", [Act::Stall("저도 떡볶이".to_owned())]);
    stage.model.next("analysis", [Act::Silent]);
    let question = stage.question(TEXT, 1);
    let both = testkit::eventually(super::stage::LIMIT, || async { stage.model.seen().len() == 2 });
    tokio::select! {
        _ = stage.answer_to(&question) => panic!("it takes longer than that"),
        () = both => {}
    }
    testkit::eventually(super::stage::LIMIT, || async { stage.used().await.1 > 300 }).await;
}
