//! Words worth learning in a text.

use std::collections::HashMap;
use std::sync::LazyLock;

use contract::chat::{Word, WordContext};
use unicode_normalization::UnicodeNormalization as _;

use super::data::glossary::{self, Entry};
use super::grammar::{Stem, lexicon};
use super::hangul::{is_syllable, letters};
use super::romanise::romanise;
use super::sentence::sentences;

/// More would not be learnt.
const WORDS: usize = 5;
/// A sentence of the text up to this long (in characters) says more than the example.
const LONG: usize = 60;
/// Fits any text: what is going on.
const FALLBACK: &str = "대화";

/// What may stand behind a noun; the longest first, so that 에서는 is not taken for 는.
const PARTICLES: &str = "에서부터 이라고는 한테서는 에게서 에서는 에서도 으로는 으로도 이라고 한테서 까지는 까지도 부터는 이에요 입니다 입니까 \
    이랑은 하고는 이지만 이었어요 였어요 이었습니다 였습니다 인데요 이네요 이군요 이거든요 이라는 라는 에서 에게 에는 에도 으로 한테 까지 부터 이나 \
    이랑 하고 처럼 보다 마다 만큼 밖에 대로 이라 라고 예요 이야 이죠 이지 인데 이고 이면 인가요 인지 들 \
    들 은 는 이 가 을 를 에 의 도 만 과 와 로 랑 나 야 죠 요 께 께서 님 이니까 니까 네요 군요 이란 란 이요 씨 쯤 째 때 하는 한 인 일";

