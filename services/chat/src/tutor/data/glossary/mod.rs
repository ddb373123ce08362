//! Everyday words with their meaning, how hard they are (1 first week, 5 rare) and a sentence.

mod action;
mod adverb;
mod feeling;
mod food;
mod home;
mod nature;
mod people;
mod place;
mod quality;
mod study;
mod time;

/// A word as dictionaries have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::tutor) struct Entry {
    pub(in crate::tutor) word: &'static str,
    pub(in crate::tutor) meaning: &'static str,
    pub(in crate::tutor) difficulty: u8,
    pub(in crate::tutor) example: &'static str,
}

/// Word, meaning, difficulty, example.
type Row = (&'static str, &'static str, u8, &'static str);

const NOUNS: [&[Row]; 8] = [
    people::WORDS,
    food::WORDS,
    place::WORDS,
    time::WORDS,
    study::WORDS,
    home::WORDS,
    feeling::NOUNS,
    nature::WORDS,
];
const PREDICATES: [&[Row]; 3] = [action::WORDS, quality::WORDS, feeling::PREDICATES];

fn entries(groups: &'static [&'static [Row]]) -> impl Iterator<Item = Entry> {
    groups.iter().flat_map(|rows| rows.iter()).map(|&(word, meaning, difficulty, example)| Entry {
        word,
        meaning,
        difficulty,
        example,
    })
}

/// Words that take particles.
pub(in crate::tutor) fn noun_entries() -> impl Iterator<Item = Entry> {
    entries(&NOUNS)
}

/// Verbs and adjectives.
pub(in crate::tutor) fn predicate_entries() -> impl Iterator<Item = Entry> {
    entries(&PREDICATES)
}

/// Words that never change.
pub(in crate::tutor) fn adverb_entries() -> impl Iterator<Item = Entry> {
    entries(&[adverb::WORDS])
}

pub(in crate::tutor) fn nouns() -> impl Iterator<Item = &'static str> {
    noun_entries().map(|entry| entry.word)
}
