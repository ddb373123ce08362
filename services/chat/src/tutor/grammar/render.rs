//! Says the same in another level.

use contract::chat::Level;

use super::ending::Mood;
use super::noun::is_noun;
use super::reading::Reading;
use super::stem::{Kind, Stem};
use crate::tutor::hangul::{closed, ending, is_syllable, letters, syllables};

/// Whether a sentence is a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::tutor) enum Asked {
    No,
    /// It hopes for yes or no.
    Yes,
    /// With a question word.
    Openly,
}

/// `reading` with the ending that `mood` has at `level`, in syllables; nothing when there is no sure one.
pub(in crate::tutor) fn render(
    reading: &Reading,
    mood: Mood,
    level: Level,
    question: Asked,
) -> Option<String> {
    let stem =
        if reading.respectful && level == Level::Casual { reading.plain.as_ref()? } else { &reading.stem };
    let word = match &reading.noun {
        Some(noun) if !noun.chars().next_back().is_some_and(is_syllable) => return None,
        // 지영이예요 is Jiyeong, who is 지영입니다.
        Some(noun) if level == Level::Formal && noun.ends_with('이') && !is_noun(noun) => return None,
        Some(noun) => with_noun(noun, reading.respectful && level != Level::Casual, mood, level, question)?,
        None => inflect(stem, mood, level, question)?,
    };
    Some(syllables(&(reading.prefix.clone() + &word)))
}

/// Spoken nouns and how they are written: 뭐예요, 무엇입니까.
const SPOKEN: [(&str, &str); 4] = [("뭐", "무엇"), ("이거", "이것"), ("그거", "그것"), ("저거", "저것")];

fn with_noun(noun: &str, respectful: bool, mood: Mood, level: Level, question: Asked) -> Option<String> {
    let spoken = SPOKEN.iter().find(|(spoken, written)| noun == *spoken || noun == *written);
    let noun = match (level, spoken) {
        (Level::Formal, Some((_, written))) => written,
        (_, Some((spoken, _))) => spoken,
        _ if noun == "것" => "거",
        _ => noun,
    };
    let mut stem = Stem::copula(&letters(noun));
    if level == Level::Formal && noun == "거" {
        stem.open = letters(noun);
    }
    if respectful {
        stem = stem.with_honour();
    }
    inflect(&stem, mood, level, question)
}

fn inflect(stem: &Stem, mood: Mood, level: Level, question: Asked) -> Option<String> {
    match level {
        Level::Formal => formal(stem, mood, question),
        Level::Polite => polite(stem, mood),
        Level::Casual => casual(stem, mood),
    }
}

fn after(shape: &str, written: &str) -> String {
    shape.to_owned() + &ending(written)
}

/// -습니다 or -ㅂ니다, with `last` for the end.
fn declared(stem: &Stem, last: &str) -> String {
    if closed(&stem.near) {
        after(&stem.near, &format!("습니{last}"))
    } else {
        after(&stem.open, &format!("ㅂ니{last}"))
    }
}

fn formal(stem: &Stem, mood: Mood, asked: Asked) -> Option<String> {
    let (question, open) = (asked != Asked::No, asked == Asked::Openly);
    Some(match mood {
        Mood::Background
        | Mood::Because
        | Mood::Exclaim
        | Mood::Realise
        | Mood::Promise
        | Mood::Resolve
        | Mood::Seem
            if question =>
        {
            return None;
        }
        Mood::Statement | Mood::Exclaim | Mood::Realise | Mood::Dictionary => {
            declared(stem, if question { "까" } else { "다" })
        }
        Mood::Question | Mood::Ask => declared(stem, "까"),
        Mood::Command => after(stem.honoured.as_ref().unwrap_or(&stem.open), "십시오"),
        Mood::Proposal => after(&stem.open, "ㅂ시다"),
        Mood::Intention if question => after(&stem.with_honour().base, "겠습니까"),
        Mood::Promise | Mood::Intention => after(&stem.base, "겠습니다"),
        // 맞죠? hopes for a yes: with a noun that would be 아닙니까, another sentence.
        Mood::Confirm | Mood::Remind if stem.kind == Kind::Copula && (question || mood == Mood::Remind) => {
            return None;
        }
        // 뭐 먹지? 낫겠지? wonder, which has no formal ending.
        Mood::Confirm if question && (open || stem.base.ends_with(&letters("겠"))) => return None,
        Mood::Confirm if !question => declared(stem, "다"),
        Mood::Confirm | Mood::Remind => after(&stem.base, "지 않습니까"),
        Mood::Because => {
            after(if stem.kind == Kind::Copula { &stem.open } else { &stem.base }, "기 때문입니다")
        }
        Mood::Background => declared(stem, "다만"),
        Mood::Hearsay => reported(stem, if question { "고 합니까" } else { "고 합니다" }),
        Mood::Resolve => after(&stem.joined, "야 합니다"),
        Mood::Seem => seeming(stem, " 봅니다"),
        Mood::Wonder | Mood::Recall | Mood::Honour => return None,
    })
}