/// How a word of the glossary is found in a text.
struct Index {
    nouns: HashMap<&'static str, Entry>,
    adverbs: HashMap<&'static str, Entry>,
    /// In letters, by the shapes of the word.
    shapes: HashMap<String, Vec<(&'static str, Entry)>>,
    particles: Vec<&'static str>,
}

static INDEX: LazyLock<Index> = LazyLock::new(|| {
    let mut shapes: HashMap<String, Vec<_>> = HashMap::new();
    for entry in glossary::predicate_entries() {
        let Some(stem) = lexicon().word(entry.word).cloned().or_else(|| composed(entry.word)) else {
            continue;
        };
        for shape in [&stem.base, &stem.near, &stem.open, &stem.joined, &stem.bare] {
            let words = shapes.entry(shape.clone()).or_default();
            if !words.iter().any(|(word, _)| *word == entry.word) {
                words.push((entry.word, entry));
            }
        }
    }
    let mut particles: Vec<_> = PARTICLES.split_whitespace().collect();
    particles.sort_by_key(|particle| std::cmp::Reverse(particle.len()));
    Index {
        nouns: glossary::noun_entries().map(|entry| (entry.word, entry)).collect(),
        adverbs: glossary::adverb_entries().map(|entry| (entry.word, entry)).collect(),
        shapes,
        particles,
    }
});

/// 공부하다, which the lexicon knows by its 하다.
fn composed(word: &str) -> Option<Stem> {
    let noun = word.strip_suffix("하다")?;
    lexicon().word("하다").map(|stem| stem.behind(&letters(noun)))
}

/// Words worth learning in a text of the bot: at least one, at most five.
pub fn vocabulary(text: &str) -> Vec<Word> {
    let text: String = text.nfc().collect();
    let mut found: Vec<(Entry, String)> = Vec::new();
    for sentence in sentences(&text) {
        let (Some(first), Some(last)) = (sentence.words.first(), sentence.words.last()) else { continue };
        let whole = &text[first.start..last.end];
        for word in sentence.words.iter().map(|word| &text[word.clone()]) {
            if let Some(entry) = entry_of(word).filter(|entry| !found.iter().any(|(known, _)| known == entry))
            {
                let context = if whole.chars().count() <= LONG && sentence.words.len() > 1 {
                    whole
                } else {
                    entry.example
                };
                found.push((entry, context.to_owned()));
            }
        }
    }
    if found.is_empty() {
        found.extend(INDEX.nouns.get(FALLBACK).map(|entry| (*entry, entry.example.to_owned())));
    }
    // The hardest are the most worth it; among equals those that come first.
    found.sort_by_key(|(entry, _)| std::cmp::Reverse(entry.difficulty));
    found.truncate(WORDS);
    found.into_iter().map(|(entry, context)| word(&entry, context)).collect()
}

fn word(entry: &Entry, context: String) -> Word {
    Word {
        word: entry.word.to_owned(),
        difficulty: entry.difficulty,
        context: WordContext { roma: romanise(entry.word), ko: context, en: entry.meaning.to_owned() },
    }
}

/// The word of the glossary that `word` of a text is a form of.
pub(super) fn entry_of(word: &str) -> Option<Entry> {
    if !word.chars().all(is_syllable) {
        return None;
    }
    if let Some(entry) = INDEX.adverbs.get(word).or_else(|| INDEX.nouns.get(word)) {
        return Some(*entry);
    }
    with_particle(word, 2)
        .or_else(|| predicate(word))
        .or_else(|| done(word))
        .or_else(|| with_particle(word, 1))
}

/// A noun of at least so many syllables, and its particle.
fn with_particle(word: &str, syllables: usize) -> Option<Entry> {
    INDEX.particles.iter().find_map(|particle| {
        let noun = word.strip_suffix(particle).filter(|noun| noun.chars().count() >= syllables)?;
        let noun = noun.strip_suffix('들').filter(|one| one.chars().count() > 1).unwrap_or(noun);
        let entry = INDEX.nouns.get(noun).or_else(|| {
            // 오랜만이에요: some adverbs take the copula.
            INDEX.adverbs.get(noun).filter(|_| noun.chars().count() > 1)
        })?;
        Some(*entry)
    })
}

/// A noun of at least two syllables with a form of 하다: 노력하면.
fn done(word: &str) -> Option<Entry> {
    let (at, _) =
        word.char_indices().skip(2).find(|(_, letter)| matches!(letter, '하' | '해' | '했' | '할' | '한'))?;
    INDEX.nouns.get(&word[..at]).copied()
}

/// A verb or adjective by the longest of its shapes that `word` begins with, when what follows is an ending.
fn predicate(word: &str) -> Option<Entry> {
    let form = letters(word);
    let mut cuts: Vec<usize> = form.char_indices().map(|(at, _)| at).skip(1).collect();
    cuts.push(form.len());
    cuts.into_iter().rev().find_map(|cut| {
        let (shape, rest) = form.split_at(cut);
        let entries = INDEX.shapes.get(shape)?;
        is_ending(rest).then(|| entries.first().map(|(_, entry)| *entry)).flatten()
    })
}

/// Whether letters behind a shape can be one of the many endings.
fn is_ending(rest: &str) -> bool {
    const WHOLE: &str = "ㄴ ㄹ 은 을 는 음";
    const STARTS: &str = "요 습니 ㅂ니 ㅂ시 ㅆ 세요 십시 시 셨 셔 네 는데 는다 는지 는군 는구 ㄴ데 ㄴ다 ㄴ가 ㄴ지 ㄴ대 은데 ㄹ게 ㄹ래 ㄹ까 ㄹ수 \
        을게 을래 을까 고 지 죠 게 거든 잖아 자 면 니까 서 러 려 던 더라 도록 기 다 라 군 구나 니 냐 나 도 야 겠 며 든";
    static ENDINGS: LazyLock<[Vec<String>; 2]> = LazyLock::new(|| {
        [WHOLE, STARTS].map(|list| list.split_whitespace().map(super::hangul::ending).collect())
    });
    let [whole, starts] = &*ENDINGS;
    rest.is_empty()
        || whole.iter().any(|ending| rest == ending)
        || starts.iter().any(|start| rest.strip_prefix(start.as_str()).is_some_and(|more| !closes(more)))
}

/// Whether letters begin with a final consonant: then what stands before them is not the whole syllable, as in 노력,
/// which begins like a form of 놀다.
fn closes(letters: &str) -> bool {
    letters.starts_with(|letter| ('\u{11A8}'..='\u{11FF}').contains(&letter))
}

/// The word whose meaning `text` asks for: the first that we know and that is not of the question itself.
pub(super) fn asked_word(text: &str) -> Option<Entry> {
    const QUESTION: [&str; 10] = ["뜻", "무슨", "말", "영어", "한국어", "이", "단어", "그", "하다", "어떻게"];
    known_words(text).find(|entry| !QUESTION.contains(&entry.word))
}

/// The first word of the glossary in `text`.
#[cfg(test)]
pub(super) fn known_word(text: &str) -> Option<Entry> {
    known_words(text).next()
}

fn known_words(text: &str) -> impl Iterator<Item = Entry> {
    sentences(text).into_iter().flat_map(|sentence| sentence.words).filter_map(|word| entry_of(&text[word]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> impl Iterator<Item = Entry> {
        glossary::noun_entries().chain(glossary::predicate_entries()).chain(glossary::adverb_entries())
    }

    #[test]
    fn the_glossary_has_three_hundred_words_and_each_is_in_its_example() {
        let mut words: Vec<_> = all().map(|entry| entry.word).collect();
        assert!(words.len() >= 300, "{}", words.len());
        words.sort_unstable();
        let before = words.len();
        words.dedup();
        assert_eq!(words.len(), before, "a word stands twice");
        for entry in all() {
            assert!((1..=5).contains(&entry.difficulty), "{entry:?}");
            assert!(!entry.meaning.is_empty(), "{entry:?}");
            let found = sentences(entry.example)
                .iter()
                .flat_map(|sentence| sentence.words.clone())
                .any(|word| entry_of(&entry.example[word]).is_some_and(|found| found.word == entry.word));
            let compound = entry.example.contains(entry.word);
            assert!(found || compound, "{entry:?}");
        }
    }

    #[test]
    fn verbs_of_the_glossary_are_in_the_lexicon() {
        for entry in glossary::predicate_entries() {
            assert!(lexicon().word(entry.word).is_some() || entry.word.ends_with("하다"), "{}", entry.word);
        }
    }

    #[test]
    fn words_are_found_in_every_form() {
        for (text, expected) in [
            ("도서관에서 한국어를 배웠어요.", vec!["도서관", "한국어", "배우다"]),
            ("날씨가 너무 추웠습니다.", vec!["날씨", "너무", "춥다"]),
            ("노래를 불러 줄게.", vec!["부르다", "노래", "주다"]),
            ("음악을 들으면서 걸어요.", vec!["걷다", "음악", "듣다"]),
            ("친구들이랑 놀았어.", vec!["친구", "놀다"]),
            ("몰라도 괜찮아.", vec!["모르다", "괜찮다"]),
            ("오랜만이에요!", vec!["오랜만"]),
        ] {
            let words: Vec<_> = vocabulary(text).into_iter().map(|word| word.word).collect();
            assert_eq!(words, expected, "{text}");
        }
    }

    #[test]
    fn there_are_one_to_five_words_and_nothing_is_empty() {
        for text in [
            "",
            "hello",
            "ㅋㅋ",
            "쀍쀍",
            "오늘 학교에서 친구를 만나서 점심을 먹고 영화를 보고 커피를 마셨어요.",
        ] {
            let words = vocabulary(text);
            assert!((1..=5).contains(&words.len()), "{text}");
            for word in words {
                let WordContext { roma, ko, en } = &word.context;
                assert!(!word.word.is_empty() && !ko.is_empty() && !en.is_empty(), "{word:?}");
                assert!(!roma.is_empty() && roma.is_ascii(), "{word:?}");
            }
        }
    }
}
