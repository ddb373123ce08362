//! Korean letters: syllables taken apart and put together again. A syllable in letters is the conjoining form of
//! Unicode, in which the consonant that ends a syllable differs from the one that begins one.

use unicode_normalization::UnicodeNormalization as _;

/// How syllables are numbered in Unicode: 21 vowels and 28 endings (none is the first) for each beginning.
const FIRST_SYLLABLE: u32 = 0xAC00;
const LAST_SYLLABLE: u32 = 0xD7A3;
const VOWELS: u32 = 21;
const CODAS: u32 = 28;

/// A syllable by the numbers of its parts; `coda` 0 is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Parts {
    pub(super) onset: u32,
    pub(super) vowel: u32,
    pub(super) coda: u32,
}

pub(super) const fn is_syllable(c: char) -> bool {
    matches!(c as u32, FIRST_SYLLABLE..=LAST_SYLLABLE)
}

pub(super) fn parts(c: char) -> Option<Parts> {
    is_syllable(c).then(|| {
        let number = c as u32 - FIRST_SYLLABLE;
        Parts { onset: number / (VOWELS * CODAS), vowel: number / CODAS % VOWELS, coda: number % CODAS }
    })
}

/// ㅋ, ㅠ and their like, standing alone.
pub(super) const fn is_lone_letter(c: char) -> bool {
    matches!(c, '\u{3131}'..='\u{318E}' | '\u{1100}'..='\u{11FF}')
}

/// `text` in letters.
pub(super) fn letters(text: &str) -> String {
    text.nfd().collect()
}

/// `letters` in syllables.
pub(super) fn syllables(letters: &str) -> String {
    letters.nfc().collect()
}

/// Whether the last syllable of `word` (in syllables) ends in a consonant.
pub(super) fn ends_in_consonant(word: &str) -> bool {
    word.chars().next_back().and_then(parts).is_some_and(|last| last.coda != 0)
}

/// Whether letters end in a consonant.
pub(super) fn closed(letters: &str) -> bool {
    letters.chars().next_back().is_some_and(|c| matches!(c, '\u{11A8}'..='\u{11C2}'))
}

/// An ending as it is written in tables, in letters: a consonant in front closes the syllable before it.
pub(super) fn ending(written: &str) -> String {
    let mut chars = written.chars();
    let coda = match chars.clone().next() {
        Some('ㄴ') => '\u{11AB}',
        Some('ㄹ') => '\u{11AF}',
        Some('ㅂ') => '\u{11B8}',
        Some('ㅆ') => '\u{11BB}',
        _ => return letters(written),
    };
    chars.next();
    std::iter::once(coda).chain(chars.as_str().nfd()).collect()
}

/// The particle that fits behind `word`.
pub(super) fn particle(word: &str, after_consonant: &'static str, after_vowel: &'static str) -> &'static str {
    if ends_in_consonant(word) { after_consonant } else { after_vowel }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_and_syllables_are_each_others_inverse() {
        for word in ["값", "갑니다", "뷁", "의", "한국말"] {
            assert_eq!(syllables(&letters(word)), word);
        }
        assert_eq!(syllables(&(letters("가") + &ending("ㅂ니다"))), "갑니다");
        assert!(closed(&letters("값")) && !closed(&letters("가")));
    }

    #[test]
    fn particles_follow_the_last_sound() {
        assert_eq!(particle("책", "은", "는"), "은");
        assert_eq!(particle("의사", "은", "는"), "는");
    }
}
