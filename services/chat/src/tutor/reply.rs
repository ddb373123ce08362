//! What the bot answers.

use contract::chat::{Concept, Level};
use unicode_normalization::UnicodeNormalization as _;

use super::data::reply::{
    ABOUT_ME, ABOUT_YOU, AFFECTION, APOLOGY, ENGLISH, FAMILY, FAREWELL, FLAVOUR, FOOD, GREETING, HAPPY,
    HOBBY, HOW_ARE_YOU, MEANING_KNOWN, MEANING_UNKNOWN, SAD, SHORT, STUDY, THANKS, TIRED, TRAVEL, UNKNOWN,
    Variants, WEATHER, WORK,
};
use super::hangul::particle;
use super::intent::{Intent, intent};
use super::vocabulary::asked_word;

/// What the bot says to `text`; another `turn` brings another variant.
pub fn reply(text: &str, concept: Concept, level: Level, turn: u64) -> String {
    let text: String = text.nfc().collect();
    let intent = intent(&text);
    match intent {
        Intent::AboutBot => {
            format!("{} {}", at(ABOUT_ME[part(concept)], level), variant(&ABOUT_YOU, level, turn))
        }
        Intent::Meaning => meaning(&text, level, turn),
        _ => {
            let core = variant(texts(intent), level, turn);
            match flavour(intent, concept, level, turn) {
                Some(first) => format!("{first} {core}"),
                None => core.to_owned(),
            }
        }
    }
}

fn texts(intent: Intent) -> &'static Variants {
    match intent {
        Intent::English => &ENGLISH,
        Intent::Short => &SHORT,
        Intent::Meaning => &MEANING_UNKNOWN,
        Intent::AboutBot => &ABOUT_YOU,
        Intent::Farewell => &FAREWELL,
        Intent::Thanks => &THANKS,
        Intent::Apology => &APOLOGY,
        Intent::Affection => &AFFECTION,
        Intent::HowAreYou => &HOW_ARE_YOU,
        Intent::Tired => &TIRED,
        Intent::Sad => &SAD,
        Intent::Happy => &HAPPY,
        Intent::Food => &FOOD,
        Intent::Weather => &WEATHER,
        Intent::Work => &WORK,
        Intent::Study => &STUDY,
        Intent::Travel => &TRAVEL,
        Intent::Hobby => &HOBBY,
        Intent::Family => &FAMILY,
        Intent::Greeting => &GREETING,
        Intent::Unknown => &UNKNOWN,
    }
}

const fn part(concept: Concept) -> usize {
    match concept {
        Concept::Friend => 0,
        Concept::Honey => 1,
        Concept::Coworker => 2,
        Concept::Senior => 3,
        Concept::Boss => 4,
    }
}

const fn at<T: Copy>(texts: [T; 3], level: Level) -> T {
    match level {
        Level::Formal => texts[0],
        Level::Polite => texts[1],
        Level::Casual => texts[2],
    }
}

/// `turn` modulo three: a room's turns are two apart, which three does not divide.
fn variant(variants: &Variants, level: Level, turn: u64) -> &'static str {
    let [first, second, third] = at(*variants, level);
    match turn % 3 {
        0 => first,
        1 => second,
        _ => third,
    }
}

/// A sentence in the bot's part, every other time, where it does not sound heartless.
fn flavour(intent: Intent, concept: Concept, level: Level, turn: u64) -> Option<&'static str> {
    let cheerful = matches!(
        intent,
        Intent::Food
            | Intent::Weather
            | Intent::Work
            | Intent::Study
            | Intent::Travel
            | Intent::Hobby
            | Intent::Family
            | Intent::Happy
            | Intent::Unknown
    );
    let [first, second] = at(FLAVOUR[part(concept)], level);
    (cheerful && turn / 3 % 2 == 1).then_some(if (turn / 6).is_multiple_of(2) { first } else { second })
}

/// The meaning of the word that was asked for.
fn meaning(text: &str, level: Level, turn: u64) -> String {
    let Some(entry) = asked_word(text) else { return variant(&MEANING_UNKNOWN, level, turn).to_owned() };
    let first = entry.meaning.split([';', ',', '(']).next().unwrap_or(entry.meaning).trim();
    variant(&MEANING_KNOWN, level, turn)
        .replace("{word}", entry.word)
        .replace("{topic}", particle(entry.word, "은", "는"))
        .replace("{meaning}", first)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::tutor::analysis::detect;
    use crate::tutor::tests::CONCEPTS;
    use crate::tutor::verdict::verdicts;
    use crate::tutor::vocabulary::known_word;
    use crate::tutor::{analyse, vocabulary};

    /// One message for each intent, both answers to questions about words included.
    const MESSAGES: [&str; 22] = [
        "How are you?",
        "네",
        "사과가 무슨 뜻이에요?",
        "쀍쀍이 무슨 뜻이에요?",
        "누구세요?",
        "안녕히 계세요.",
        "감사합니다.",
        "죄송합니다.",
        "보고 싶어요.",
        "잘 지내요?",
        "피곤해요.",
        "슬퍼요.",
        "기뻐요.",
        "김치를 먹었어요.",
        "비가 와요.",
        "회의가 있어요.",
        "한국어를 공부해요.",
        "여행을 가요.",
        "영화를 봤어요.",
        "엄마가 오세요.",
        "안녕하세요.",
        "그건 좀 애매하네요.",
    ];

    fn replies() -> BTreeSet<(u8, String)> {
        let mut replies = BTreeSet::new();
        for message in MESSAGES {
            for concept in CONCEPTS {
                for level in Level::ALL {
                    replies.extend((0..12).map(|turn| (level as u8, reply(message, concept, level, turn))));
                }
            }
        }
        replies
    }

    #[test]
    fn every_reply_is_in_the_rooms_level_asks_or_encourages_and_teaches_a_word() {
        for (level, reply) in replies() {
            let level = Level::ALL[usize::from(level)];
            assert_eq!(detect(&reply), Some(level), "{reply}");
            assert!(verdicts(&reply).iter().all(|verdict| verdict.is_in(level)), "{reply}");
            assert_eq!(analyse(&reply, level).corrected_sentence, "", "{reply}");
            assert!(reply.ends_with(['?', '!', '’']), "{reply}");
            assert!(known_word(&reply).is_some(), "{reply}");
            assert!(!vocabulary(&reply).is_empty());
        }
    }

    #[test]
    fn every_intent_has_a_message_in_the_test() {
        let mut seen: Vec<_> = MESSAGES.iter().map(|message| intent(message)).collect();
        seen.sort_by_key(|intent| *intent as u8);
        seen.dedup();
        assert_eq!(seen.len(), Intent::Unknown as usize + 1);
    }

    #[test]
    fn the_same_turn_brings_the_same_reply_and_the_next_one_another() {
        let at = |turn| reply("김치를 먹었어요.", Concept::Friend, Level::Polite, turn);
        assert_eq!(at(7), at(7));
        assert_ne!(at(7), at(9));
        assert_ne!(at(7), at(8));
    }

    #[test]
    fn a_word_of_the_glossary_is_explained() {
        let reply = reply("사과가 무슨 뜻이에요?", Concept::Friend, Level::Polite, 0);
        assert_eq!(reply, "‘사과’는 영어로 이런 뜻이에요: apple. 이 단어로 문장을 만들어 보세요!");
    }
}
