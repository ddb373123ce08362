//! What a verb or an adjective looks like before each kind of ending. All in letters (`hangul::letters`).

use crate::tutor::hangul::{closed, letters};

/// How a word changes before endings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::tutor) enum Pattern {
    /// Also words in ㄹ and in ㅡ, whose changes have no exceptions.
    Regular,
    /// 덥다, 더워.
    B,
    /// 돕다, 도와.
    BwithA,
    /// 듣다, 들어.
    D,
    /// 낫다, 나아.
    S,
    /// 그렇다, 그래.
    H,
    /// 모르다, 몰라.
    Reu,
    /// 하다, 해.
    Ha,
    /// 아니다, 아니야.
    Ani,
}

/// What a word means decides which endings it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::tutor) enum Kind {
    /// 가다.
    Action,
    /// 좋다.
    Quality,
    /// 있다.
    Being,
    /// 이다 behind a noun.
    Copula,
    /// Anything behind -았- or -겠-.
    Tensed,
}

/// The shapes of one word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::tutor) struct Stem {
    pub(in crate::tutor) kind: Kind,
    /// Before 지, 고, 자: 살.
    pub(in crate::tutor) base: String,
    /// Before 네, 는, 니: 사.
    pub(in crate::tutor) near: String,
    /// Before (으)세요, (으)ㄹ게, (으)ㅂ시다: 사, 먹으, 더우.
    pub(in crate::tutor) open: String,
    /// Before 요 and ㅆ: 살아, 먹어, 더워.
    pub(in crate::tutor) joined: String,
    /// As the last word of a casual sentence; only 이다 and 아니다 differ from `joined`.
    pub(in crate::tutor) bare: String,
    /// Another word takes the honorific -시-: 계 for 있다.
    pub(in crate::tutor) honoured: Option<String>,
}

/// Marks the second of two words that look the same in dictionaries.
pub(in crate::tutor) const TWIN: char = '²';

const EU: &str = "\u{110B}\u{1173}";
const A: &str = "\u{110B}\u{1161}";
const EO: &str = "\u{110B}\u{1165}";
const SHUT_R: char = '\u{11AF}';

impl Stem {
    /// The shapes of `word`, in dictionary form.
    pub(in crate::tutor) fn new(word: &str, kind: Kind, pattern: Pattern) -> Self {
        let base = letters(word.trim_end_matches(TWIN).strip_suffix('다').unwrap_or(word));
        let near = if base.ends_with(SHUT_R) { without_last(&base) } else { base.clone() };
        let (open, joined) = match pattern {
            Pattern::Regular => (regular_open(&base), regular_joined(&base)),
            Pattern::B => (without_last(&base) + &letters("우"), without_last(&base) + &letters("워")),
            Pattern::BwithA => (without_last(&base) + &letters("우"), without_last(&base) + &letters("와")),
            Pattern::D => {
                let changed = without_last(&base) + &SHUT_R.to_string();
                (changed.clone() + EU, changed.clone() + harmony(&changed))
            }
            Pattern::S => {
                let changed = without_last(&base);
                (changed.clone() + EU, changed.clone() + harmony(&changed))
            }
            Pattern::H => (without_last(&base), fronted(&without_last(&base))),
            Pattern::Reu => (base.clone(), doubled(&base)),
            Pattern::Ha => (base.clone(), without_last(&base) + "\u{1162}"),
            Pattern::Ani => (base.clone(), base.clone() + &letters("에")),
        };
        let last = if pattern == Pattern::Ani { base.clone() + &letters("야") } else { joined.clone() };
        Self { kind, base, near, open, joined, bare: last, honoured: None }
    }

    /// 이다 behind `noun`, in letters.
    pub(in crate::tutor) fn copula(noun: &str) -> Self {
        let long = noun.to_owned() + &letters("이");
        let (short, joined, bare) = if closed(noun) {
            (long.clone(), noun.to_owned() + &letters("이에"), noun.to_owned() + &letters("이야"))
        } else {
            (noun.to_owned(), noun.to_owned() + &letters("예"), noun.to_owned() + &letters("야"))
        };
        Self {
            kind: Kind::Copula,
            base: short.clone(),
            near: short,
            open: long,
            joined,
            bare,
            honoured: None,
        }
    }

    /// Behind -았- or -겠-: `letters` ends in ㅆ.
    pub(in crate::tutor) fn tensed(letters: &str) -> Self {
        let joined = letters.to_owned() + EO;
        Self {
            kind: Kind::Tensed,
            base: letters.to_owned(),
            near: letters.to_owned(),
            open: letters.to_owned() + EU,
            bare: joined.clone(),
            joined,
            honoured: None,
        }
    }

    /// With `prefix` before it.
    pub(in crate::tutor) fn behind(&self, prefix: &str) -> Self {
        let all = |shape: &str| prefix.to_owned() + shape;
        Self {
            kind: self.kind,
            base: all(&self.base),
            near: all(&self.near),
            open: all(&self.open),
            joined: all(&self.joined),
            bare: all(&self.bare),
            honoured: self.honoured.as_deref().map(all),
        }
    }

    /// With -(으)시-.
    pub(in crate::tutor) fn with_honour(&self) -> Self {
        let stem = self.honoured.as_ref().unwrap_or(&self.open).clone();
        let long = stem.clone() + &letters("시");
        Self {
            kind: self.kind,
            base: long.clone(),
            near: long.clone(),
            open: long,
            joined: stem.clone() + &letters("세"),
            bare: stem + &letters("셔"),
            honoured: None,
        }
    }

