//! What a message is about, by its words.

use super::data::intent::{ABOUT, BELOVED, LOVE, SAID};
use super::data::phrase::ALONE;
use super::hangul::is_syllable;
use super::sentence::sentences;
use super::vocabulary::entry_of;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Intent {
    English,
    Short,
    Meaning,
    AboutBot,
    Farewell,
    Thanks,
    Apology,
    Affection,
    HowAreYou,
    Tired,
    Sad,
    Happy,
    Food,
    Weather,
    Work,
    Study,
    Travel,
    Hobby,
    Family,
    Greeting,
    Unknown,
}

const GREETINGS: [&str; 6] = ["안녕", "반갑", "반가", "처음 뵙", "오랜만", "여보세요"];

/// What `text` (in NFC) is about.
pub(super) fn intent(text: &str) -> Intent {
    if !text.chars().any(is_syllable) {
        return if text.chars().any(|c| c.is_ascii_alphabetic()) { Intent::English } else { Intent::Short };
    }
    let spaced = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some((intent, _)) =
        SAID.iter().find(|(_, parts)| parts.split('|').any(|part| is_said(&spaced, part)))
    {
        return *intent;
    }
    if declares_love(text) {
        return Intent::Affection;
    }
    let words: Vec<_> = sentences(text)
        .iter()
        .flat_map(|sentence| sentence.words.iter())
        .filter_map(|word| entry_of(&text[word.clone()]))
        .collect();
    let is_topic = |topic: &str| topic.split(' ').any(|word| words.iter().any(|entry| entry.word == word));
    if let Some((intent, _)) = ABOUT.iter().find(|(_, topic)| is_topic(topic)) {
        return *intent;
    }
    if GREETINGS.iter().any(|greeting| spaced.contains(greeting)) {
        return Intent::Greeting;
    }
    let bare = spaced.trim_matches(|c| !is_syllable(c));
    let short = bare.chars().filter(|c| is_syllable(*c)).count() <= 2 || ALONE.contains(&bare);
    // A word or two among English ones is English still.
    let latin = text.chars().filter(char::is_ascii_alphabetic).count();
    match () {
        () if latin > 3 * text.chars().filter(|c| is_syllable(*c)).count() => Intent::English,
        () if short => Intent::Short,
        () => Intent::Unknown,
    }
}

/// Whether `part` stands in `text`, at the beginning (^) or the end ($) of a word if it says so.
fn is_said(text: &str, part: &str) -> bool {
    let bare = part.trim_start_matches('^').trim_end_matches('$');
    text.match_indices(bare).any(|(at, _)| {
        let begins = !text[..at].ends_with(is_syllable);
        let ends = !text[at + bare.len()..].starts_with(is_syllable);
        (begins || !part.starts_with('^')) && (ends || !part.ends_with('$'))
    })
}

/// 보고 싶어, but not 영화를 보고 싶어.
fn declares_love(text: &str) -> bool {
    sentences(text).iter().any(|sentence| {
        let Some((last, before)) = sentence.words.split_last() else { return false };
        let word = text[last.clone()].trim_start_matches("보고");
        let sees = word.len() < last.len() || before.last().is_some_and(|word| &text[word.clone()] == "보고");
        LOVE.split(' ').any(|love| word.starts_with(love))
            && (sees || !word.starts_with('싶'))
            && (!word.starts_with('좋') || !before.is_empty())
            && before.iter().all(|word| BELOVED.split_whitespace().any(|known| known == &text[word.clone()]))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_about_what_its_words_say() {
        for (text, expected) in [
            ("안녕하세요!", Intent::Greeting),
            ("안녕하십니까. 처음 뵙겠습니다.", Intent::Greeting),
            ("다음에 뵙겠습니다.", Intent::Farewell),
            ("친구야, 바이!", Intent::Farewell),
            ("잘 가!", Intent::Farewell),
            ("바이올린을 켜요.", Intent::Unknown),
            ("선생님이 잘 가르쳐요.", Intent::Study),
            ("한국 영화를 보고 싶어요.", Intent::Hobby),
            ("드라마 보고 싶어.", Intent::Hobby),
            ("너무 보고 싶어요.", Intent::Affection),
            ("사랑해!", Intent::Affection),
            ("김치를 좋아해요!", Intent::Food),
            ("할머니가 보고 싶어요.", Intent::Family),
            ("안녕 반가워", Intent::Greeting),
            ("안녕하세요, 오늘 김치를 먹었어요.", Intent::Food),
            ("잘 지내요?", Intent::HowAreYou),
            ("배고파 ㅠㅠ", Intent::Food),
            ("점심에 비빔밥을 먹었습니다.", Intent::Food),
            ("오늘 너무 추워요.", Intent::Weather),
            ("비가 와요.", Intent::Weather),
            ("회의가 길었습니다.", Intent::Work),
            ("한국어를 공부해요.", Intent::Study),
            ("주말에 영화를 봤어요.", Intent::Hobby),
            ("부산에 가고 싶어요.", Intent::Travel),
            ("우리 가족은 네 명이에요.", Intent::Family),
            ("너무 피곤해.", Intent::Tired),
            ("오늘 슬퍼요.", Intent::Sad),
            ("정말 행복해!", Intent::Happy),
            ("감사합니다.", Intent::Thanks),
            ("늦어서 미안해.", Intent::Apology),
            ("안녕히 계세요.", Intent::Farewell),
            ("이름이 뭐예요?", Intent::AboutBot),
            ("사과가 무슨 뜻이에요?", Intent::Meaning),
            ("보고 싶어.", Intent::Affection),
            ("How are you?", Intent::English),
            ("I really love 한국 dramas so much", Intent::English),
            ("네", Intent::Short),
            ("ㅋㅋㅋ", Intent::Short),
            ("😊", Intent::Short),
            ("", Intent::Short),
            ("그건 좀 애매하네요.", Intent::Unknown),
        ] {
            assert_eq!(intent(text), expected, "{text}");
        }
    }
}
