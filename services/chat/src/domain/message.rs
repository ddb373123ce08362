//! What a learner may say.

use contract::chat::{ContentType, MAX_CONTENT, SenderType};

use super::room::{Violation, is_storable};

/// The longest `clientMessageId`, in characters.
pub const MAX_CLIENT_ID: usize = 100;

/// A message as it was sent; absent fields are what the web client leaves out.
#[derive(Debug, Clone, Copy, Default)]
pub struct Draft<'a> {
    pub content: &'a str,
    pub content_type: Option<ContentType>,
    pub sender_type: Option<SenderType>,
    pub client_message_id: Option<&'a str>,
}

/// What is checked about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Composed {
    pub content: String,
    pub content_type: ContentType,
    pub client_message_id: Option<String>,
}

/// Checks a message, and lists everything that is wrong with it.
pub fn compose(draft: Draft<'_>) -> Result<Composed, Vec<Violation>> {
    let mut wrong = Vec::new();
    if !(1..=MAX_CONTENT).contains(&draft.content.chars().count()) || !is_storable(draft.content) {
        wrong.push(Violation::new(
            "content",
            "내용은 1자 이상 10000자 이하여야 합니다.",
            "A message has 1 to 10000 characters.",
        ));
    }
    if draft.sender_type.is_some_and(|sender| sender != SenderType::User) {
        wrong.push(Violation::new(
            "senderType",
            "user 메시지만 보낼 수 있습니다.",
            "Only messages of the user can be sent.",
        ));
    }
    if draft.content_type == Some(ContentType::System) {
        wrong.push(Violation::new(
            "contentType",
            "text, code, json 중 하나여야 합니다.",
            "One of text, code and json.",
        ));
    }
    let id = draft.client_message_id.map(str::trim).filter(|id| !id.is_empty());
    if id.is_some_and(|id| id.chars().count() > MAX_CLIENT_ID || !is_storable(id)) {
        wrong.push(Violation::new(
            "clientMessageId",
            "100자 이하여야 합니다.",
            "It has at most 100 characters.",
        ));
    }
    if !wrong.is_empty() {
        return Err(wrong);
    }
    Ok(Composed {
        content: draft.content.to_owned(),
        content_type: draft.content_type.unwrap_or(ContentType::Text),
        client_message_id: id.map(str::to_owned),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_taken_as_it_is() {
        let content = "  안녕하세요!\n오늘은…  ";
        let composed = compose(Draft { content, client_message_id: Some(" "), ..Draft::default() }).unwrap();
        assert_eq!(composed.content, content);
        assert_eq!(composed.content_type, ContentType::Text);
        assert_eq!(composed.client_message_id, None, "a blank id is none");
    }

    #[test]
    fn everything_that_is_wrong_is_said_at_once() {
        let long = "가".repeat(MAX_CONTENT + 1);
        let id = "x".repeat(MAX_CLIENT_ID + 1);
        for content in ["", &long, "nul\0"] {
            let draft = Draft {
                content,
                content_type: Some(ContentType::System),
                sender_type: Some(SenderType::Bot),
                client_message_id: Some(&id),
            };
            let fields: Vec<_> = compose(draft).unwrap_err().iter().map(|wrong| wrong.field).collect();
            assert_eq!(fields, ["content", "senderType", "contentType", "clientMessageId"]);
        }
        let longest = "가".repeat(MAX_CONTENT);
        assert!(compose(Draft { content: &longest, ..Draft::default() }).is_ok());
    }
}
