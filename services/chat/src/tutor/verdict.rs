//! How polite each sentence of a text is, by its last word.

use std::ops::Range;

use contract::chat::Level;

use super::address::among_friends;
use super::data::lookalike::{
    ACTIONS, INTERJECTIONS, LIKE_A_VERB, LIKE_A_VERB_ALONE, NEVER_LAST, NOUNS_IN_YO,
};
use super::data::phrase::{ALONE, ASKED, BEFORE_COMMA, PHRASES, Phrase};
use super::grammar::{Asked, Mood, Reading, is_noun, readings};
use super::hangul::{ends_in_consonant, is_syllable, letters};
use super::sentence::{Sentence, Stop, sentences};

/// What the level of a sentence was told from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Sign {
    Phrase(&'static Phrase),
    Words(Vec<Reading>),
    /// An ending behind a word that we do not know, or one that may be a name.
    Ending,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) level: Level,
    /// Another level in which people say exactly this.
    pub(super) also: Option<Level>,
    pub(super) sign: Sign,
    /// What told the level, and what another level would replace.
    pub(super) predicate: Range<usize>,
    /// The words before it.
    pub(super) before: Vec<Range<usize>>,
    pub(super) asked: Asked,
}

impl Verdict {
    /// Whether the sentence may stay as it is where `wanted` is spoken.
    pub(super) fn fits(&self, wanted: Level) -> bool {
        self.is_in(wanted) && !self.lacks_an_ending()
    }

    pub(super) fn is_in(&self, wanted: Level) -> bool {
        self.level == wanted || self.also == Some(wanted)
    }

    /// 학교에 가다: the form of dictionaries.
    fn lacks_an_ending(&self) -> bool {
        match &self.sign {
            Sign::Words(readings) => readings.iter().all(|reading| reading.mood == Mood::Dictionary),
            Sign::Phrase(_) | Sign::Ending => false,
        }
    }
}

/// The verdicts on all sentences of `text` that have a level.
pub(super) fn verdicts(text: &str) -> Vec<Verdict> {
    let mut found = Vec::new();
    let sentences = sentences(text);
    for (nth, sentence) in sentences.iter().enumerate() {
        if is_interjection(text, sentence, sentences.get(nth + 1)) {
            continue;
        }
        let mut rest = sentence.words.as_slice();
        // Learners forget full stops: a finished polite word in the middle ends a sentence too.
        while let Some(end) = (1..rest.len()).find(|&end| is_finished(&text[rest[end - 1].clone()], end)) {
            let (words, others) = rest.split_at(end);
            found.extend(verdict(text, words, Stop::Full));
            rest = others;
        }
        found.extend(verdict(text, rest, sentence.stop));
    }
    found
}

/// 와, 정말 예뻐요! 자, 시작해요: what looks like a verb only calls attention to what follows.
fn is_interjection(text: &str, sentence: &Sentence, next: Option<&Sentence>) -> bool {
    let [word] = sentence.words.as_slice() else { return false };
    let word = &text[word.clone()];
    if sentence.stop == Stop::Question {
        return false;
    }
    let comma = sentence.stop == Stop::Comma;
    let answer = matches!(word, "네" | "예" | "응" | "엉" | "웅");
    // 아니, 이게 뭐예요? is surprise.
    let surprise = word == "아니" && comma && next.is_some_and(|next| next.stop == Stop::Question);
    let short = word.chars().count() == 1 && !answer && (comma || next.is_some());
    surprise || short || INTERJECTIONS.contains(&word)
}

/// Whether `word`, the `nth` of its sentence, can only be the last one.
fn is_finished(word: &str, nth: usize) -> bool {
    if nth == 1 && word == "안녕" {
        return true;
    }
    let ends = ["요", "죠", "니다", "니까", "십시오", "시다"].iter().any(|end| word.ends_with(end));
    ends && readings(word).first().is_some_and(|reading| reading.level != Level::Casual)
}

