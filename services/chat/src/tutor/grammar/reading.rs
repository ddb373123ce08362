//! Takes the last word of a sentence apart: word, respect, tense, ending.

use contract::chat::Level;

use super::ending::{Before, ENDINGS, Ending, Mood};
use super::lexicon::{Found, Shape, lexicon};
use super::noun::{ends_in_own_i, is_noun};
use super::stem::{Kind, Stem};
use crate::tutor::data::verbs::WISHED;
use crate::tutor::hangul::{closed, letters, syllables};

/// One way to understand the last word of a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::tutor) struct Reading {
    /// What is written together with the word, in letters.
    pub(in crate::tutor) prefix: String,
    /// The word in dictionary form, if it is one of the lexicon.
    pub(in crate::tutor) word: &'static str,
    /// As it was said: with respect and tense.
    pub(in crate::tutor) stem: Stem,
    /// Whether `stem` has -(으)시-.
    pub(in crate::tutor) respectful: bool,
    /// `stem` without -(으)시-, when that is known.
    pub(in crate::tutor) plain: Option<Stem>,
    /// What stands before -겠-, and could be promised.
    pub(in crate::tutor) will: Option<Stem>,
    /// The noun before 이다, in syllables.
    pub(in crate::tutor) noun: Option<String>,
    pub(in crate::tutor) mood: Mood,
    pub(in crate::tutor) level: Level,
}

/// Everything that `word` can be as the last word of a sentence; nothing if it is not clear that it is one. The
/// longest ending that fits decides.
pub(in crate::tutor) fn readings(word: &str) -> Vec<Reading> {
    let form = letters(word);
    let mut found: Vec<Reading> = Vec::new();
    let mut of = "";
    for ending in ENDINGS.iter() {
        if !found.is_empty() && ending.letters != of {
            break;
        }
        let Some(rest) = form.strip_suffix(ending.letters.as_str()) else { continue };
        // 아니야, not 알다 with -냐.
        if word == "아냐" && !ending.letters.is_empty() {
            continue;
        }
        let fits = match ending.before {
            Before::Any => true,
            Before::Consonant => closed(rest),
            Before::Vowel => !closed(rest),
        };
        if fits && !rest.is_empty() {
            found.extend(with_ending(rest, ending));
            of = &ending.letters;
        }
    }
    found
}

fn with_ending(rest: &str, ending: &Ending) -> Vec<Reading> {
    let mut known = known(rest, ending);
    // 겁니다 comes from 걸다 or from 거 (것) and 이다: the words before it tell.
    if syllables(rest) == "거" && ending.shape == Shape::Open {
        known.extend(copula(rest, ending));
    }
    if !known.is_empty() {
        return known;
    }
    tensed(rest, ending).or_else(|| copula(rest, ending)).into_iter().collect()
}

fn reading(ending: &Ending, stem: Stem) -> Reading {
    Reading {
        prefix: String::new(),
        word: "",
        stem,
        respectful: false,
        plain: None,
        will: None,
        noun: None,
        mood: ending.mood,
        level: ending.level,
    }
}

/// Words of the lexicon, with or without respect.
fn known(rest: &str, ending: &Ending) -> Vec<Reading> {
    let special = matches!(ending.mood, Mood::Honour | Mood::Command) && lexicon().honoured(rest).is_some();
    let found = if special { Vec::new() } else { lexicon().find(ending.shape, rest) };
    let mut readings: Vec<_> = found.into_iter().filter_map(|found| plain(&found, ending)).collect();
    if readings.is_empty()
        && let Some(open) = without_respect(rest, ending)
    {
        readings = respectful(&open, ending);
    }
    if readings.is_empty() && ending.mood == Mood::Command && ending.shape == Shape::Open {
        // 계십시오 belongs to 있다.
        readings = respectful(rest, ending);
        for reading in &mut readings {
            reading.stem = reading.plain.take().unwrap_or_else(|| reading.stem.clone());
            reading.respectful = false;
        }
    }
    readings
}

fn plain(found: &Found<'_>, ending: &Ending) -> Option<Reading> {
    let mut stem = found.stem.clone();
    let wish = ending.mood == Mood::Command && ending.shape == Shape::Open && WISHED.contains(&found.word);
    if !wish && !ending.takes.includes(stem.kind) {
        // Whether an unknown noun with 하다 is an action or a quality, its ending says.
        if found.word != "하다" || found.prefix.is_empty() {
            return None;
        }
        stem.kind = Kind::Quality;
        if !ending.takes.includes(stem.kind) {
            return None;
        }
    }
    let mut reading = reading(ending, stem);
    found.prefix.clone_into(&mut reading.prefix);
    reading.word = found.word;
    if ending.mood == Mood::Honour {
        let own = Stem { honoured: None, ..reading.stem.clone() };
        reading.plain = Some(std::mem::replace(&mut reading.stem, own.with_honour()));
        reading.respectful = true;
    }
    Some(reading)
}

/// What stands before -(으)시-, in the shape that the ending has it.
fn without_respect(rest: &str, ending: &Ending) -> Option<String> {
    let suffix = match ending.shape {
        Shape::Base | Shape::Near | Shape::Open if ending.mood != Mood::Honour => "시",
        Shape::Joined | Shape::Bare => "셔",
        Shape::Base | Shape::Near | Shape::Open => "",
    };
    rest.strip_suffix(letters(suffix).as_str()).map(str::to_owned)
}

