//! What a stream brings for a turn, and what it must be.

use serde_json::{Value, json};

use super::learner::number;
use super::stream::{Stream, keys};

/// The three events of a turn.
#[derive(Debug)]
pub(super) struct Turn {
    intimacy: Value,
    vocabulary: Value,
    complete: Value,
}

impl Turn {
    /// The next three events of the stream, in the order that the web client relies on.
    pub(super) async fn read(stream: &mut Stream) -> Self {
        let intimacy = stream.expect("intimacy_analysis").await;
        let vocabulary = stream.expect("vocabulary_extracted").await;
        let complete = stream.expect("conversation_complete").await;
        for event in [&intimacy, &vocabulary, &complete] {
            assert_eq!(event.id, None, "a cut between the three must bring all of them again");
        }
        check_intimacy(&intimacy.data);
        check_vocabulary(&vocabulary.data);
        assert_eq!(keys(&complete.data), ["content", "messageId"]);
        Self { intimacy: intimacy.data, vocabulary: vocabulary.data, complete: complete.data }
    }

    /// What is seen live and what a reload shows are the same.
    #[track_caller]
    pub(super) fn assert_answers(&self, said: &Value, reply: &Value) {
        assert_eq!(number(reply), number(said) + 1, "the answer stands directly behind the message");
        assert_eq!(reply["senderType"], "bot");
        assert_eq!(self.complete, json!({ "messageId": reply["id"], "content": reply["content"] }));
        let metadata = json!({
            "userMessageAnalysis": { "userMessageId": said["id"], "intimacy": self.intimacy },
            "botResponseAnalysis": { "vocabulary": self.vocabulary },
        });
        assert_eq!(reply["metadata"], metadata);
    }
}

/// The message of the stream's next event, which alone has an id.
pub(super) async fn message(stream: &mut Stream) -> Value {
    let created = stream.expect("message_created").await;
    assert_eq!(created.id, Some(number(&created.data).to_string()));
    check_message(&created.data);
    created.data
}

/// Everything that a stream brings for a message and its answer; the answer.
pub(super) async fn whole(stream: &mut Stream, said: &Value) -> Value {
    assert_eq!(message(stream).await, *said);
    let turn = Turn::read(stream).await;
    let reply = message(stream).await;
    turn.assert_answers(said, &reply);
    reply
}

pub(super) fn check_message(message: &Value) {
    let all = [
        "chatroomId",
        "content",
        "contentType",
        "createdAt",
        "id",
        "isDeleted",
        "isEdited",
        "metadata",
        "senderId",
        "senderType",
        "sequenceNumber",
    ];
    assert_eq!(keys(message), all);
    let at = message["createdAt"].as_str().expect("a time");
    assert!(at.len() == "2026-01-01T00:00:00.000000Z".len() && at.ends_with('Z'), "{at}");
}

fn check_intimacy(intimacy: &Value) {
    assert_eq!(keys(intimacy), ["correctedSentence", "corrections", "detectedLevel", "feedback"]);
    assert_eq!(keys(&intimacy["feedback"]), ["en", "ko"]);
    assert!(matches!(intimacy["detectedLevel"].as_i64(), Some(1..=3)), "{intimacy}");
    let says = |text: &Value| !text.as_str().unwrap_or_else(|| panic!("{text} in {intimacy}")).is_empty();
    let corrected = [&intimacy["correctedSentence"], &intimacy["corrections"]].map(says);
    let feedback = [&intimacy["feedback"]["ko"], &intimacy["feedback"]["en"]].map(says);
    assert!(corrected == [false, false] || (corrected, feedback) == ([true; 2], [true; 2]), "{intimacy}");
}

fn check_vocabulary(vocabulary: &Value) {
    assert_eq!(keys(vocabulary), ["words"]);
    for word in vocabulary["words"].as_array().expect("words") {
        assert_eq!(keys(word), ["context", "difficulty", "word"]);
        assert_eq!(keys(&word["context"]), ["en", "ko", "roma"]);
        assert!(word["difficulty"].is_u64(), "{word}");
        for text in [&word["context"]["en"], &word["context"]["ko"], &word["context"]["roma"]] {
            assert!(text.as_str().is_some_and(|text| !text.is_empty()), "{word}");
        }
    }
}
