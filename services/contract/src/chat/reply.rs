//! What a tutor makes of a learner's message and of its own.

use serde::{Deserialize, Serialize};

use crate::id::MessageId;

/// The tutor's view of the learner's politeness. Either all four texts say something, or `correctedSentence` and
/// `corrections` are empty: what is shown live and after a reload must look the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Intimacy {
    /// 1 formal, 2 soft polite, 3 casual.
    pub detected_level: i16,
    /// The message as it should have been; empty when nothing is to be corrected.
    pub corrected_sentence: String,
    pub feedback: Feedback,
    /// What was corrected and why; empty when nothing was.
    pub corrections: String,
}

/// A comment in both languages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Feedback {
    pub ko: String,
    pub en: String,
}

/// Words worth learning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Vocabulary {
    pub words: Vec<Word>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Word {
    pub word: String,
    /// 1 (first week) to 5 (rare).
    pub difficulty: u8,
    pub context: WordContext,
}

/// None of the three is empty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct WordContext {
    /// The word in the Revised Romanization.
    pub roma: String,
    /// A Korean sentence or explanation.
    pub ko: String,
    /// The meaning in English.
    pub en: String,
}

/// `metadata` of a bot's reply.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReplyMetadata {
    pub user_message_analysis: UserMessageAnalysis,
    pub bot_response_analysis: BotResponseAnalysis,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UserMessageAnalysis {
    pub user_message_id: MessageId,
    pub intimacy: Intimacy,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct BotResponseAnalysis {
    pub vocabulary: Vocabulary,
}
