//! What a model is asked.

use serde::Serialize;

use super::tokens;

/// Who says a part of the prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    System,
    User,
    Assistant,
}

/// One part of what is said to the model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Prompt {
    pub role: Role,
    pub content: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Text,
    Json,
}

/// One question to the model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Who asks, for the metrics.
    pub label: &'static str,
    pub prompts: Vec<Prompt>,
    pub format: Format,
    /// A longer answer is not waited for.
    pub max_bytes: usize,
}

impl Request {
    /// By our estimate, for when the endpoint does not say.
    pub(super) fn tokens(&self) -> u64 {
        self.prompts.iter().map(|prompt| tokens::estimate(&prompt.content) + tokens::PER_MESSAGE).sum()
    }
}

/// The body of `POST /chat/completions`.
#[derive(Serialize)]
pub(super) struct Body<'a> {
    model: &'a str,
    messages: &'a [Prompt],
    stream: bool,
    stream_options: StreamOptions,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_format: Option<ResponseFormat>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u32>,
}

#[derive(Serialize)]
struct StreamOptions {
    include_usage: bool,
}

#[derive(Serialize)]
struct ResponseFormat {
    r#type: &'static str,
}

impl<'a> Body<'a> {
    pub(super) fn new(model: &'a str, max_tokens: u32, request: &'a Request) -> Self {
        Self {
            model,
            messages: &request.prompts,
            stream: true,
            stream_options: StreamOptions { include_usage: true },
            response_format: match request.format {
                Format::Text => None,
                Format::Json => Some(ResponseFormat { r#type: "json_object" }),
            },
            max_tokens: Some(max_tokens).filter(|tokens| *tokens > 0),
        }
    }
}
