//! Finds words of a list in a text, however they are spelt, and not in innocent ones.
//!
//! More words come from a file, a line each: `insult: word`, with any [`Category`]'s name, or `allow: word` for what is
//! innocent. Empty lines and lines that begin with `#` mean nothing.

use std::collections::HashMap;
use std::fs;
use std::ops::Range;
use std::path::Path;

use super::letters::{Letter, Run, is_latin, letters, runs};
use super::words::{ANYWHERE, INNOCENT, LEAD_INS, WORDS};
use super::{Category, ModerationError};

/// A list by hand is far shorter.
const MOST_LINES: usize = 10_000;

/// Where a word may stand in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// The whole word.
    Whole,
    /// The beginning of a word, perhaps behind an exclamation.
    Beginning,
    Anywhere,
}

#[derive(Debug, Clone)]
struct Pattern {
    category: Category,
    place: Place,
    /// Several words, in a text that may space them otherwise.
    phrase: bool,
    runs: Vec<Run>,
}

pub(super) struct WordList {
    /// By first letter.
    patterns: HashMap<char, Vec<Pattern>>,
    innocent: Vec<Vec<char>>,
    lead_ins: Vec<Vec<char>>,
}

impl WordList {
    pub(super) fn built_in() -> Self {
        let plain = |word: &&str| word.chars().collect();
        let mut list = Self {
            patterns: HashMap::new(),
            innocent: INNOCENT.iter().map(plain).collect(),
            lead_ins: LEAD_INS.iter().map(plain).collect(),
        };
        for (category, words) in WORDS {
            for word in *words {
                list.add(*category, word, None);
            }
        }
        for (category, word) in ANYWHERE {
            list.add(*category, word, Some(Place::Anywhere));
        }
        list
    }

    /// # Errors
    /// When the file cannot be read or a line of it means nothing.
    pub(super) fn add_file(&mut self, path: &Path) -> Result<(), ModerationError> {
        let shown = || path.display().to_string();
        let text =
            fs::read_to_string(path).map_err(|source| ModerationError::File { path: shown(), source })?;
        for (line, text) in (1..).zip(text.lines()) {
            let added = if line > MOST_LINES { Err("too many lines") } else { self.add_line(text.trim()) };
            added.map_err(|reason| ModerationError::Words { path: shown(), line, reason })?;
        }
        Ok(())
    }

    fn add_line(&mut self, line: &str) -> Result<(), &'static str> {
        if line.is_empty() || line.starts_with('#') {
            return Ok(());
        }
        let (kind, word) = line.split_once(':').ok_or("not of the form `category: word`")?;
        if letters(word).is_empty() {
            return Err("a word has letters");
        }
        if kind.trim() == "allow" {
            self.innocent.push(letters(word).into_iter().map(|letter| letter.shape).collect());
            return Ok(());
        }
        let category = Category::ALL.into_iter().find(|category| category.as_str() == kind.trim());
        self.add(category.ok_or("no such category")?, word, None);
        Ok(())
    }

    fn add(&mut self, category: Category, word: &str, place: Option<Place>) {
        let letters = letters(word);
        let Some(first) = letters.first() else { return };
        let usual = if is_latin(first.shape) { Place::Whole } else { Place::Beginning };
        let phrase = word.split_whitespace().nth(1).is_some();
        let pattern = Pattern { category, place: place.unwrap_or(usual), phrase, runs: runs(&letters, 0) };
        self.patterns.entry(first.shape).or_default().push(pattern);
    }

    /// What is wrong with a text. Somebody in danger counts more than bad manners.
    pub(super) fn find(&self, text: &str) -> Option<Category> {
        let letters = letters(text);
        let mut found = None;
        for (range, phrase) in streams(&letters) {
            for category in self.find_in(&letters, range, phrase) {
                if category == Category::SelfHarm {
                    return Some(category);
                }
                found = found.or(Some(category));
            }
        }
        found
    }

    fn find_in(&self, letters: &[Letter], range: Range<usize>, phrase: bool) -> Vec<Category> {
        let stream = runs(&letters[range.clone()], range.start);
        let mut found = Vec::new();
        for at in 0..stream.len() {
            for pattern in self.patterns.get(&stream[at].shape).into_iter().flatten() {
                if pattern.phrase == phrase
                    && let Some(place) = self.matches(pattern, &stream, at)
                    && !self.is_innocent(letters, &place)
                {
                    found.push(pattern.category);
                }
            }
        }
        found
    }

    /// The letters that a pattern covers, if it stands there.
    fn matches(&self, pattern: &Pattern, stream: &[Run], at: usize) -> Option<Range<usize>> {
        let there = stream.get(at..at + pattern.runs.len())?;
        let equal = there.iter().zip(&pattern.runs).all(|(run, wanted)| {
            // `niger` is a country, so a letter must not stand there less often than in the word.
            run.shape == wanted.shape && run.times >= wanted.times
        });
        let (first, last) = (there.first()?, there.last()?);
        let fits = match pattern.place {
            Place::Whole => first.start && last.end,
            Place::Beginning => first.start || self.is_led_in(stream, at),
            Place::Anywhere => true,
        };
        (equal && fits).then_some(first.from..last.to)
    }

    fn is_led_in(&self, stream: &[Run], at: usize) -> bool {
        self.lead_ins.iter().any(|lead_in| {
            at.checked_sub(lead_in.len()).is_some_and(|from| {
                stream[from].start && stream[from..at].iter().map(|run| run.shape).eq(lead_in.iter().copied())
            })
        })
    }

    fn is_innocent(&self, letters: &[Letter], found: &Range<usize>) -> bool {
        self.innocent.iter().any(|word| {
            let (counted, word) = match word.split_first() {
                Some(('#', rest)) => (true, rest),
                _ => (false, &word[..]),
            };
            let first = (found.start + 1).saturating_sub(word.len());
            (first..found.end).any(|from| {
                letters
                    .get(from..from + word.len())
                    .is_some_and(|there| there.iter().map(|letter| letter.shape).eq(word.iter().copied()))
                    && (!counted || is_behind_a_digit(letters, from))
            })
        })
    }
}

/// A letter that begins its token begins a word too, unless a digit stands before it.
fn is_behind_a_digit(letters: &[Letter], at: usize) -> bool {
    let first = at == 0 || letters[at - 1].token != letters[at].token;
    first && !letters[at].start
}

/// Where words are looked for: each token, what is spelt letter by letter; and where phrases are: everywhere.
fn streams(letters: &[Letter]) -> Vec<(Range<usize>, bool)> {
    let mut streams = vec![(0..letters.len(), true)];
    let mut add = |same: fn(&Letter, &Letter) -> bool| {
        let mut from = 0;
        for part in letters.chunk_by(same) {
            streams.push((from..from + part.len(), false));
            from += part.len();
        }
    };
    add(|a, b| a.token == b.token);
    add(|a, b| a.single && b.single);
    streams
}

#[cfg(test)]
mod tests;
