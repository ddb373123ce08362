//! From an answer to the stored reply.

use std::sync::Arc;

use contract::chat::{
    BotResponseAnalysis, Feedback, Intimacy, Level, ReplyMetadata, UserMessageAnalysis, Vocabulary, Word,
    WordContext,
};
use serde_json::value::to_raw_value;

use super::Inner;
use crate::error::Error;
use crate::live::Signal;
use crate::repository::turn::{self, NewReply, Open};
use crate::responder::{Answer, Question};

/// What the responder is asked.
pub(super) fn question(turn: &Open) -> Question {
    Question {
        room: turn.room,
        user: turn.user,
        bot: turn.bot.clone(),
        level: turn.level,
        text: turn.text.clone(),
        seq: turn.seq,
        attempt: turn.attempt,
    }
}

/// Ends the turn with what needs nobody else.
pub(super) async fn end_by_rules(inner: &Inner, turn: &Open) -> Result<(), Error> {
    end(inner, turn, inner.responder.by_rules(&question(turn))).await
}

/// What is said when nobody has an answer that can be stored. Judges nothing.
pub(super) fn excuse(level: Level) -> Answer {
    let (reply, ko) = match level {
        Level::Formal => (
            "지금은 대답하기 어렵습니다. 다른 말로 다시 말씀해 주시겠습니까?",
            "이 문장은 살펴보지 못했습니다.",
        ),
        Level::Polite => {
            ("지금은 대답하기 어려워요. 다른 말로 다시 말해 줄래요?", "이 문장은 살펴보지 못했어요.")
        }
        Level::Casual => ("지금은 대답하기 어려워. 다른 말로 다시 말해 줄래?", "이 문장은 살펴보지 못했어."),
    };
    let feedback = Feedback { ko: ko.to_owned(), en: "This sentence could not be looked at.".to_owned() };
    let context =
        WordContext {
            roma: "dasi".to_owned(), ko: "다시 말해 줄래요?".to_owned(), en: "again".to_owned()
        };
    Answer {
        intimacy: Intimacy {
            detected_level: level.number(),
            corrected_sentence: String::new(),
            feedback,
            corrections: String::new(),
        },
        words: vec![Word { word: "다시".to_owned(), difficulty: 1, context }],
        reply: reply.to_owned(),
    }
}

/// Stores the answer and hands it to the streams, unless the turn has ended already.
pub(super) async fn end(inner: &Inner, turn: &Open, answer: Answer) -> Result<(), Error> {
    let Answer { intimacy, words, reply } = answer;
    let feedback = to_raw_value(&intimacy.feedback).map_err(Error::encoding)?;
    let (corrected, detected_level) = (!intimacy.corrections.is_empty(), intimacy.detected_level);
    let metadata = ReplyMetadata {
        user_message_analysis: UserMessageAnalysis { user_message_id: turn.message, intimacy },
        bot_response_analysis: BotResponseAnalysis { vocabulary: Vocabulary { words } },
    };
    let metadata = to_raw_value(&metadata).map_err(Error::encoding)?;
    let new = NewReply {
        id: chassis::fresh_id(),
        content: &reply,
        metadata: &metadata,
        corrected,
        feedback: &feedback,
        detected_level,
    };
    let mut db = inner.db.acquire().await?;
    let stored = turn::finish(&mut db, turn, &new).await?;
    drop(db);
    if let Some(message) = stored {
        inner.live.tell(turn.room, Signal::Typing { sender: turn.bot.id.as_uuid(), typing: false });
        inner.live.stored(turn.room, &[Arc::new(message)]);
    }
    inner.ended.notify_waiters();
    Ok(())
}