fn respectful(open: &str, ending: &Ending) -> Vec<Reading> {
    let lexicon = lexicon();
    let special = lexicon.honoured(open).map(|stem| Found { prefix: String::new(), word: "", stem });
    let found = special.map_or_else(|| lexicon.find(Shape::Open, open), |found| vec![found]);
    found
        .into_iter()
        .map(|found| {
            let mut stem = found.stem.clone();
            if lexicon.honoured(open).is_none() {
                stem.honoured = None;
            }
            let mut reading = reading(ending, stem.with_honour());
            reading.prefix.clone_from(&found.prefix);
            reading.word = found.word;
            reading.respectful = true;
            reading.plain = Some(found.stem.clone());
            reading
        })
        .collect()
}

/// Behind -았-, -었-, -했-, -겠- everything is regular, also with words that nobody knows.
fn tensed(rest: &str, ending: &Ending) -> Option<Reading> {
    let core = match ending.shape {
        Shape::Base | Shape::Near => rest,
        Shape::Open => rest.strip_suffix("\u{110B}\u{1173}")?,
        Shape::Joined | Shape::Bare => rest.strip_suffix("\u{110B}\u{1165}")?,
    };
    if !core.ends_with('\u{11BB}') || !ending.takes.includes(Kind::Tensed) {
        return None;
    }
    let mut reading = reading(ending, Stem::tensed(core));
    reading.will = core.strip_suffix(letters("겠").as_str()).and_then(willing);
    for (suffix, tense) in [("셨", "\u{11BB}"), ("시겠", "겠")] {
        let Some(open) = core.strip_suffix(letters(suffix).as_str()) else { continue };
        // 마셨 and 마시겠 have a 시 of their own.
        let own = if suffix == "셨" { Shape::Joined } else { Shape::Base };
        let whole = core.strip_suffix(letters(tense).as_str()).unwrap_or(core);
        if lexicon().find(own, whole).is_empty() {
            reading.respectful = true;
            reading.plain = respectful(open, ending).first().and_then(|found| {
                let stem = found.plain.as_ref()?;
                reading.will = (suffix == "시겠").then(|| stem.behind(&found.prefix));
                let before = if suffix == "셨" { &stem.joined } else { &stem.base };
                Some(Stem::tensed(&format!("{}{before}{}", found.prefix, letters(tense))))
            });
        }
    }
    Some(reading)
}

/// The action that somebody is willing to do, with what is written before it.
fn willing(base: &str) -> Option<Stem> {
    let found = lexicon().find(Shape::Base, base).into_iter().next()?;
    let certain = found.stem.kind == Kind::Action
        && !matches!(found.word, "모르다" | "알다" | "되다" | "죽다" | "미치다");
    certain.then(|| found.stem.behind(&found.prefix))
}

/// 이다, written together with its noun.
fn copula(rest: &str, ending: &Ending) -> Option<Reading> {
    if !ending.takes.includes(Kind::Copula) || ending.mood == Mood::Hearsay {
        return None;
    }
    let without = |suffix: &str| rest.strip_suffix(letters(suffix).as_str()).map(syllables);
    // 의사다, but 사이다 is a drink.
    let whole = |noun: &str| ending.mood != Mood::Statement || noun.chars().count() > 1 && noun != "사이";
    let short = |noun: String| (is_noun(&noun) && whole(&noun)).then_some(noun);
    let noun = match ending.shape {
        Shape::Base | Shape::Near => {
            without("이").filter(|noun| closed(&letters(noun))).or_else(|| short(syllables(rest)))?
        }
        Shape::Open => {
            let whole = syllables(rest);
            let contracted = whole.ends_with('거') || whole.ends_with('뭐');
            if contracted || ending.mood == Mood::Honour && is_noun(&whole) { whole } else { without("이")? }
        }
        Shape::Joined => joined_noun(without("이에"), without("예"))?,
        Shape::Bare => joined_noun(without("이야"), without("야"))
            .filter(|noun| is_noun(noun) || !lexicon().is_joined(&letters(noun)))?,
    };
    // 고양이야: the 이 is the noun's own.
    let own = format!("{noun}이");
    let noun = if ending.level == Level::Casual && ends_in_own_i(&own) { own } else { noun };
    (!noun.is_empty()).then(|| noun_reading(ending, noun))
}

fn noun_reading(ending: &Ending, noun: String) -> Reading {
    let mut reading = reading(ending, Stem::copula(&letters(&noun)));
    if ending.mood == Mood::Honour {
        reading.plain = Some(reading.stem.clone());
        reading.stem = reading.stem.with_honour();
        reading.respectful = true;
    }
    reading.noun = Some(noun);
    reading
}

/// The noun before 이에요 or 예요: what follows must suit how it ends.
fn joined_noun(after_consonant: Option<String>, after_vowel: Option<String>) -> Option<String> {
    after_consonant
        .filter(|noun| closed(&letters(noun)))
        .or_else(|| after_vowel.filter(|noun| !noun.is_empty() && !closed(&letters(noun))))
}
