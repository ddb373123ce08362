//! How one calls oneself and the other by level: 나 and 저, 너.

use std::ops::Range;

use contract::chat::Level;

use super::data::address::{
    ADVERBS, COPULAS, COUNTERS, OPENERS, OWN, PARTICLES, THINGS, VESSELS, YOU_TOGETHER,
};
use super::data::glossary;
use super::edit::Edit;
use super::grammar::{Asked, Shape, is_noun, lexicon};
use super::hangul::{letters, syllables};
use super::verdict::{Sign, Verdict};

/// Casual and humble: the particle is part of the word, as 내가 and 제가 are.
const SELF: [(&str, &str); 17] = [
    ("나는", "저는"),
    ("난", "저는"),
    ("내가", "제가"),
    ("나도", "저도"),
    ("나를", "저를"),
    ("나한테", "저한테"),
    ("나에게", "저에게"),
    ("내게", "제게"),
    ("나랑", "저랑"),
    ("나하고", "저하고"),
    ("나만", "저만"),
    ("나보다", "저보다"),
    ("나의", "저의"),
    ("나부터", "저부터"),
    ("나까지", "저까지"),
    ("나밖에", "저밖에"),
    ("내", "제"),
];
/// 우리 is right everywhere; 저희 is not among friends.
const OURS: [(&str, &str); 4] =
    [("저희는", "우리는"), ("저희가", "우리가"), ("저희도", "우리도"), ("저희", "우리")];
/// "You" as friends say it; there is no word for it in polite speech, so it can only be left out.
const YOU: [&str; 3] = ["너는", "넌", "너"];
const YOU_THAT_MUST_STAY: [&str; 15] = [
    "너가",
    "너도",
    "너를",
    "널",
    "너한테",
    "너에게",
    "너랑",
    "너하고",
    "네가",
    "니가",
    "너희",
    "너희는",
    "너의",
    "너보다",
    "너만",
];

/// The words of a sentence that do not belong where `wanted` is spoken. `None`: there are some, but what to say
/// instead is not sure.
pub(super) fn edits(text: &str, verdict: &Verdict, wanted: Level) -> Option<Vec<Edit>> {
    if wanted == Level::Casual { familiar(text, verdict) } else { humble(text, verdict) }
}

fn humble(text: &str, verdict: &Verdict) -> Option<Vec<Edit>> {
    let mut edits = Vec::new();
    let mut first = true;
    for (nth, word) in verdict.before.iter().enumerate() {
        let said = &text[word.clone()];
        let next = verdict.before.get(nth + 1).unwrap_or(&verdict.predicate);
        let following = &text[next.clone()];
        let previous = nth.checked_sub(1).map_or("", |nth| &text[verdict.before[nth].clone()]);
        if YOU_THAT_MUST_STAY.contains(&said) {
            return None;
        } else if YOU.contains(&said) {
            // 너 때문에: what would be left could not stand alone.
            if !first || said == "너" && listed(YOU_TOGETHER).any(|start| following.starts_with(start)) {
                return None;
            }
            edits.push(Edit { range: word.start..next.start, with: String::new() });
        } else if matches!(said, "네" | "니") && verdict.level == Level::Casual {
            let yes = said == "네" && nth == 0 && follows_yes(text, verdict, next);
            if nth + 1 < verdict.before.len() && first && is_own(following) {
                edits.push(Edit { range: word.start..next.start, with: String::new() });
            } else if !(yes || said == "네" && is_counted(following)) {
                return None;
            }
        } else if nth == 0 && (said == "응" || said == "그래" && verdict.before.len() == 1) {
            edits.push(edit(word, "네"));
        } else if nth == 0 && said == "아니" && verdict.level == Level::Casual {
            // 아니 이게 뭐야: surprise, no answer.
            let answer = verdict.before.len() == 1 || matches!(following, "안" | "못");
            if verdict.asked != Asked::No || !answer {
                return None;
            }
            edits.push(edit(word, "아니요"));
        } else if first && said == "나" {
            edits.push(edit(word, "저"));
        } else if let Some((_, with)) = SELF.iter().find(|(casual, _)| *casual == said) {
            // 냄새가 나는: a verb.
            let verb = matches!(said, "나는" | "난" | "나도") && previous.ends_with(['이', '가', '을', '를']);
            if !verb {
                edits.push(edit(word, with));
            }
        }
        first &= listed(OPENERS).any(|opener| opener == said);
    }
    Some(edits)
}

