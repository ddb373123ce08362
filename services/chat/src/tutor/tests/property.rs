//! What holds for every analysis, whatever was written.

use contract::chat::Level;
use proptest::prelude::*;
use unicode_normalization::UnicodeNormalization as _;

use super::{CONCEPTS, conversion, level, right};
use crate::tutor::data::glossary;
use crate::tutor::{analyse, greeting, reply, vocabulary};

/// Sentences of the tables, of the glossary and of the bot itself.
fn corpus() -> Vec<String> {
    let mut texts: Vec<String> =
        level::texts().chain(conversion::texts()).chain(right::texts()).map(str::to_owned).collect();
    let entries =
        glossary::noun_entries().chain(glossary::predicate_entries()).chain(glossary::adverb_entries());
    texts.extend(entries.map(|entry| entry.example.to_owned()));
    for concept in CONCEPTS {
        for level in Level::ALL {
            texts.push(greeting(concept, level));
            texts.extend((0..3).map(|turn| reply("밥을 먹었어요.", concept, level, turn)));
        }
    }
    texts
}

fn holds(text: &str, wanted: Level) {
    let analysis = analyse(text, wanted);
    let corrected = &analysis.corrected_sentence;
    assert!(!analysis.feedback.ko.is_empty() && !analysis.feedback.en.is_empty(), "{text:?}");
    assert_eq!(corrected.is_empty(), analysis.corrections.is_empty(), "{text:?}");
    assert!((1..=3).contains(&analysis.detected_level));
    if !corrected.is_empty() {
        assert_ne!(*corrected, text.nfc().collect::<String>());
        let again = analyse(corrected, wanted);
        assert_eq!(again.corrected_sentence, "", "{text:?} became {corrected:?}");
        assert_eq!(again.corrections, "", "{text:?} became {corrected:?}");
    }
}

#[test]
fn a_correction_is_complete_and_leaves_nothing_to_correct() {
    for text in corpus() {
        for wanted in Level::ALL {
            holds(&text, wanted);
        }
    }
}

#[test]
fn a_correction_of_a_whole_sentence_is_in_the_wanted_level() {
    for text in conversion::triples() {
        for wanted in Level::ALL {
            let corrected = analyse(text, wanted).corrected_sentence;
            let said = if corrected.is_empty() { text } else { &corrected };
            assert_eq!(analyse(said, wanted).detected_level, wanted.number(), "{text} became {corrected}");
        }
    }
}

fn any_level() -> impl Strategy<Value = Level> {
    prop::sample::select(Level::ALL.to_vec())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn mixed_sentences_are_corrected_once_and_for_all(
        parts in prop::collection::vec((prop::sample::select(corpus()), "[ .?!~,ㅋㅠ😊\n]{0,3}"), 1..5),
        wanted in any_level(),
        decomposed: bool,
    ) {
        let mut text: String = parts.iter().flat_map(|(text, mark)| [text.as_str(), mark.as_str()]).collect();
        if decomposed {
            text = text.nfd().collect();
        }
        holds(&text, wanted);
    }

    #[test]
    fn words_in_any_order_are_corrected_once_and_for_all(
        words in prop::collection::vec(prop::sample::select(words_of(&corpus())), 1..8),
        wanted in any_level(),
    ) {
        holds(&words.join(" "), wanted);
    }

    #[test]
    fn any_text_is_answered(text in "\\PC{0,40}", korean in "[가-힣 .?]{0,30}", wanted in any_level()) {
        for text in [text, korean] {
            holds(&text, wanted);
            let words = vocabulary(&text);
            prop_assert!((1..=5).contains(&words.len()));
            prop_assert!(!reply(&text, CONCEPTS[0], wanted, 1).is_empty());
        }
    }
}

#[test]
fn a_very_long_text_is_judged_and_not_corrected() {
    let text = "나는 학교에 가. ".repeat(1_000);
    let analysis = analyse(&text, Level::Polite);
    assert_eq!((analysis.detected_level, analysis.corrected_sentence.as_str()), (3, ""));
    assert!(!analysis.feedback.en.is_empty());
    let word = "가".repeat(10_000);
    assert_eq!(analyse(&word, Level::Polite).corrected_sentence, "");
    assert_eq!(vocabulary(&word).len(), 1);
}

fn words_of(corpus: &[String]) -> Vec<String> {
    corpus.iter().flat_map(|text| text.split_whitespace()).map(str::to_owned).collect()
}
