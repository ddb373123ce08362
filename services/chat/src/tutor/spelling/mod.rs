//! Corrects what is wrong at any level of politeness: spelling, spacing, particles, irregular verbs.

mod ending;

use std::ops::Range;

use self::ending::{copula, irregular, particle};

use crate::tutor::data::misspelling::{ANYWHERE, FEELS, STEWS, WHOLE};
use crate::tutor::edit::Edit;
use crate::tutor::grammar::{Shape, is_noun, lexicon};
use crate::tutor::hangul::{self, is_syllable, letters, syllables};
use crate::tutor::sentence::words;

/// Why a word was corrected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::tutor) enum Lesson {
    Spelling,
    Spacing,
    Negation,
    Copula,
    Irregular,
    /// Vowel harmony and contraction of regular words: 먹어요, 만났어요.
    Joining,
    /// -습니다 or -ㅂ니다.
    Formal,
    Particle,
    /// -ㄹ게요, -ㄹ 거예요.
    Future,
}

/// The words next to one.
#[derive(Default)]
struct Around<'t> {
    previous: &'t str,
    /// Empty at the end of a text.
    next: &'t str,
}

fn around<'t>(text: &'t str, words: &[Range<usize>], nth: usize) -> Around<'t> {
    let word =
        |nth: Option<usize>| nth.and_then(|nth| words.get(nth)).map_or("", |range| &text[range.clone()]);
    Around { previous: word(nth.checked_sub(1)), next: word(Some(nth + 1)) }
}

/// The mistakes of `text`, each with what is right. They do not overlap.
pub(in crate::tutor) fn mistakes(text: &str) -> Vec<(Edit, Lesson)> {
    let words = words(text, 0..text.len());
    let mut found = Vec::new();
    let mut joined_up_to = 0;
    for (nth, range) in words.iter().enumerate() {
        let previous = nth.checked_sub(1).map(|nth| words[nth].clone());
        let word = &text[range.clone()];
        if range.start < joined_up_to || !word.chars().any(is_syllable) {
            continue;
        }
        let apart = previous
            .as_ref()
            .filter(|previous| previous.start >= joined_up_to && &text[previous.end..range.start] == " ");
        if let Some(fixed) = apart.and_then(|previous| joined(&text[previous.clone()], word)) {
            // The noun was looked at already and found right, or it would not have been taken for one.
            let from = apart.map_or(range.start, |previous| previous.start);
            found.retain(|(edit, _): &(Edit, Lesson)| edit.range.end <= from);
            found.push((Edit { range: from..range.end, with: fixed }, Lesson::Spacing));
            joined_up_to = range.end;
        } else if let Some((with, lesson)) = settled(word, &around(text, &words, nth)) {
            found.push((Edit { range: Range::clone(range), with }, lesson));
        }
    }
    found
}

/// What is written as one word: 학생 입니다, 좋아 해요.
fn joined(noun: &str, word: &str) -> Option<String> {
    if matches!(noun, "좋아" | "싫어") && FEELS.split_whitespace().any(|form| form == word) {
        return Some(format!("{noun}{word}"));
    }
    let copula = matches!(word, "입니다" | "입니까" | "이에요" | "예요" | "이야");
    let particle =
        noun.ends_with(['은', '는', '이', '가', '을', '를', '도', '고', '서', '지', '요', '다', '니']);
    (copula && noun.chars().all(is_syllable) && (is_noun(noun) || !particle)).then(|| {
        let whole = format!("{noun}{word}");
        settled(&whole, &Around::default()).map_or(whole, |(fixed, _)| fixed)
    })
}

/// `word` with all its mistakes corrected, and the first lesson.
fn settled(word: &str, around: &Around<'_>) -> Option<(String, Lesson)> {
    let (mut fixed, lesson) = fix(word, around)?;
    // Each rule takes a mistake away; a handful of rounds is plenty.
    for _ in 0..4 {
        let Some((again, _)) = fix(&fixed, around) else { break };
        fixed = again;
    }
    (fixed != word).then_some((fixed, lesson))
}

fn fix(word: &str, around: &Around<'_>) -> Option<(String, Lesson)> {
    listed(word, around)
        .or_else(|| run_together(word, around))
        .or_else(|| negation(word, around))
        .or_else(|| future(word, around))
        .or_else(|| copula(word))
        .or_else(|| irregular(word, around))
        .or_else(|| particle(word))
}

fn listed(word: &str, around: &Around<'_>) -> Option<(String, Lesson)> {
    if word == "되" && around.next.is_empty() && !around.previous.is_empty() {
        return Some(("돼".to_owned(), Lesson::Spelling));
    }
    if let Some((_, right)) = WHOLE.iter().find(|(wrong, _)| *wrong == word) {
        return (!is_right_here(word, around)).then(|| ((*right).to_owned(), Lesson::Spelling));
    }
    if let Some(fixed) = stew(word, around).or_else(|| wish(word)) {
        return Some((fixed, Lesson::Spelling));
    }
    let (wrong, right) = ANYWHERE.iter().find(|(wrong, _)| word.contains(wrong))?;
    // 무역 활동 and 지역 활성화, written as one word.
    let chance = *wrong == "역활" && (word.contains("역활동") || word.contains("역활성"));
    (!chance).then(|| (word.replace(wrong, right), Lesson::Spelling))
}

