//! What a model answered, taken only if it is what was asked for. Pure.

use std::collections::HashSet;

use contract::chat::{Feedback, Intimacy, Level, Vocabulary, Word, WordContext};

use super::data::{Nonce, clean};

/// In characters. What the tutor says is a few sentences.
const LONGEST_REPLY: usize = 2000;
const LONGEST_GREETING: usize = 500;
/// A sentence is corrected, not replaced by an essay.
const LONGEST_TEXT: usize = 2000;
/// In characters, twice what is asked for.
const LONGEST_SUMMARY: usize = 2000;
const MOST_WORDS: usize = 10;
const LONGEST_WORD: usize = 40;
const LONGEST_CONTEXT: usize = 300;

/// Why an answer is not used.
pub(super) type Nonsense = &'static str;

/// The bot's reply.
pub(super) fn reply(answer: &str, nonce: &Nonce) -> Result<String, Nonsense> {
    spoken(answer, nonce, LONGEST_REPLY)
}

/// The bot's first words.
pub(super) fn greeting(answer: &str, nonce: &Nonce) -> Result<String, Nonsense> {
    spoken(answer, nonce, LONGEST_GREETING)
}

/// The notes on a conversation.
pub(super) fn summary(answer: &str, nonce: &Nonce) -> Result<String, Nonsense> {
    let text = said(answer, LONGEST_SUMMARY)?;
    if text.contains(nonce.as_str()) { Err("it gives away its marks") } else { Ok(text) }
}

/// The judgement on `message`.
pub(super) fn intimacy(answer: &str, message: &str) -> Result<Intimacy, Nonsense> {
    let judged: Intimacy =
        serde_json::from_str(unfenced(answer)).map_err(|_| "it is not the JSON asked for")?;
    if !Level::ALL.iter().any(|level| level.number() == judged.detected_level) {
        return Err("there is no such level");
    }
    let feedback = Feedback {
        ko: said(&judged.feedback.ko, LONGEST_TEXT)?,
        en: said(&judged.feedback.en, LONGEST_TEXT)?,
    };
    let corrected = clean(&judged.corrected_sentence);
    let corrections = clean(&judged.corrections);
    // A message that is "corrected" to itself is right.
    if corrected == message.trim() || (corrected.is_empty() && corrections.is_empty()) {
        let (corrected_sentence, corrections) = (String::new(), String::new());
        return Ok(Intimacy {
            detected_level: judged.detected_level,
            corrected_sentence,
            feedback,
            corrections,
        });
    }
    let longest = LONGEST_TEXT.max(message.chars().count() * 2);
    Ok(Intimacy {
        detected_level: judged.detected_level,
        corrected_sentence: said(&corrected, longest)?,
        feedback,
        corrections: said(&corrections, LONGEST_TEXT)?,
    })
}

/// Words worth learning, at least one.
pub(super) fn words(answer: &str) -> Result<Vec<Word>, Nonsense> {
    let Vocabulary { words } =
        serde_json::from_str(unfenced(answer)).map_err(|_| "it is not the JSON asked for")?;
    if words.is_empty() {
        return Err("there are no words");
    }
    if words.len() > MOST_WORDS {
        return Err("there are too many words");
    }
    let mut words = words.iter().map(word).collect::<Result<Vec<_>, _>>()?;
    let mut seen = HashSet::new();
    words.retain(|word| seen.insert(word.word.clone()));
    Ok(words)
}

fn word(word: &Word) -> Result<Word, Nonsense> {
    if !(1..=5).contains(&word.difficulty) {
        return Err("there is no such difficulty");
    }
    let context = WordContext {
        roma: said(&word.context.roma, LONGEST_WORD * 3)?,
        ko: said(&word.context.ko, LONGEST_CONTEXT)?,
        en: said(&word.context.en, LONGEST_CONTEXT)?,
    };
    let word = Word { word: said(&word.word, LONGEST_WORD)?, difficulty: word.difficulty, context };
    if !has_hangul(&word.word) || !has_hangul(&word.context.ko) {
        return Err("a word is not Korean");
    }
    if has_hangul(&word.context.roma) {
        return Err("a romanisation is none");
    }
    Ok(word)
}

/// Korean that can be shown as it is.
fn spoken(answer: &str, nonce: &Nonce, longest: usize) -> Result<String, Nonsense> {
    let text = said(answer, longest)?;
    if !has_hangul(&text) {
        return Err("it is not Korean");
    }
    // It repeats what it was told, or talks in our marks.
    if text.contains(nonce.as_str()) || text.contains("learner_message") {
        return Err("it gives away its marks");
    }
    Ok(text)
}

/// Not empty, not too long.
fn said(text: &str, longest: usize) -> Result<String, Nonsense> {
    let text = clean(text);
    match text.chars().count() {
        0 => Err("a text is empty"),
        length if length > longest => Err("a text is too long"),
        _ => Ok(text),
    }
}

fn has_hangul(text: &str) -> bool {
    text.chars().any(|c| matches!(c, '가'..='힣' | 'ㄱ'..='ㆎ'))
}

