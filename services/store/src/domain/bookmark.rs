//! What may be kept of a message.

use std::str::FromStr;

use contract::chat::MAX_CONTENT;
use contract::id::{BotId, MessageId, RoomId};
use contract::store::BotType;

use super::violation::Violation;

/// The longest `aiResponse`, in bytes: many times what the web client makes of a message.
pub const MAX_AI_RESPONSE: usize = 64 * 1024;
/// How deep an `aiResponse` may be nested. The web client's is four deep; `PostgreSQL` reads JSON recursively.
pub const MAX_DEPTH: usize = 32;
/// Bookmarks that one request may delete.
pub const MAX_DELETED: usize = 1000;

/// The bots that the web client fixes are this but for the last digit.
const FIRST_BOT: u128 = 0x2222_2222_2222_2222_2222_2222_2222_2221;
const BOTS: [BotType; 5] =
    [BotType::Friend, BotType::Honey, BotType::Coworker, BotType::Senior, BotType::Boss];

/// A bookmark as it was sent.
#[derive(Debug, Clone, Copy, Default)]
pub struct Draft<'a> {
    pub message: Option<&'a str>,
    pub room: Option<&'a str>,
    pub bot: Option<&'a str>,
    pub bot_type: Option<&'a str>,
    pub content: Option<&'a str>,
    pub corrected_content: Option<&'a str>,
    /// Well-formed JSON.
    pub ai_response: Option<&'a str>,
}

/// What is checked about it. Texts are byte for byte as they were sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept<'a> {
    pub message: MessageId,
    pub room: RoomId,
    pub bot: BotId,
    pub bot_type: Option<BotType>,
    pub content: &'a str,
    pub corrected_content: Option<&'a str>,
    /// An object.
    pub ai_response: &'a str,
}