fn listed(words: &'static str) -> impl Iterator<Item = &'static str> {
    words.split_whitespace()
}

/// 이름이, 나이는: of whom one asks, everybody knows.
fn is_own(word: &str) -> bool {
    let noun = ["이", "가", "은", "는"].iter().find_map(|particle| word.strip_suffix(particle));
    noun.is_some_and(|noun| listed(OWN).any(|own| own == noun))
}

/// 명이, 살이에요, 시에: 네 before it is "four".
fn is_counted(word: &str) -> bool {
    listed(COUNTERS).filter_map(|counter| word.strip_prefix(counter)).any(|rest| {
        rest.is_empty()
            || listed(PARTICLES).any(|particle| particle == rest)
            || listed(COPULAS).any(|copula| rest.starts_with(copula))
    }) || listed(VESSELS).any(|vessel| word == vessel)
}

/// Whether 네 before `next` can only be "yes": before a noun it is "your" or "four".
fn follows_yes(text: &str, verdict: &Verdict, next: &Range<usize>) -> bool {
    let word = &text[next.clone()];
    if is_noun(word) && !listed(OPENERS).any(|opener| opener == word) || is_counted(word) {
        return false;
    }
    if next.start >= verdict.predicate.start {
        return match &verdict.sign {
            Sign::Words(readings) => readings.iter().all(|reading| reading.noun.is_none()),
            Sign::Phrase(_) => true,
            Sign::Ending => false,
        };
    }
    let joins = ["게", "고", "지만", "니까"]
        .iter()
        .filter_map(|end| word.strip_suffix(end))
        .any(|stem| stem.chars().count() > 1 && !lexicon().find(Shape::Base, &letters(stem)).is_empty());
    joins
        || listed(OPENERS).chain(listed(ADVERBS)).any(|adverb| adverb == word)
        || glossary::adverb_entries().any(|entry| entry.word == word)
        || SELF.iter().any(|(casual, humble)| word == *casual || word == *humble)
}

fn familiar(text: &str, verdict: &Verdict) -> Option<Vec<Edit>> {
    let mut edits = Vec::new();
    let mut first = true;
    for (nth, word) in verdict.before.iter().enumerate() {
        let said = &text[word.clone()];
        let range = verdict.before.get(nth + 1).unwrap_or(&verdict.predicate);
        let next = &text[range.clone()];
        match said {
            // "I", or "that" before a noun.
            "저" if first => {
                let last = nth + 1 == verdict.before.len();
                let thing = listed(THINGS).any(|thing| next.starts_with(thing));
                let somebody = ["학생", "남자", "여자"].iter().any(|person| next.starts_with(person));
                if last && (!thing || somebody) || listed(OPENERS).any(|opener| opener == next) {
                    edits.push(edit(word, "나"));
                } else if !(thing && next.ends_with(['은', '는'])) {
                    return None;
                }
            }
            // 제 2과: a number; 제 시간에: in time.
            "제" if next.starts_with(|c: char| c.is_ascii_digit()) || next == "시간에" => {}
            "네" | "예" if nth == 0 => {
                if follows_yes(text, verdict, range) {
                    edits.push(edit(word, "응"));
                } else if said == "예" || !is_counted(next) {
                    return None;
                }
            }
            "아니요" | "아뇨" if nth == 0 => edits.push(edit(word, "아니")),
            _ => {
                if let Some(with) = without_respect(said, &text[verdict.predicate.clone()]) {
                    edits.push(edit(word, &with));
                }
                edits.extend(among_friends(said).map(|with| edit(word, with)));
            }
        }
        first &=
            matches!(said, "네" | "예" | "아니요" | "아뇨") || listed(OPENERS).any(|opener| opener == said);
    }
    Some(edits)
}

/// What one says among friends for 저는, 저희.
pub(super) fn among_friends(word: &str) -> Option<&'static str> {
    let own = SELF.iter().find(|(_, humble)| *humble == word).map(|(casual, _)| *casual);
    own.or_else(|| OURS.iter().find(|(humble, _)| *humble == word).map(|(_, casual)| *casual))
}

/// Thanks for what a friend did: 도와주셔서 to 도와줘서.
fn without_respect(word: &str, predicate: &str) -> Option<String> {
    const THANKS: [&str; 6] = ["고마", "고맙", "감사", "미안", "죄송", "축하"];
    let open =
        word.strip_suffix("셔서").filter(|_| THANKS.iter().any(|start| predicate.starts_with(start)))?;
    let found = lexicon().find(Shape::Open, &letters(open)).into_iter().next()?;
    Some(syllables(&format!("{}{}{}", found.prefix, found.stem.joined, letters("서"))))
}

fn edit(range: &Range<usize>, with: &str) -> Edit {
    Edit { range: range.clone(), with: with.to_owned() }
}