fn verdict(text: &str, words: &[Range<usize>], stop: Stop) -> Option<Verdict> {
    let found = of_phrase(text, words, stop).or_else(|| of_last_word(text, words, stop));
    let sure = matches!(&found, Some(found) if found.sign != Sign::Ending);
    if sure || words.len() < 2 || !is_address(&text[words.last()?.clone()]) {
        return found;
    }
    // 고마워 언니: who is spoken to may stand behind.
    verdict(text, &words[..words.len() - 1], stop).filter(|inner| inner.sign != Sign::Ending).or(found)
}

/// Whether `word` is what one calls somebody.
fn is_address(word: &str) -> bool {
    const TERMS: [&str; 20] = [
        "언니",
        "오빠",
        "누나",
        "형",
        "자기",
        "여보",
        "친구",
        "친구들",
        "여러분",
        "선배",
        "엄마",
        "아빠",
        "할머니",
        "할아버지",
        "아저씨",
        "아줌마",
        "아주머니",
        "애들",
        "얘들",
        "당신",
    ];
    TERMS.contains(&word) || ["님", "씨", "야", "아"].iter().any(|end| word.ends_with(end) && word != *end)
}

fn of_phrase(text: &str, words: &[Range<usize>], stop: Stop) -> Option<Verdict> {
    let (first, last) = (words.first()?, words.last()?);
    let whole = &text[first.start..last.end];
    for phrase in PHRASES {
        for (level, variants) in
            [(Level::Formal, phrase.formal), (Level::Polite, phrase.polite), (Level::Casual, phrase.casual)]
        {
            for variant in variants {
                let Some(before) = whole.strip_suffix(variant) else { continue };
                if !(before.is_empty() || before.ends_with(' ') && !ALONE.contains(variant))
                    || ASKED.contains(variant) && stop != Stop::Question
                    || BEFORE_COMMA.contains(variant) && stop != Stop::Comma
                {
                    continue;
                }
                let from = first.start + before.len();
                let also = match level {
                    Level::Formal if phrase.formal_is_polite => Some(Level::Polite),
                    Level::Polite if phrase.polite_is_formal => Some(Level::Formal),
                    _ => None,
                };
                return Some(Verdict {
                    level,
                    also,
                    sign: Sign::Phrase(phrase),
                    predicate: from..last.end,
                    before: words.iter().filter(|word| word.end <= from).cloned().collect(),
                    asked: if stop == Stop::Question { Asked::Yes } else { Asked::No },
                });
            }
        }
    }
    None
}

fn of_last_word(text: &str, words: &[Range<usize>], stop: Stop) -> Option<Verdict> {
    let (last, before) = words.split_last()?;
    let word = &text[last.clone()];
    let mut readings = readings(word);
    readings.retain(|reading| is_credible(reading, text, before, word, stop));
    let (level, sign) = match readings.first() {
        Some(first) => (first.level, Sign::Words(readings)),
        None => (by_ending(word, stop)?, Sign::Ending),
    };
    let sign = match sign {
        // 지수야: called by name, or said to be Jisu?
        Sign::Words(readings) if before.is_empty() && readings.iter().any(|it| may_be_name(it, word)) => {
            if stop == Stop::Comma {
                return None;
            }
            Sign::Ending
        }
        sign => sign,
    };
    let asked = match stop {
        _ if asks(text, before, word, &sign) => Asked::Openly,
        Stop::Question => Asked::Yes,
        Stop::Full | Stop::Comma => Asked::No,
    };
    Some(Verdict { level, also: None, sign, predicate: last.clone(), before: before.to_vec(), asked })
}

fn may_be_name(reading: &Reading, word: &str) -> bool {
    // 민준이야 says who it is; one would call 민준아.
    let called = |noun: &String| !is_noun(noun) && !ends_in_consonant(noun);
    reading.noun.as_ref().is_some_and(called) && word.ends_with('야')
}

