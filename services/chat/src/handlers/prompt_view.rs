//! Versions of prompts as administrators send and see them.

use chrono::{DateTime, Utc};
use contract::chat::Agent;
use contract::id::UserId;
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::domain::prompt::{Directives, LONGEST_NOTE, LONGEST_PROMPT, text};
use crate::repository::prompt_version::{Listed, New, Row};

/// One version of a prompt.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PromptView {
    pub(super) agent: Agent,
    pub(super) version: i32,
    pub(super) system_prompt: String,
    pub(super) directives: Directives,
    #[schema(required)]
    pub(super) note: Option<String>,
    /// The administrator; null for what the system came with.
    #[schema(required)]
    pub(super) created_by: Option<UserId>,
    #[serde(with = "contract::time::micros")]
    pub(super) created_at: DateTime<Utc>,
    pub(super) in_use: bool,
}

/// The versions of an agent's prompt, newest first.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PromptList {
    pub(super) agent: Agent,
    /// Null: the built-in prompt.
    #[schema(required)]
    pub(super) in_use: Option<i32>,
    pub(super) content: Vec<PromptItem>,
    /// For `before`; null at the end.
    #[schema(required)]
    pub(super) next: Option<i32>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PromptItem {
    pub(super) version: i32,
    /// Of the system prompt, in characters.
    pub(super) length: i32,
    #[schema(required)]
    pub(super) note: Option<String>,
    #[schema(required)]
    pub(super) created_by: Option<UserId>,
    #[serde(with = "contract::time::micros")]
    pub(super) created_at: DateTime<Utc>,
    pub(super) in_use: bool,
}

#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Paging {
    /// Only versions below this one.
    #[garde(skip)]
    pub(super) before: Option<i32>,
    #[serde(default = "default_limit")]
    #[garde(range(min = 1, max = 100))]
    pub(super) limit: i64,
}

const fn default_limit() -> i64 {
    20
}

/// What a bot is told from now on.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PromptRequest {
    /// 1 to 20000 characters.
    #[garde(custom(|prompt: &str, (): &()| text(prompt, LONGEST_PROMPT)))]
    #[schema(max_length = 20_000)]
    pub(super) system_prompt: String,
    /// By level, up to 20 of up to 500 characters each.
    #[serde(default)]
    #[garde(dive)]
    pub(super) directives: Directives,
    /// Why, for other administrators.
    #[garde(length(chars, max = LONGEST_NOTE))]
    #[schema(max_length = 500)]
    pub(super) note: Option<String>,
    /// False only stores the version.
    #[serde(default = "yes")]
    #[garde(skip)]
    pub(super) activate: bool,
}

const fn yes() -> bool {
    true
}

#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ActiveRequest {
    /// A version that is there; null for the built-in prompt.
    #[garde(skip)]
    #[schema(required)]
    #[serde(deserialize_with = "Option::deserialize")]
    pub(super) version: Option<i32>,
}

impl PromptRequest {
    /// A request that is repeated because its answer got lost must not make another version.
    pub(super) fn says_the_same(&self, row: &Row, by: UserId) -> bool {
        row.system_prompt == self.system_prompt
            && row.directives.0 == self.directives
            && row.note == self.note
            && row.created_by == Some(by)
    }

    pub(super) fn new_version(&self, by: UserId) -> New<'_> {
        New {
            system_prompt: &self.system_prompt,
            directives: &self.directives,
            note: self.note.as_deref(),
            by,
        }
    }
}

impl PromptView {
    pub(super) fn of(agent: Agent, row: Row) -> Self {
        Self {
            agent,
            version: row.version,
            system_prompt: row.system_prompt,
            directives: row.directives.0,
            note: row.note,
            created_by: row.created_by,
            created_at: row.created_at,
            in_use: row.in_use,
        }
    }
}

impl From<Listed> for PromptItem {
    fn from(row: Listed) -> Self {
        Self {
            version: row.version,
            length: row.length,
            note: row.note,
            created_by: row.created_by,
            created_at: row.created_at,
            in_use: row.in_use,
        }
    }
}