/// -다, as other people's words are quoted.
fn reported(stem: &Stem, last: &str) -> String {
    match stem.kind {
        Kind::Action if closed(&stem.near) => after(&stem.near, &format!("는다{last}")),
        Kind::Action => after(&stem.open, &format!("ㄴ다{last}")),
        Kind::Quality | Kind::Being | Kind::Copula | Kind::Tensed => after(&stem.base, &format!("다{last}")),
    }
}

/// -대.
fn heard(stem: &Stem, last: &str) -> String {
    match stem.kind {
        Kind::Action if closed(&stem.near) => after(&stem.near, &format!("는대{last}")),
        Kind::Action => after(&stem.open, &format!("ㄴ대{last}")),
        Kind::Quality | Kind::Being | Kind::Copula | Kind::Tensed => after(&stem.base, &format!("대{last}")),
    }
}

/// -는데 or -(으)ㄴ데.
fn background(stem: &Stem, last: &str) -> String {
    match stem.kind {
        Kind::Quality | Kind::Copula => after(&stem.open, &format!("ㄴ데{last}")),
        Kind::Action | Kind::Being | Kind::Tensed => after(&stem.near, &format!("는데{last}")),
    }
}

/// -나 or -(으)ㄴ가.
fn seeming(stem: &Stem, last: &str) -> String {
    match stem.kind {
        Kind::Quality | Kind::Copula => after(&stem.open, &format!("ㄴ가{last}")),
        Kind::Action | Kind::Being | Kind::Tensed => after(&stem.near, &format!("나{last}")),
    }
}

fn polite(stem: &Stem, mood: Mood) -> Option<String> {
    Some(match mood {
        Mood::Statement | Mood::Question | Mood::Proposal | Mood::Dictionary => after(&stem.joined, "요"),
        Mood::Command => after(stem.honoured.as_ref().unwrap_or(&stem.open), "세요"),
        Mood::Promise => after(&stem.open, "ㄹ게요"),
        Mood::Intention => after(&stem.open, "ㄹ래요"),
        Mood::Wonder => after(&stem.open, "ㄹ까요"),
        Mood::Exclaim => after(&stem.near, "네요"),
        Mood::Realise if stem.kind == Kind::Action => after(&stem.near, "는군요"),
        Mood::Realise => after(&stem.base, "군요"),
        Mood::Confirm => after(&stem.base, "죠"),
        Mood::Because => after(&stem.base, "거든요"),
        Mood::Remind => after(&stem.base, "잖아요"),
        Mood::Background => background(stem, "요"),
        Mood::Hearsay => heard(stem, "요"),
        Mood::Ask if matches!(stem.kind, Kind::Quality | Kind::Copula) => after(&stem.open, "ㄴ가요"),
        Mood::Ask => after(&stem.near, "나요"),
        Mood::Resolve => after(&stem.joined, "야죠"),
        Mood::Seem => seeming(stem, " 봐요"),
        Mood::Recall => after(&stem.base, "더라고요"),
        Mood::Honour => return None,
    })
}

fn casual(stem: &Stem, mood: Mood) -> Option<String> {
    Some(match mood {
        Mood::Statement | Mood::Question | Mood::Command | Mood::Ask | Mood::Dictionary => stem.bare.clone(),
        Mood::Proposal => after(&stem.base, "자"),
        Mood::Promise => after(&stem.open, "ㄹ게"),
        Mood::Intention => after(&stem.open, "ㄹ래"),
        Mood::Wonder => after(&stem.open, "ㄹ까"),
        Mood::Exclaim => after(&stem.near, "네"),
        Mood::Realise if stem.kind == Kind::Action => after(&stem.near, "는구나"),
        Mood::Realise => after(&stem.base, "구나"),
        Mood::Confirm => after(&stem.base, "지"),
        Mood::Because => after(&stem.base, "거든"),
        Mood::Remind => after(&stem.base, "잖아"),
        Mood::Background => background(stem, ""),
        Mood::Hearsay => heard(stem, ""),
        Mood::Resolve => after(&stem.joined, "야지"),
        Mood::Seem => seeming(stem, " 봐"),
        Mood::Recall => after(&stem.base, "더라"),
        Mood::Honour => return None,
    })
}