/// What is mostly a mistake, but not between these words.
fn is_right_here(word: &str, around: &Around<'_>) -> bool {
    let followed = |starts: &[&str]| starts.iter().any(|start| around.next.starts_with(start));
    match word {
        // 문화의 일부로: as a part.
        "일부로" => around.previous.ends_with('의') || is_noun(around.previous),
        "안녕이" => !followed(&["가", "계", "게", "주무"]),
        "십어" | "십어요" => !around.previous.ends_with('고'),
        "저은" => around.previous.ends_with(['을', '를']),
        // 손을 베게 하다.
        "베게" => followed(&["하", "해", "했", "되", "돼", "됐", "된", "만들"]),
        _ => false,
    }
}

/// 김치찌게, but 살찌게 and 만두를 찌게.
fn stew(word: &str, around: &Around<'_>) -> Option<String> {
    let (before, rest) = word.split_once("찌게")?;
    let known = |text: &str| STEWS.split_whitespace().any(|stew| text.ends_with(stew));
    let alone = known(around.previous) || matches!(rest, "를" | "가");
    (if before.is_empty() { alone } else { known(before) }).then(|| format!("{before}찌개{rest}"))
}

/// 가고십어요, but 최고십니다.
fn wish(word: &str) -> Option<String> {
    let (stem, rest) = word.split_once("고십")?;
    let ending = rest.starts_with(['어', '니', '습', '은', '다', '지', '네']);
    let verb = !lexicon().find(Shape::Base, &letters(stem)).is_empty() && !is_noun(&format!("{stem}고"));
    (ending && verb).then(|| format!("{stem}고 싶{rest}"))
}

/// 하지마세요, 할거, 할수.
fn run_together(word: &str, around: &Around<'_>) -> Option<(String, Lesson)> {
    for end in ["마", "마요", "마세요", "마라", "말아요", "마십시오"] {
        let Some(stem) = word.strip_suffix(end).and_then(|rest| rest.strip_suffix('지')) else { continue };
        if !lexicon().find(Shape::Base, &letters(stem)).is_empty() {
            return Some((format!("{stem}지 {end}"), Lesson::Spacing));
        }
    }
    if !["같", "있", "없"].iter().any(|start| around.next.starts_with(start)) {
        return None;
    }
    // 실수 없이: a word of its own.
    if matches!(word, "실수" | "밀수" | "열거" | "철거" | "별거" | "박수") {
        return None;
    }
    for noun in ["거", "수"] {
        let Some(verb) = word.strip_suffix(noun) else { continue };
        let form = letters(verb);
        let future = form.strip_suffix('\u{11AF}').is_some_and(|open| {
            lexicon().find(Shape::Open, open).iter().any(|found| found.prefix.is_empty())
        });
        if future && !is_noun(word) {
            return Some((format!("{verb} {noun}"), Lesson::Spacing));
        }
    }
    None
}

/// 안 is an adverb, 않- a verb behind -지.
fn negation(word: &str, around: &Around<'_>) -> Option<(String, Lesson)> {
    // What may follow 않 in a right word.
    const AFTER: &str = "다아고습는은을니네지으던게도겠았기나거잖더군냐음자";
    if let Some(rest) = word.strip_prefix('않')
        && rest.chars().next().is_some_and(|next| !AFTER.contains(next))
    {
        return Some((format!("안 {rest}"), Lesson::Negation));
    }
    if let Some(rest) = word.strip_prefix('안')
        && ["돼", "되", "됩", "된", "될"].iter().any(|start| rest.starts_with(start))
        && !rest.starts_with("되었")
    {
        return Some((format!("안 {rest}"), Lesson::Negation));
    }
    let negated = around
        .previous
        .strip_suffix('지')
        .is_some_and(|stem| !lexicon().find(Shape::Base, &letters(stem)).is_empty());
    // 잡지 안고: a magazine.
    let negated = negated && !is_noun(around.previous) && around.previous != "잡지";
    if negated
        && let Some(rest) = word.strip_prefix('안')
        && rest.chars().next().is_some_and(|next| "아습았는고".contains(next))
    {
        return Some((format!("않{rest}"), Lesson::Negation));
    }
    None
}

/// 할께요, 갈꺼예요, 갈거에요.
fn future(word: &str, around: &Around<'_>) -> Option<(String, Lesson)> {
    let form = letters(word);
    for (wrong, right) in [("ㄹ께요", "ㄹ게요"), ("ㄹ께", "ㄹ게"), ("ㄹ껄", "ㄹ걸"), ("ㄹ껄요", "ㄹ걸요")]
    {
        if let Some(rest) = form.strip_suffix(&hangul::ending(wrong))
            && !lexicon().find(Shape::Open, rest).is_empty()
        {
            return Some((syllables(&(rest.to_owned() + &hangul::ending(right))), Lesson::Future));
        }
    }
    for wrong in ["꺼", "거"] {
        for end in ["예요", "에요", "야"] {
            let Some(rest) = word.strip_suffix(end).and_then(|rest| rest.strip_suffix(wrong)) else {
                continue;
            };
            let right = format!("거{}", if end == "야" { "야" } else { "예요" });
            let future = |word: &str| letters(word).ends_with('\u{11AF}');
            if !rest.is_empty() && rest != "별" && future(rest) {
                return Some((format!("{rest} {right}"), Lesson::Future));
            }
            if rest.is_empty() && wrong == "꺼" && future(around.previous) {
                return Some((right, Lesson::Future));
            }
        }
    }
    None
}
