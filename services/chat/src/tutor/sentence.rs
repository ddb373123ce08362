//! Cuts a text into sentences and words, by their place in it.

use std::ops::Range;

use super::hangul::{is_lone_letter, is_syllable};

/// What ends a sentence. Of several marks in a row the last of these counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stop {
    Comma,
    Full,
    Question,
}

/// Words that belong together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sentence {
    pub(super) words: Vec<Range<usize>>,
    pub(super) stop: Stop,
}

/// The sentences of `text` that have a syllable of Korean.
pub(super) fn sentences(text: &str) -> Vec<Sentence> {
    let mut found = Vec::new();
    let mut from = 0;
    let mut chars = text.char_indices().peekable();
    let mut before = ' ';
    while let Some((at, c)) = chars.next() {
        let after = chars.peek().map_or(' ', |&(_, next)| next);
        let decimal = before.is_ascii_digit() && after.is_ascii_digit() && matches!(c, '.' | ',' | '~' | ':');
        before = c;
        if belongs(c) || decimal {
            continue;
        }
        let mut stop = stop_of(c);
        let mut to = at + c.len_utf8();
        while let Some((next, c)) = chars.next_if(|&(_, c)| c.is_whitespace() || !belongs(c)) {
            stop = stop.max(stop_of(c));
            to = next + c.len_utf8();
        }
        push(&mut found, text, from..at, stop);
        from = to;
    }
    push(&mut found, text, from..text.len(), Some(Stop::Full));
    found
}

fn stop_of(c: char) -> Option<Stop> {
    match c {
        '?' | '？' => Some(Stop::Question),
        ',' | '，' | '、' | ':' => Some(Stop::Comma),
        _ if c.is_whitespace() && c != '\n' => None,
        _ => Some(Stop::Full),
    }
}

/// Whether `c` can stand inside a sentence.
fn belongs(c: char) -> bool {
    is_syllable(c)
        || c.is_alphanumeric() && !is_lone_letter(c)
        || c.is_whitespace() && c != '\n'
        || matches!(c, '-' | '/' | '%' | '&' | '+' | '#' | '@' | '·')
        || is_bracket(c)
}

const fn is_bracket(c: char) -> bool {
    matches!(
        c,
        '\'' | '"' | '‘' | '’' | '“' | '”' | '(' | ')' | '[' | ']' | '<' | '>' | '「' | '」' | '*' | '_'
    )
}

fn push(found: &mut Vec<Sentence>, text: &str, range: Range<usize>, stop: Option<Stop>) {
    let words = words(text, range);
    if words.iter().any(|word| text[word.clone()].chars().any(is_syllable)) {
        found.push(Sentence { words, stop: stop.unwrap_or(Stop::Full) });
    }
}

/// No word of Korean is longer, in bytes; what is would only cost time.
const LONGEST_WORD: usize = 120;

/// The words in a part of `text`, without quotation marks around them.
pub(super) fn words(text: &str, range: Range<usize>) -> Vec<Range<usize>> {
    let part = &text[range.clone()];
    part.split_whitespace()
        .filter_map(|word| {
            let inner = word.trim_matches(|c| !is_syllable(c) && !c.is_alphanumeric() || is_lone_letter(c));
            let start = inner.as_ptr().addr() - text.as_ptr().addr();
            (1..=LONGEST_WORD).contains(&inner.len()).then(|| start..start + inner.len())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str) -> Vec<(String, Stop)> {
        sentences(text)
            .into_iter()
            .map(|sentence| {
                let words: Vec<_> = sentence.words.iter().map(|word| &text[word.clone()]).collect();
                (words.join(" "), sentence.stop)
            })
            .collect()
    }

    #[test]
    fn a_text_is_cut_at_marks_letters_that_laugh_and_pictures() {
        use Stop::{Comma, Full, Question};
        for (text, expected) in [
            ("안녕하세요. 저는 학생이에요!", vec![("안녕하세요", Full), ("저는 학생이에요", Full)]),
            ("응, 좋아ㅋㅋ 언제 가?!", vec![("응", Comma), ("좋아", Full), ("언제 가", Question)]),
            ("네~ 3.5점이에요😊", vec![("네", Full), ("3.5점이에요", Full)]),
            ("\"안녕\"이라고 했어요…", vec![("안녕\"이라고 했어요", Full)]),
            ("hello 123 😊 ㅋㅋㅋ", vec![]),
            ("좋아요 \n 가요", vec![("좋아요", Full), ("가요", Full)]),
            ("", vec![]),
        ] {
            let expected: Vec<_> = expected.into_iter().map(|(text, stop)| (text.to_owned(), stop)).collect();
            assert_eq!(cut(text), expected, "{text}");
        }
    }
}