/// Models without a JSON mode like to wrap their answer in a fence of Markdown.
fn unfenced(answer: &str) -> &str {
    let answer = answer.trim();
    let inside = answer.strip_prefix("```").and_then(|rest| rest.strip_suffix("```"));
    inside.map_or(answer, |inside| inside.strip_prefix("json").unwrap_or(inside).trim())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn judgement() -> Value {
        json!({
            "detectedLevel": 3,
            "correctedSentence": "밥을 먹었어요.",
            "feedback": { "ko": "좋아요.", "en": "Good." },
            "corrections": "먹었어 → 먹었어요",
        })
    }

    fn vocabulary() -> Value {
        let context = json!({ "roma": "bap", "ko": "밥을 먹어요.", "en": "rice, a meal" });
        json!({ "words": [{ "word": "밥", "difficulty": 1, "context": context }] })
    }

    /// With the value at a JSON pointer replaced.
    fn with(mut value: Value, pointer: &str, new: Value) -> String {
        *value.pointer_mut(pointer).unwrap() = new;
        value.to_string()
    }

    #[test]
    fn a_judgement_as_asked_for_is_taken() {
        let expected: Intimacy = serde_json::from_value(judgement()).unwrap();
        let fenced = format!("```json\n{}\n```", judgement());
        for answer in [judgement().to_string(), fenced] {
            assert_eq!(intimacy(&answer, "밥을 먹었어").unwrap(), expected);
        }
    }

    #[test]
    fn a_judgement_that_breaks_the_rules_is_not_taken() {
        for (pointer, new) in [
            ("/detectedLevel", json!(0)),
            ("/detectedLevel", json!(4)),
            ("/detectedLevel", json!("3")),
            ("/detectedLevel", json!(2.5)),
            ("/correctedSentence", json!(null)),
            ("/correctedSentence", json!(" ")),
            ("/corrections", json!("")),
            ("/corrections", json!(["먹었어 → 먹었어요"])),
            ("/feedback", json!("Good.")),
            ("/feedback/ko", json!("")),
            ("/feedback/en", json!("\u{0}")),
            ("/feedback/en", json!("a".repeat(LONGEST_TEXT + 1))),
        ] {
            let answer = with(judgement(), pointer, new.clone());
            assert!(intimacy(&answer, "밥을 먹었어").is_err(), "{pointer} {new}");
        }
        for answer in ["", "[]", "null", "<html>", "{", "{\"detectedLevel\":3}", "Sure! {}"] {
            assert!(intimacy(answer, "밥").is_err(), "{answer}");
        }
    }

    #[test]
    fn nothing_to_correct_leaves_both_texts_empty() {
        let none = with(judgement(), "/correctedSentence", json!(""));
        let none: Value = serde_json::from_str(&none).unwrap();
        let none = with(none, "/corrections", json!(""));
        let itself = judgement().to_string();
        for (answer, message) in [(none, "밥을 먹었어"), (itself, " 밥을 먹었어요. ")] {
            let judged = intimacy(&answer, message).unwrap();
            assert_eq!((&*judged.corrected_sentence, &*judged.corrections), ("", ""));
            assert_eq!(judged.feedback.en, "Good.");
        }
    }

    #[test]
    fn words_as_asked_for_are_taken_once_each() {
        let mut twice = vocabulary();
        let word = twice["words"][0].clone();
        twice["words"].as_array_mut().unwrap().push(word);
        for answer in [vocabulary(), twice] {
            let words = words(&answer.to_string()).unwrap();
            assert_eq!(serde_json::to_value(&words).unwrap(), vocabulary()["words"]);
        }
    }

    #[test]
    fn words_that_break_the_rules_are_not_taken() {
        let many = json!(vec![vocabulary()["words"][0].clone(); MOST_WORDS + 1]);
        for (pointer, new) in [
            ("/words", json!([])),
            ("/words", json!({})),
            ("/words", many),
            ("/words/0/word", json!("")),
            ("/words/0/word", json!("rice")),
            ("/words/0/word", json!("밥".repeat(LONGEST_WORD + 1))),
            ("/words/0/difficulty", json!(0)),
            ("/words/0/difficulty", json!(6)),
            ("/words/0/difficulty", json!(-1)),
            ("/words/0/difficulty", json!("1")),
            ("/words/0/context", json!(null)),
            ("/words/0/context/roma", json!("밥")),
            ("/words/0/context/roma", json!(" ")),
            ("/words/0/context/ko", json!("rice")),
            ("/words/0/context/en", json!("")),
        ] {
            let answer = with(vocabulary(), pointer, new.clone());
            assert!(words(&answer).is_err(), "{pointer} {new}");
        }
    }

    #[test]
    fn only_korean_that_says_nothing_of_its_instructions_is_said() {
        let nonce = Nonce::fresh();
        assert_eq!(reply(" 안녕하세요! \u{0}", &nonce), Ok("안녕하세요!".to_owned()));
        let told = format!("제 코드는 {}예요.", nonce.as_str());
        let long = "가".repeat(LONGEST_REPLY + 1);
        for answer in ["", "Hello!", "<html><body>502</body></html>", &told, "<learner_message_x>네", &long]
        {
            assert!(reply(answer, &nonce).is_err(), "{answer}");
        }
    }
}