    /// Whether 아 or 어 joins it as every verb.
    pub(in crate::tutor) fn is_regular(&self) -> bool {
        regular_joined(&self.base) == self.joined
    }

    /// What learners write for `joined` when they take an irregular word for a regular one.
    pub(in crate::tutor) fn misjoined(&self) -> Vec<String> {
        let mut wrong = vec![self.base.clone() + A, self.base.clone() + EO];
        wrong.retain(|form| *form != self.joined && !self.uncontracted().contains(form));
        wrong
    }

    /// Correct, but seldom said: 보아, 주어, 마시어, 하여.
    pub(in crate::tutor) fn uncontracted(&self) -> Vec<String> {
        match self.base.chars().next_back() {
            Some('\u{1169}') if !self.joined.ends_with("\u{110B}\u{116A}") => vec![self.base.clone() + A],
            // 주어, 마시어, 되어; 보내어, 세어, 켜어: long forms of ㅐ, ㅔ, ㅕ.
            Some('\u{116E}' | '\u{1175}' | '\u{116C}' | '\u{1162}' | '\u{1166}' | '\u{1167}') => {
                vec![self.base.clone() + EO]
            }
            Some('\u{1161}') if self.joined.ends_with('\u{1162}') => vec![self.base.clone() + &letters("여")],
            _ => Vec::new(),
        }
    }
}

fn without_last(letters: &str) -> String {
    let mut chars = letters.chars();
    chars.next_back();
    chars.as_str().to_owned()
}

fn regular_open(base: &str) -> String {
    if base.ends_with(SHUT_R) {
        without_last(base)
    } else if closed(base) {
        base.to_owned() + EU
    } else {
        base.to_owned()
    }
}

fn regular_joined(base: &str) -> String {
    let contracted = |vowel: char| without_last(base) + &vowel.to_string();
    match base.chars().next_back() {
        Some('\u{1161}' | '\u{1162}' | '\u{1165}' | '\u{1166}' | '\u{1167}') => base.to_owned(),
        Some('\u{1169}') => contracted('\u{116A}'),
        Some('\u{116E}') => contracted('\u{116F}'),
        Some('\u{1175}') => contracted('\u{1167}'),
        Some('\u{116C}') => contracted('\u{116B}'),
        Some('\u{1173}') => {
            let before = without_last(&without_last(base));
            contracted(if bright(&before) { '\u{1161}' } else { '\u{1165}' })
        }
        _ => base.to_owned() + harmony(base),
    }
}

/// ㅏ and ㅗ call for 아, all others for 어.
fn bright(letters: &str) -> bool {
    let vowel = letters.chars().rev().find(|c| matches!(c, '\u{1161}'..='\u{1175}'));
    matches!(vowel, Some('\u{1161}' | '\u{1163}' | '\u{1169}'))
}

fn harmony(letters: &str) -> &'static str {
    if bright(letters) { A } else { EO }
}

/// 그러 to 그래, 하야 to 하얘.
fn fronted(open: &str) -> String {
    let vowel = match open.chars().next_back() {
        Some('\u{1163}') => '\u{1164}',
        Some('\u{1167}') => '\u{1168}',
        _ => '\u{1162}',
    };
    without_last(open) + &vowel.to_string()
}

/// 모르 to 몰라.
fn doubled(base: &str) -> String {
    let stem = without_last(&without_last(base));
    let vowel = if bright(&stem) { '\u{1161}' } else { '\u{1165}' };
    format!("{stem}{SHUT_R}\u{1105}{vowel}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tutor::hangul::syllables;

    #[test]
    fn each_pattern_has_its_shapes() {
        use Pattern::{Ani, B, BwithA, D, H, Ha, Regular, Reu, S};
        for (word, pattern, near, open, joined) in [
            ("가다", Regular, "가", "가", "가"),
            ("먹다", Regular, "먹", "먹으", "먹어"),
            ("살다", Regular, "사", "사", "살아"),
            ("오다", Regular, "오", "오", "와"),
            ("배우다", Regular, "배우", "배우", "배워"),
            ("마시다", Regular, "마시", "마시", "마셔"),
            ("되다", Regular, "되", "되", "돼"),
            ("쉬다", Regular, "쉬", "쉬", "쉬어"),
            ("쓰다", Regular, "쓰", "쓰", "써"),
            ("바쁘다", Regular, "바쁘", "바쁘", "바빠"),
            ("따르다", Regular, "따르", "따르", "따라"),
            ("얇다", Regular, "얇", "얇으", "얇아"),
            ("덥다", B, "덥", "더우", "더워"),
            ("돕다", BwithA, "돕", "도우", "도와"),
            ("듣다", D, "듣", "들으", "들어"),
            ("깨닫다", D, "깨닫", "깨달으", "깨달아"),
            ("낫다", S, "낫", "나으", "나아"),
            ("짓다", S, "짓", "지으", "지어"),
            ("어떻다", H, "어떻", "어떠", "어때"),
            ("하얗다", H, "하얗", "하야", "하얘"),
            ("모르다", Reu, "모르", "모르", "몰라"),
            ("부르다", Reu, "부르", "부르", "불러"),
            ("공부하다", Ha, "공부하", "공부하", "공부해"),
            ("아니다", Ani, "아니", "아니", "아니에"),
        ] {
            let stem = Stem::new(word, Kind::Action, pattern);
            let shapes = [&stem.near, &stem.open, &stem.joined].map(|shape| syllables(shape));
            assert_eq!(shapes, [near, open, joined], "{word}");
        }
    }
}