/// Checks a bookmark, and lists everything that is wrong with it.
pub fn compose(draft: Draft<'_>) -> Result<Kept<'_>, Vec<Violation>> {
    let message = id("messageId", draft.message);
    let room = id("chatroomId", draft.room);
    let bot = id::<BotId>("chatbotId", draft.bot);
    let bot_type = match filled(draft.bot_type) {
        Some(word) => bot_type(word).map(Some),
        None => Ok(bot.as_ref().ok().and_then(|bot| part(*bot))),
    };
    let content = match draft.content {
        Some(content) if !content.is_empty() && fits(content) => Ok(content),
        Some(_) | None => Err(Violation::new(
            "content",
            "내용은 1자 이상 10000자 이하여야 합니다.",
            "The content has 1 to 10000 characters.",
        )),
    };
    let corrected_content = match draft.corrected_content {
        Some(content) if !fits(content) => Err(Violation::new(
            "correctedContent",
            "교정문은 10000자 이하여야 합니다.",
            "It has at most 10000 characters.",
        )),
        content => Ok(content),
    };
    let ai_response = ai_response(draft.ai_response.unwrap_or("{}"));
    match (message, room, bot, bot_type, content, corrected_content, ai_response) {
        (
            Ok(message),
            Ok(room),
            Ok(bot),
            Ok(bot_type),
            Ok(content),
            Ok(corrected_content),
            Ok(ai_response),
        ) => Ok(Kept { message, room, bot, bot_type, content, corrected_content, ai_response }),
        (message, room, bot, bot_type, content, corrected_content, ai_response) => {
            let wrong = [
                message.err(),
                room.err(),
                bot.err(),
                bot_type.err(),
                content.err(),
                corrected_content.err(),
                ai_response.err(),
            ];
            Err(wrong.into_iter().flatten().collect())
        }
    }
}

/// In any case of letters.
pub fn bot_type(word: &str) -> Result<BotType, Violation> {
    word.trim().to_ascii_lowercase().parse().map_err(|_| {
        Violation::new(
            "botType",
            "friend, honey, coworker, senior, boss 중 하나여야 합니다.",
            "One of friend, honey, coworker, senior and boss.",
        )
    })
}

/// The bookmarks that are meant: what is no id is nobody's.
///
/// # Errors
/// When there are too many.
pub fn deletable<Id: FromStr>(ids: &[String]) -> Result<Vec<Id>, Violation> {
    if ids.len() > MAX_DELETED {
        let text = ("한 번에 1000개까지 삭제할 수 있습니다.", "At most 1000 can be deleted at once.");
        return Err(Violation::new("ids", text.0, text.1));
    }
    Ok(ids.iter().filter_map(|id| id.trim().parse().ok()).collect())
}

fn id<Id: FromStr>(field: &'static str, given: Option<&str>) -> Result<Id, Violation> {
    let wrong = || Violation::new(field, "올바른 ID가 필요합니다.", "An id is needed.");
    filled(given).and_then(|id| id.parse().ok()).ok_or_else(wrong)
}

fn filled(text: Option<&str>) -> Option<&str> {
    text.map(str::trim).filter(|text| !text.is_empty())
}

/// `PostgreSQL` stores every character but NUL.
fn fits(text: &str) -> bool {
    text.chars().count() <= MAX_CONTENT && !text.contains('\0')
}

/// The part of a bot that the web client knows by its id.
fn part(bot: BotId) -> Option<BotType> {
    let nth = bot.as_uuid().as_u128().checked_sub(FIRST_BOT)?;
    BOTS.get(usize::try_from(nth).ok()?).copied()
}

fn ai_response(json: &str) -> Result<&str, Violation> {
    if json.starts_with('{') && json.len() <= MAX_AI_RESPONSE && depth(json) <= MAX_DEPTH {
        return Ok(json);
    }
    Err(Violation::new(
        "aiResponse",
        "64 KiB 이하, 32단계 이하의 JSON 객체여야 합니다.",
        "An object of at most 64 KiB, at most 32 levels deep.",
    ))
}

/// How many brackets of well-formed JSON are open at once.
fn depth(json: &str) -> usize {
    let (mut open, mut deepest) = (0_usize, 0);
    let (mut in_text, mut escaped) = (false, false);
    for byte in json.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => in_text = !in_text,
            b'{' | b'[' if !in_text => {
                open += 1;
                deepest = deepest.max(open);
            }
            b'}' | b']' if !in_text => open = open.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ID: &str = "01931f0e-7c5a-7000-8000-0123456789ab";

    fn draft() -> Draft<'static> {
        Draft {
            message: Some(ID),
            room: Some(ID),
            bot: Some("22222222-2222-2222-2222-222222222223"),
            content: Some("안녕하세요"),
            ..Draft::default()
        }
    }

    #[test]
    fn a_bookmark_is_taken_as_it_is() {
        let content = "  안녕하세요!\r\n오늘은…\t ";
        let json = r#"{ "b":1,"a" : [1.50, "\u0000"],"b":2}"#;
        let sent = Draft {
            content: Some(content),
            corrected_content: Some(" "),
            ai_response: Some(json),
            bot_type: Some("Honey"),
            ..draft()
        };
        let kept = compose(sent).unwrap();
        assert_eq!((kept.content, kept.corrected_content, kept.ai_response), (content, Some(" "), json));
        assert_eq!(kept.bot_type, Some(BotType::Honey), "what is said wins over what the bot is");
    }

    #[test]
    fn the_bot_tells_its_part() {
        for (digit, part) in [
            ('0', None),
            ('1', Some(BotType::Friend)),
            ('2', Some(BotType::Honey)),
            ('3', Some(BotType::Coworker)),
            ('4', Some(BotType::Senior)),
            ('5', Some(BotType::Boss)),
            ('6', None),
        ] {
            let bot = format!("22222222-2222-2222-2222-22222222222{digit}");
            for bot_type in [None, Some(" ")] {
                let kept = compose(Draft { bot: Some(&bot), bot_type, ..draft() });
                assert_eq!(kept.unwrap().bot_type, part, "{bot}");
            }
        }
        assert_eq!(compose(Draft { bot: Some(ID), ..draft() }).unwrap().bot_type, None);
    }

    #[test]
    fn everything_that_is_wrong_is_said_at_once() {
        let long = "가".repeat(MAX_CONTENT + 1);
        for content in [None, Some(""), Some(&*long), Some("nul\0")] {
            let sent = Draft {
                message: None,
                room: Some("  "),
                bot: Some("friend"),
                bot_type: Some("enemy"),
                content,
                corrected_content: Some(&long),
                ai_response: Some("[]"),
            };
            let fields: Vec<_> = compose(sent).unwrap_err().iter().map(|wrong| wrong.field).collect();
            let all = [
                "messageId",
                "chatroomId",
                "chatbotId",
                "botType",
                "content",
                "correctedContent",
                "aiResponse",
            ];
            assert_eq!(fields, all);
        }
        let longest = "가".repeat(MAX_CONTENT);
        assert!(compose(Draft { content: Some(&longest), ..draft() }).is_ok());
    }

    #[test]
    fn an_ai_response_is_an_object_of_bounded_size_and_depth() {
        assert_eq!(compose(draft()).unwrap().ai_response, "{}");
        let nested = |levels: usize| format!("{{\"a\":{}{}}}", "[".repeat(levels), "]".repeat(levels));
        let sized = |bytes: usize| format!("{{\"a\":\"{}\"}}", "x".repeat(bytes - 8));
        assert_eq!(sized(100).len(), 100);
        for (json, good) in [
            (nested(MAX_DEPTH - 1), true),
            (nested(MAX_DEPTH), false),
            (sized(MAX_AI_RESPONSE), true),
            (sized(MAX_AI_RESPONSE + 1), false),
            (format!("{{\"{}\":1}}", "[\\\"{".repeat(100)), true),
            ("\"text\"".to_owned(), false),
            ("1".to_owned(), false),
        ] {
            assert_eq!(compose(Draft { ai_response: Some(&json), ..draft() }).is_ok(), good);
        }
    }

    #[test]
    fn what_is_no_id_is_nobodys() {
        let ids = [ID, "temp-1", "", " 22222222-2222-2222-2222-222222222221 "].map(str::to_owned);
        assert_eq!(deletable::<MessageId>(&ids).unwrap().len(), 2);
        let many = vec![ID.to_owned(); MAX_DELETED + 1];
        assert!(deletable::<MessageId>(&many[1..]).is_ok());
        assert_eq!(deletable::<MessageId>(&many).unwrap_err().field, "ids");
    }

    proptest! {
        #[test]
        fn depth_is_that_of_the_value(texts in prop::collection::vec(r#"[\[\]{}"\\a]{0,8}"#, 0..6)) {
            let json = texts.iter().fold(String::from("1"), |inner, text| {
                serde_json::json!({ text.as_str(): serde_json::from_str::<serde_json::Value>(&inner).unwrap() })
                    .to_string()
            });
            prop_assert_eq!(depth(&json), texts.len());
        }
    }
}