/// Whether a question word makes it a question, also without its mark.
fn asks(text: &str, before: &[Range<usize>], word: &str, sign: &Sign) -> bool {
    const WORDS: [&str; 9] = ["왜", "누가", "언제", "어떻게", "얼마나", "어디", "뭐", "무슨", "어느"];
    const NOUNS: [&str; 6] = ["뭐", "무엇", "누구", "어디", "언제", "얼마"];
    let Sign::Words(readings) = sign else { return false };
    let which = |reading: &Reading| reading.noun.as_ref().is_some_and(|noun| NOUNS.contains(&noun.as_str()));
    let is = |word: &Range<usize>, list: &[&str]| list.contains(&&text[word.clone()]);
    // 왜 왔는지 몰라요 asks nothing.
    let inside = before.iter().any(|word| text[word.clone()].ends_with(['지', '까']));
    readings.iter().any(which)
        || word.starts_with("어떡")
        || ["뭐하", "뭐해", "뭐할"].iter().any(|start| word.starts_with(start))
        || !inside && before.iter().any(|word| is(word, &WORDS))
}

/// Whether `reading` may be the end of this sentence: casual endings look like many other things.
fn is_credible(reading: &Reading, text: &str, before: &[Range<usize>], word: &str, stop: Stop) -> bool {
    if reading.level != Level::Casual {
        return true;
    }
    let previous = before.last().map_or("", |word| &text[word.clone()]);
    let together = before.iter().any(|word| matches!(&text[word.clone()], "우리" | "같이"));
    if word.chars().count() > 1 && is_noun(word) && !together && !previous.ends_with(['을', '를']) {
        // 남자 is a man and 사자 a lion, unless something is to be left or bought.
        return false;
    }
    let alone = before.is_empty() && stop != Stop::Question;
    if LIKE_A_VERB.contains(&word) && !previous.ends_with(['을', '를'])
        || alone && LIKE_A_VERB_ALONE.contains(&word)
        || alone && is_unsure_action(reading, word)
        || NEVER_LAST.contains(&word)
    {
        return false;
    }
    match reading.mood {
        Mood::Dictionary => stop != Stop::Comma && !before.is_empty(),
        // 가나? but 가나 is a country; 하니까 is none of these.
        Mood::Ask => stop == Stop::Question,
        _ if stop == Stop::Comma => {
            reading.mood == Mood::Statement && before.is_empty() || word.ends_with("어")
        }
        Mood::Confirm if word == "가지" => {
            !before.is_empty() && !matches!(previous, "한" | "두" | "세" | "몇")
        }
        _ => true,
    }
}

/// The level of an ending behind a word that we do not know.
fn by_ending(word: &str, stop: Stop) -> Option<Level> {
    if !word.chars().all(is_syllable) {
        return word.ends_with('요').then_some(Level::Polite);
    }
    let form = letters(word);
    let has = |ends: &[&str]| ends.iter().any(|end| form.ends_with(&super::hangul::ending(end)));
    if has(&["ㅂ니다", "습니다", "ㅂ니까", "습니까", "십시오", "ㅂ시다"]) {
        return Some(Level::Formal);
    }
    if has(&["요", "죠"]) {
        return (!ends_like_a_noun_in_yo(word)).then_some(Level::Polite);
    }
    let short = word.chars().count() < 3;
    let casual = has(&["잖아", "거든", "는구나", "더라", "ㄹ게", "ㄹ걸"]) || word == "안녕";
    (stop != Stop::Comma && (!short && casual || word == "안녕")).then_some(Level::Casual)
}

/// 필요, 중요: nouns that end like a polite sentence.
fn ends_like_a_noun_in_yo(word: &str) -> bool {
    // 제가요? is no song.
    let own = word.strip_suffix('요').is_some_and(|rest| among_friends(rest).is_some());
    !own && (matches!(word, "요" | "고요" | "도요") || NOUNS_IN_YO.iter().any(|noun| word.ends_with(noun)))
}

/// 김수해 may be a name: of one word, only a noun that we know makes an action with 하다.
fn is_unsure_action(reading: &Reading, word: &str) -> bool {
    let action = word.strip_suffix('해').filter(|_| reading.word == "하다" && !reading.prefix.is_empty());
    action.is_some_and(|noun| !is_noun(noun) && !ACTIONS.contains(&noun))
}

/// Whether a noun and 요 make up `word`: 커피요, 학생이요.
pub(super) fn noun_before_yo(word: &str) -> Option<String> {
    let noun = word.strip_suffix('요')?;
    let bare = noun.strip_suffix('이').filter(|bare| ends_in_consonant(bare)).unwrap_or(noun);
    is_noun(bare).then(|| bare.to_owned())
}
