//! Words with a wrong ending or particle.

use super::{Around, Lesson};
use crate::tutor::data::misspelling::NEVER_PLACES;
use crate::tutor::grammar::{Shape, Stem, ends_in_own_i, is_noun, lexicon};
use crate::tutor::hangul::{closed, ending, ends_in_consonant, letters, syllables};

/// 이에요 behind a consonant, 예요 behind a vowel.
pub(super) fn copula(word: &str) -> Option<(String, Lesson)> {
    let fixed = |noun: &str, copula: &str| Some((format!("{noun}{copula}"), Lesson::Copula));
    if let Some((noun, rest)) = word.split_once("이였")
        && ends_in_consonant(noun)
        && is_no_name(noun)
        && !ends_in_own_i(&format!("{noun}이"))
    {
        return fixed(noun, &format!("이었{rest}"));
    }
    if let Some(noun) = word.strip_suffix("이예요") {
        let wrong = ends_in_consonant(noun) && is_no_name(noun) && !ends_in_own_i(&format!("{noun}이"));
        return if wrong { fixed(noun, "이에요") } else { None };
    }
    if let Some(noun) = word.strip_suffix("이에요") {
        if ends_in_own_i(&format!("{noun}이")) {
            return fixed(noun, "이예요");
        }
        return if !ends_in_consonant(noun) && is_noun(noun) { fixed(noun, "예요") } else { None };
    }
    if let Some(noun) = word.strip_suffix("예요") {
        return if ends_in_consonant(noun) { fixed(noun, "이에요") } else { None };
    }
    let noun = word.strip_suffix("에요")?;
    if ends_in_consonant(noun) {
        let person = ["학생", "선생님", "사람", "국인", "회사원"].iter().any(|end| noun.ends_with(end));
        // 처음에요, 집에요: the particle 에 with 요.
        return if person { fixed(noun, "이에요") } else { None };
    }
    // 먹는 거에요; 과거에요 may be an answer to "when".
    let thing = noun.strip_suffix('거').is_some_and(|verb| {
        letters(verb).ends_with(['\u{11AB}', '\u{11AF}']) && !matches!(noun, "선거" | "근거")
    });
    if NEVER_PLACES.contains(&noun) || thing { fixed(noun, "예요") } else { None }
}

/// 지영이예요 is right: names take an 이 of their own.
fn is_no_name(noun: &str) -> bool {
    const ENDS: [&str; 8] = ["님", "사람", "국인", "학생", "것", "회사원", "직원", "공무원"];
    is_noun(noun) || ENDS.iter().any(|end| noun.ends_with(end))
}

/// 춥어요, 듣어요, 먹아요, 가습니다, 있읍니다.
pub(super) fn irregular(word: &str, around: &Around<'_>) -> Option<(String, Lesson)> {
    let form = letters(word);
    for (wrong, right) in [("읍니다", "습니다"), ("읍니까", "습니까")] {
        if let Some(rest) = form.strip_suffix(&letters(wrong))
            && closed(rest)
        {
            return Some((syllables(&(rest.to_owned() + &letters(right))), Lesson::Spelling));
        }
    }
    for (wrong, right) in [("습니다", "ㅂ니다"), ("습니까", "ㅂ니까")] {
        let Some(rest) = form.strip_suffix(&letters(wrong)) else { continue };
        if closed(rest) && !rest.ends_with('\u{11AF}') {
            continue;
        }
        let found = lexicon().find(Shape::Base, rest).into_iter().next()?;
        let right = found.prefix.clone() + &found.stem.open + &ending(right);
        return Some((syllables(&right), Lesson::Formal));
    }
    let tense = form.rfind('\u{11BB}').filter(|&at| !form[at..].is_empty());
    let mut shapes = vec![form.len()];
    shapes.extend(form.strip_suffix(&letters("요")).map(str::len));
    shapes.extend(form.strip_suffix(&letters("서")).map(str::len));
    shapes.extend(tense);
    shapes.into_iter().find_map(|at| {
        let (joined, rest) = form.split_at(at);
        let (before, stem) = misjoined(joined)?;
        // A noun may look like it: 보어, 속어.
        if rest.is_empty() && (!closed(&stem.base) || around.previous.is_empty()) {
            return None;
        }
        let lesson = if stem.is_regular() { Lesson::Joining } else { Lesson::Irregular };
        Some((syllables(&format!("{before}{}{rest}", stem.joined)), lesson))
    })
}

fn misjoined(form: &str) -> Option<(&str, &'static Stem)> {
    [0].into_iter()
        .chain(
            ["안", "못", "잘"]
                .iter()
                .map(|adverb| letters(adverb))
                .filter_map(|adverb| form.starts_with(&adverb).then_some(adverb.len())),
        )
        .find_map(|at| Some((&form[..at], lexicon().misjoined(&form[at..])?)))
}

/// 책를, 학교을: the particle must suit how the noun ends.
pub(super) fn particle(word: &str) -> Option<(String, Lesson)> {
    // 음악가 is somebody, 은행가 a street.
    const MAKERS: &str =
        "음악 문장 운동 여행 사진 등산 은행 식당 시장 하늘 창문 응원 대학 건축 소설 전문 발명 혁명";
    const PAIRS: [(&str, &str); 4] = [("을", "를"), ("은", "는"), ("과", "와"), ("이랑", "랑")];
    if is_noun(word) {
        return None;
    }
    let long = |noun: &str| noun.chars().count() > 1;
    for (after_consonant, after_vowel) in PAIRS {
        if let Some(noun) = word.strip_suffix(after_consonant)
            && long(noun)
            // 한국어과, 업무과: departments; 고양이과: a family.
            && !(after_consonant == "과" && noun.ends_with(['어', '무', '이']))
            && !ends_in_consonant(noun)
            && is_noun(noun)
        {
            return Some((format!("{noun}{after_vowel}"), Lesson::Particle));
        }
        if let Some(noun) = word.strip_suffix(after_vowel)
            && (long(noun) || matches!(after_vowel, "를" | "는"))
            && ends_in_consonant(noun)
            && is_noun(noun)
            // 입는 옷: a verb.
            && (after_vowel != "는" || lexicon().find(Shape::Near, &letters(noun)).is_empty())
        {
            return Some((format!("{noun}{after_consonant}"), Lesson::Particle));
        }
    }
    let noun = word.strip_suffix('가').filter(|noun| !MAKERS.contains(noun))?;
    (long(noun) && ends_in_consonant(noun) && is_noun(noun)).then(|| (format!("{noun}이"), Lesson::Particle))
}
