//! What others have written, as it is shown to a model: marked as data, so that it is not taken for instructions.
//! Pure.

use uuid::Uuid;

/// Whose words they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Learner,
    Tutor,
    /// Both, one after the other.
    Transcript,
    Notes,
}

impl Kind {
    const ALL: [Self; 4] = [Self::Learner, Self::Tutor, Self::Transcript, Self::Notes];

    const fn tag(self) -> &'static str {
        match self {
            Self::Learner => "learner_message",
            Self::Tutor => "tutor_message",
            Self::Transcript => "transcript",
            Self::Notes => "notes",
        }
    }
}

/// Names the marks of one call. Nobody who wrote before it was drawn can write its marks.
#[derive(Debug, Clone)]
pub(super) struct Nonce(String);

impl Nonce {
    pub(super) fn fresh() -> Self {
        // 64 of the 122 random bits of a UUID.
        Self(Uuid::new_v4().simple().to_string().split_off(16))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// The text between its marks.
    pub(super) fn mark(&self, kind: Kind, text: &str) -> String {
        let (tag, nonce, text) = (kind.tag(), self.as_str(), neutral(text));
        format!("<{tag}_{nonce}>\n{text}\n</{tag}_{nonce}>")
    }
}

/// The same words, which can neither look like a mark of ours or of a chat template, nor hide anything.
pub(super) fn neutral(text: &str) -> String {
    let mut neutral = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        match c {
            '<' | '＜' if is_mark(&text[at + c.len_utf8()..]) => neutral.push('‹'),
            '[' | '［' if is_bracketed(&text[at + c.len_utf8()..]) => neutral.push('‹'),
            c if is_hidden(c) => {}
            c => neutral.push(c),
        }
    }
    neutral
}

/// Whether what follows a `<` makes a mark of it.
fn is_mark(rest: &str) -> bool {
    let rest =
        rest.trim_start_matches(|c: char| c.is_whitespace() || is_hidden(c) || matches!(c, '/' | '／'));
    // `<|im_end|>` and its kind; some servers read them in the middle of a text.
    if rest.starts_with(['|', '｜']) {
        return true;
    }
    let word: String =
        rest.chars().filter(|c| !is_hidden(*c)).take(20).collect::<String>().to_ascii_lowercase();
    let marks = Kind::ALL.iter().map(|kind| kind.tag());
    marks
        .chain([
            "system",
            "assistant",
            "user",
            "s>",
            "sys>",
            "<sys",
            "</sys",
            "start_of_turn",
            "end_of_turn",
            "bos>",
            "eos>",
        ])
        .any(|mark| word.starts_with(mark))
}

/// Whether what follows a `[` makes a mark of a chat template of it, e.g. `[/INST]`.
fn is_bracketed(rest: &str) -> bool {
    let word: String = rest
        .chars()
        .filter(|c| !is_hidden(*c) && !c.is_whitespace() && !matches!(c, '/' | '／'))
        .take(20)
        .map(|c| if c == '］' { ']' } else { c.to_ascii_lowercase() })
        .collect();
    ["inst]", "sys]", "system_prompt]", "available_tools]", "tool_calls]", "tool_results]", "tool_content]"]
        .iter()
        .any(|mark| word.starts_with(mark))
}

/// Control characters other than line feeds and tabs, and the tags of Unicode, which are letters that nobody sees.
fn is_hidden(c: char) -> bool {
    (c.is_control() && !matches!(c, '\n' | '\t'))
        || matches!(c, '\u{e0000}'..='\u{e007f}' | '\u{200b}' | '\u{2060}'..='\u{2064}' | '\u{feff}')
        // Turns the reading direction.
        || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// What a model wrote, without what a database or a reader would choke on.
pub(super) fn clean(text: &str) -> String {
    text.chars().filter(|c| !is_hidden(*c)).collect::<String>().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ordinary_text_stays_as_it_is() {
        for text in [
            "안녕하세요! <3",
            "1 < 2 && 3 > 2",
            "저는 <책>을 읽어요.\n\t네.",
            "a|b",
            "😀👨‍👩‍👧",
            "[Instagram] [1] [책]",
            "<<책>>",
            "[sys admin]",
        ] {
            assert_eq!(neutral(text), text);
        }
    }

    #[test]
    fn what_looks_like_a_mark_is_none_any_more() {
        for text in [
            "</learner_message>",
            "</learner_message_0123456789abcdef>",
            "< / Learner_Message >",
            "<\u{200b}/learner\u{200b}_message>",
            "＜/learner_message＞",
            "<|im_start|>system",
            "<｜end｜>",
            "<system>",
            "</notes>",
            "<<SYS>>",
            "<</SYS>>",
            "[INST]",
            "[/INST]",
            "[ / inst ]",
            "[\u{200b}I\u{200b}NST]",
            "［INST］",
            "[SYSTEM_PROMPT]",
            "[TOOL_CALLS]",
        ] {
            assert!(!neutral(text).starts_with(['<', '＜', '[', '［']), "{text}");
        }
        assert_eq!(neutral("<<SYS>> a <</SYS>>"), "‹‹SYS>> a ‹‹/SYS>>");
    }

    #[test]
    fn what_nobody_sees_is_not_shown_to_the_model_either() {
        assert_eq!(neutral("a\u{0}b\u{e0041}c\u{202e}d\u{1b}e\r\nf"), "abcde\nf");
        assert_eq!(clean(" \u{0}네.\u{7} "), "네.");
    }

    #[test]
    fn every_call_has_marks_of_its_own() {
        let (one, other) = (Nonce::fresh(), Nonce::fresh());
        assert_eq!(one.as_str().len(), 16);
        assert_ne!(one.as_str(), other.as_str());
    }

    proptest! {
        #[test]
        fn nothing_gets_out_of_its_marks(text: String, spaces in "[ \n\t/]{0,4}") {
            let nonce = Nonce::fresh();
            let close = format!("</learner_message_{}>", nonce.as_str());
            let marked = nonce.mark(Kind::Learner, &format!("{text}{close}<{spaces}learner_message>{text}"));
            prop_assert_eq!(marked.matches(&close).count(), 1);
            prop_assert!(marked.ends_with(&close));
        }
    }
}
