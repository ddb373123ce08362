//! Finds the words that have a given shape before an ending.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use super::stem::{Kind, Stem, TWIN};
use crate::tutor::data::verbs::{HONOURED, VERBS};
use crate::tutor::hangul::{letters, syllables};

/// Which of a word's shapes an ending stands behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::tutor) enum Shape {
    Base,
    Near,
    Open,
    Joined,
    Bare,
}

/// A word in a text: what stands before it in the same unit of writing, and its shapes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::tutor) struct Found<'l> {
    pub(in crate::tutor) prefix: String,
    pub(in crate::tutor) word: &'static str,
    pub(in crate::tutor) stem: &'l Stem,
}

#[derive(Default)]
pub(in crate::tutor) struct Lexicon {
    words: Vec<(&'static str, Stem)>,
    shapes: [HashMap<String, Vec<usize>>; 5],
    /// Forms of an honorific word, such as 계, by the word that stands for it without respect.
    honoured: HashMap<String, usize>,
    /// What learners write for `joined`, if it is no form of another word.
    misjoined: HashMap<String, usize>,
}

/// The words of `data::verbs`, prepared once.
pub(in crate::tutor) fn lexicon() -> &'static Lexicon {
    static LEXICON: LazyLock<Lexicon> = LazyLock::new(Lexicon::new);
    &LEXICON
}

/// Words that make one word of a noun before them: 공부하다, 걱정되다, 재미없다, 반짝거리다.
const PRODUCTIVE: [&str; 5] = ["하다", "되다", "거리다", "있다", "없다"];
/// Words that make one word of a joined verb before them: 도와주다, 좋아지다.
const AUXILIARY: [&str; 10] =
    ["가다", "오다", "보다", "주다", "드리다", "지다", "버리다", "놓다", "두다", "내다"];
/// Adverbs that learners write together with the verb.
const ADVERBS: [&str; 3] = ["안", "못", "잘"];
impl Lexicon {
    fn new() -> Self {
        let mut lexicon = Self::default();
        for &(kind, pattern, words) in VERBS {
            for word in words.split_whitespace() {
                lexicon.add(word, Stem::new(word, kind, pattern));
            }
        }
        lexicon.add_uncontracted();
        lexicon.add_misjoined();
        lexicon
    }

    fn add(&mut self, word: &'static str, mut stem: Stem) {
        let at = self.words.len();
        if let Some((_, honoured)) = HONOURED.iter().find(|(plain, _)| *plain == word) {
            let honoured = letters(honoured);
            self.honoured.insert(honoured.clone(), at);
            stem.honoured = Some(honoured);
        }
        if word == "말다" {
            stem.bare = letters("마");
        }
        let mut index = |shape: Shape, form: &str| {
            let words = self.shapes[shape as usize].entry(form.to_owned()).or_default();
            if !words.contains(&at) {
                words.push(at);
            }
        };
        index(Shape::Base, &stem.base);
        index(Shape::Near, &stem.near);
        index(Shape::Open, &stem.open);
        index(Shape::Joined, &stem.joined);
        index(Shape::Bare, &stem.bare);
        if word == "말다" {
            index(Shape::Joined, &stem.bare);
        }
        if word == "아니다" {
            index(Shape::Bare, &letters("아냐"));
        }
        self.words.push((word, stem));
    }

    /// 보아 for 봐, unless it is the usual form of another word.
    fn add_uncontracted(&mut self) {
        let known: HashSet<String> = self.shapes[Shape::Joined as usize].keys().cloned().collect();
        for (at, (_, stem)) in self.words.iter().enumerate() {
            for form in stem.uncontracted().into_iter().filter(|form| !known.contains(form)) {
                for shape in [Shape::Joined, Shape::Bare] {
                    self.shapes[shape as usize].entry(form.clone()).or_default().push(at);
                }
            }
        }
    }

    fn add_misjoined(&mut self) {
        let mut forms = HashMap::new();
        for (at, (word, stem)) in self.words.iter().enumerate() {
            // 묻아요: to ask, or to bury?
            let twin = self.words.iter().any(|(other, _)| other.strip_suffix(TWIN) == Some(*word));
            if twin
                || word.ends_with(TWIN)
                || stem.kind == Kind::Being
                || stem.base.chars().count() == 2 && stem.joined == stem.base
            {
                continue;
            }
            for form in stem.misjoined() {
                if !self.shapes[Shape::Joined as usize].contains_key(&form) {
                    forms.entry(form).or_insert(at);
                }
            }
        }
        self.misjoined = forms;
    }

    /// The words with this shape. An exact match hides those that need a prefix.
    pub(in crate::tutor) fn find(&self, shape: Shape, form: &str) -> Vec<Found<'_>> {
        for (at, _) in form.char_indices().filter(|(_, c)| matches!(c, '\u{1100}'..='\u{1112}')) {
            let (prefix, rest) = form.split_at(at);
            let Some(words) = self.shapes[shape as usize].get(rest) else { continue };
            let fitting: Vec<_> = words
                .iter()
                .map(|&at| &self.words[at])
                .filter(|(word, _)| self.may_follow(prefix, word))
                .map(|(word, stem)| Found { prefix: prefix.to_owned(), word, stem })
                .collect();
            if !fitting.is_empty() {
                return fitting;
            }
        }
        Vec::new()
    }

    fn may_follow(&self, prefix: &str, word: &str) -> bool {
        prefix.is_empty()
            // 침해 and 수해 are nouns; the verbs with one syllable before 하다 stand in the lexicon.
            || PRODUCTIVE.contains(&word) && (matches!(word, "있다" | "없다") || syllables(prefix).chars().count() > 1)
            || ADVERBS.contains(&syllables(prefix).as_str())
            || AUXILIARY.contains(&word) && self.shapes[Shape::Joined as usize].contains_key(prefix)
    }

    /// The word for which `form` stands before -시-: 계 for 있다.
    pub(in crate::tutor) fn honoured(&self, form: &str) -> Option<&Stem> {
        self.honoured.get(form).map(|&at| &self.words[at].1)
    }

    /// The word that a learner meant by `form`, which is none.
    pub(in crate::tutor) fn misjoined(&self, form: &str) -> Option<&Stem> {
        self.misjoined.get(form).map(|&at| &self.words[at].1)
    }

    pub(in crate::tutor) fn is_joined(&self, form: &str) -> bool {
        self.shapes[Shape::Joined as usize].contains_key(form)
    }

    /// The word in dictionary form.
    pub(in crate::tutor) fn word(&self, word: &str) -> Option<&Stem> {
        self.words.iter().find(|(known, _)| *known == word).map(|(_, stem)| stem)
    }
}
