//! Comments on a message, in Korean and English.

use contract::chat::Level;

use super::analysis::{Change, Why};
use super::hangul::particle;
use super::spelling::Lesson;

/// Korean and English.
type Both = (String, String);

/// More would hide what matters.
const LISTED: usize = 6;

struct Style {
    ko: &'static str,
    en: &'static str,
    model: &'static str,
    praise: (&'static str, &'static str),
}

const fn style(level: Level) -> Style {
    match level {
        Level::Formal => Style {
            ko: "격식체(-습니다)",
            en: "formal style (-습니다/-ㅂ니다)",
            model: "저는 한국어를 배웁니다.",
            praise: (
                "아주 좋아요! ‘-습니다’로 격식을 잘 갖췄어요.",
                "Very good: your -습니다 endings are just right for formal speech.",
            ),
        },
        Level::Polite => Style {
            ko: "해요체(-아요/-어요)",
            en: "soft polite style (-아요/-어요)",
            model: "저는 한국어를 배워요.",
            praise: (
                "잘했어요! 부드러운 ‘-요’ 말투가 자연스러워요.",
                "Well done: the soft polite -요 style sounds natural here.",
            ),
        },
        Level::Casual => Style {
            ko: "반말(-아/-어)",
            en: "casual style (-아/-어)",
            model: "나는 한국어를 배워.",
            praise: (
                "좋아요! 친구끼리 쓰는 반말을 자연스럽게 썼어요.",
                "Nice: that is how friends talk; your casual endings fit.",
            ),
        },
    }
}

/// The level is right.
pub(super) fn praised(wanted: Level) -> Both {
    let (ko, en) = style(wanted).praise;
    (ko.to_owned(), en.to_owned())
}

/// Said in another level too, but it fits.
pub(super) fn accepted() -> Both {
    (
        "좋아요! 이 말은 이 방에서도 그대로 써요.".to_owned(),
        "Good: this set phrase is right at this level too.".to_owned(),
    )
}

/// The level is another one, and we are not sure how to say it here.
pub(super) fn hinted(detected: Level, wanted: Level) -> Both {
    let (from, to) = (style(detected), style(wanted));
    if detected == wanted {
        return (
            format!("거의 다 됐어요. 모든 문장을 {}로 맞춰 보세요. 예: ‘{}’", to.ko, to.model),
            format!("Almost: keep every sentence in {}, as in ‘{}’", to.en, to.model),
        );
    }
    (
        format!("{}로 말했어요. 이 방에서는 {}로 말해 보세요. 예: ‘{}’", from.ko, to.ko, to.model),
        format!("That was {}. In this room try {}, as in ‘{}’", from.en, to.en, to.model),
    )
}

/// Korean, but not a sentence.
pub(super) fn unfinished(wanted: Level) -> Both {
    let style = style(wanted);
    (
        format!("뜻은 알겠어요. {}로 문장을 끝까지 말해 보세요. 예: ‘{}’", style.ko, style.model),
        format!("I can follow you. Try a whole sentence in {}, as in ‘{}’", style.en, style.model),
    )
}

/// No Korean at all.
pub(super) fn not_korean(wanted: Level) -> Both {
    let style = style(wanted);
    (
        format!("한국어로 써 보세요. 예: ‘{}’", style.model),
        format!("Try it in Korean, in {}, as in ‘{}’", style.en, style.model),
    )
}

/// Something was corrected; the first change of the weightiest kind is worth a sentence.
pub(super) fn corrected(changes: &[Change], wanted: Level) -> Both {
    let style = style(wanted);
    let first = |wants: fn(Why) -> bool| changes.iter().find(|change| wants(change.why));
    let change = first(|why| why == Why::Level)
        .or_else(|| first(|why| why == Why::Address))
        .or_else(|| changes.first());
    let Some(change) = change else { return praised(wanted) };
    let (from, to) = (&change.from, &change.to);
    match change.why {
        Why::Level => (
            format!("이 방에서는 {}로 말해요. ‘{from}’ 대신 ‘{to}’라고 해 보세요.", style.ko),
            format!("We use {} in this room: say ‘{to}’ rather than ‘{from}’.", style.en),
        ),
        Why::Address if to.is_empty() => (
            format!("{}에서는 ‘{from}’{} 쓰지 않고 보통 생략해요.", style.ko, particle(from, "을", "를")),
            format!("In {} Korean leaves out ‘{from}’: there is no polite word for it.", style.en),
        ),
        Why::Address => (
            format!("{}에서는 ‘{from}’보다 ‘{to}’{} 어울려요.", style.ko, particle(to, "이", "가")),
            format!("With {} say ‘{to}’ instead of ‘{from}’.", style.en),
        ),
        Why::Lesson(lesson) => {
            let (ko, en) = explained(lesson);
            (
                format!("‘{from}’{} ‘{to}’라고 써요. {ko}.", particle(from, "은", "는")),
                format!("Write ‘{to}’ instead of ‘{from}’: {en}."),
            )
        }
    }
}

const fn explained(lesson: Lesson) -> (&'static str, &'static str) {
    match lesson {
        Lesson::Spelling => ("자주 틀리는 맞춤법이에요", "a common spelling mistake"),
        Lesson::Spacing => ("띄어쓰기에 주의하세요", "mind the spacing"),
        Lesson::Negation => {
            ("‘안’은 띄어 쓰고 ‘않다’는 ‘-지’ 뒤에 써요", "안 stands alone before a verb, 않다 follows -지")
        }
        Lesson::Copula => {
            ("받침이 있으면 ‘이에요’, 없으면 ‘예요’예요", "이에요 follows a consonant, 예요 a vowel")
        }
        Lesson::Irregular => ("모양이 바뀌는 활용이에요", "this word changes before that ending"),
        Lesson::Joining => (
            "‘ㅏ, ㅗ’ 뒤에는 ‘-아’, 다른 모음 뒤에는 ‘-어’가 오고 모음이 만나면 줄어들어요",
            "-아 follows ㅏ or ㅗ and -어 other vowels, and vowels that meet contract",
        ),
        Lesson::Formal => (
            "받침이 있으면 ‘-습니다’, 없으면 ‘-ㅂ니다’예요",
            "-습니다 follows a consonant, -ㅂ니다 a vowel, and ㄹ falls away",
        ),
        Lesson::Particle => {
            ("조사는 받침에 따라 달라져요", "the particle depends on whether the noun ends in a consonant")
        }
        Lesson::Future => (
            "‘-ㄹ게요’와 ‘-ㄹ 거예요’는 된소리로 쓰지 않아요",
            "-ㄹ게요 and -ㄹ 거예요 are never written with ㄲ",
        ),
    }
}

/// All changes with their reasons; empty when there are none.
pub(super) fn list(changes: &[Change], wanted: Level) -> String {
    let style = style(wanted);
    let mut lines: Vec<String> = changes
        .iter()
        .take(LISTED)
        .map(|change| {
            let why = match change.why {
                Why::Level => style.en,
                Why::Address => "form of address",
                Why::Lesson(lesson) => explained(lesson).1,
            };
            let to = if change.to.is_empty() { "∅" } else { &change.to };
            format!("‘{}’ → ‘{to}’ ({why})", change.from)
        })
        .collect();
    if changes.len() > LISTED {
        lines.push("…".to_owned());
    }
    lines.join("; ")
}
