//! Says a sentence in another level, where that is sure.

use contract::chat::Level;

use super::address::among_friends;
use super::data::hint::{ADVISED, COMMANDS, HINTS, STATEMENTS, URGENT};
use super::data::phrase::Phrase;
use super::data::verbs::WISHED;
use super::grammar::{Asked, Kind, Mood, Reading, Shape, is_noun, lexicon, render};
use super::hangul::letters;
use super::verdict::{Sign, Verdict};

/// What the predicate of a sentence is at `wanted`; nothing when we are not sure.
pub(super) fn rewrite(text: &str, verdict: &Verdict, wanted: Level) -> Option<String> {
    match &verdict.sign {
        Sign::Phrase(phrase) => said(phrase, wanted).map(str::to_owned),
        Sign::Words(readings) => {
            let words: Vec<_> = verdict.before.iter().map(|word| &text[word.clone()]).collect();
            let predicate = &text[verdict.predicate.clone()];
            let sentence = Around { words: &words, predicate, asked: verdict.asked };
            agreed(readings.iter().map(|reading| sentence.say(reading, wanted)))
                .or_else(|| {
                    let hinted = sentence.hinted(readings);
                    agreed(hinted.iter().map(|reading| sentence.say(reading, wanted)))
                })
                .or_else(|| {
                    let walks = sentence.walks(readings);
                    agreed(walks.iter().map(|reading| sentence.say(reading, wanted)))
                })
        }
        Sign::Ending => without_yo(&text[verdict.predicate.clone()], verdict.level, wanted),
    }
}

fn said(phrase: &Phrase, wanted: Level) -> Option<&'static str> {
    let variants = match wanted {
        Level::Formal if phrase.polite_is_formal => phrase.polite,
        Level::Formal => phrase.formal,
        Level::Polite if phrase.polite.is_empty() && phrase.formal_is_polite => phrase.formal,
        Level::Polite => phrase.polite,
        Level::Casual => phrase.casual,
    };
    variants.first().copied()
}

/// The outcome, if all readings come to the same one.
fn agreed(mut outcomes: impl Iterator<Item = Option<String>>) -> Option<String> {
    let first = outcomes.next()??;
    outcomes.all(|other| other.as_ref() == Some(&first)).then_some(first)
}

/// An unknown verb before 요 is casual without it.
fn without_yo(word: &str, level: Level, wanted: Level) -> Option<String> {
    if (level, wanted) != (Level::Polite, Level::Casual) {
        return None;
    }
    let rest = word.strip_suffix('요')?;
    if matches!(rest, "저" | "저이") {
        return Some("나".to_owned());
    }
    if let Some(own) = among_friends(rest) {
        return Some(own.to_owned());
    }
    if let Some(noun) = super::verdict::noun_before_yo(word) {
        return Some(noun);
    }
    // 제게는요, 저희한테요: not without a word that friends use.
    let humble = rest.starts_with("저희")
        || ["저한테", "저에게", "저보다", "저하고", "제게"].iter().any(|own| rest.starts_with(own));
    if humble {
        return None;
    }
    // What -세요 and -죠 would be depends on the word.
    let sure = rest.chars().count() > 1 && !rest.ends_with(['세', '이', '예', '에', '지']);
    sure.then(|| rest.to_owned())
}

/// The last word of a sentence and those before it.
struct Around<'t> {
    words: &'t [&'t str],
    predicate: &'t str,
    asked: Asked,
}

impl Around<'_> {
    fn is_question(&self) -> bool {
        self.asked != Asked::No
    }

    fn say(&self, reading: &Reading, wanted: Level) -> Option<String> {
        // 그거 아냐? may ask whether one knows it.
        let subject = self.words.last().is_some_and(|word| word.ends_with(['이', '가']));
        if self.predicate == "아냐" && self.is_question() && !subject {
            return None;
        }
        let (reading, mood) = self.resolved(reading, wanted)?;
        render(&reading, mood, wanted, self.asked)
    }

    /// What was meant: one ending serves several moods.
    fn resolved(&self, reading: &Reading, wanted: Level) -> Option<(Reading, Mood)> {
        let mut reading = reading.clone();
        let mut mood = reading.mood;
        if mood == Mood::Honour {
            mood = self.honour(&reading, wanted)?;
            if mood == Mood::Command {
                reading.stem = reading.plain.take()?;
                reading.respectful = false;
            }
        }
        if wanted == Level::Formal && mood == Mood::Statement && self.may_wish(&reading) {
            return None;
        }
        if mood == Mood::Statement && self.is_question() {
            mood = Mood::Question;
        }
        if reading.respectful && self.is_question() && wanted == Level::Casual && reading.will.is_some() {
            reading.stem = reading.will.take()?;
            reading.respectful = false;
            return Some((reading, Mood::Intention));
        }
        if mood == Mood::Statement && wanted != Level::Polite && self.invites(&reading) {
            mood = Mood::Proposal;
        } else if mood == Mood::Statement && self.commands(&reading) {
            mood = Mood::Command;
        } else if let Some(will) = reading.will.clone().filter(|_| self.promises(&reading)) {
            reading.stem = will;
            mood = Mood::Promise;
        }
        if reading.respectful && wanted == Level::Casual && self.has_respected_subject() {
            // Also among friends one speaks of a grandmother with respect.
            reading.respectful = false;
        }
        if wanted == Level::Casual && (self.is_humble() || self.may_drink()) {
            return None;
        }
        Some((reading, mood))
    }

    /// What -(으)세요 means here; nothing when it could be a wish or a statement.
    fn honour(&self, reading: &Reading, wanted: Level) -> Option<Mood> {
        let state = matches!(reading.stem.kind, Kind::Quality | Kind::Copula);
        Some(if self.is_question() {
            Mood::Question
        } else if self.has_subject() || self.has_respected_subject() {
            Mood::Statement
        } else if state && wanted == Level::Formal && WISHED.contains(&reading.word) {
            // 새해에는 건강하세요!
            let about = |word: &&str| {
                word.ends_with(['은', '는']) && !word.ends_with("에는") && !word.ends_with("해는")
            };
            if self.words.iter().any(about) {
                return None;
            }
            Mood::Command
        } else if state && wanted == Level::Formal && ADVISED.contains(&reading.word) {
            return None;
        } else if state {
            Mood::Statement
        } else {
            Mood::Command
        })
    }

    /// 항상 건강해! is said of oneself or wished to another.
    fn may_wish(&self, reading: &Reading) -> bool {
        const ALWAYS: [&str; 6] = ["항상", "늘", "언제나", "꼭", "오래오래", "부디"];
        let wished = self.words.iter().any(|word| ALWAYS.contains(word))
            || reading.word == "건강하다" && self.words.is_empty();
        let about =
            self.is_question() || self.has_topic() || self.has_subject() || self.has_respected_subject();
        wished && !about && reading.stem.kind == Kind::Quality && WISHED.contains(&reading.word)
    }

    /// 우리 같이 가요.
    fn invites(&self, reading: &Reading) -> bool {
        let first = self.words.first().is_some_and(|word| matches!(*word, "같이" | "함께"));
        let ours =
            self.words.contains(&"우리") && (self.words.contains(&"같이") || self.words.contains(&"함께"));
        let together = (first || ours) && !matches!(reading.word, "살다" | "다니다" | "지내다");
        let about = self.has_topic()
            || self
                .words
                .iter()
                .any(|word| word.ends_with('가') || matches!(*word, "매일" | "자주" | "항상"));
        reading.level != Level::Formal && reading.stem.kind == Kind::Action && together && !about
    }

    /// 여기 앉아, 기다려 줘: a casual command looks like a statement.
    fn commands(&self, reading: &Reading) -> bool {
        if reading.level != Level::Casual
            || reading.stem.kind != Kind::Action
            || self.predicate.ends_with('다')
        {
            return false;
        }
        let usual = |word: &&str| STATEMENTS.contains(word) || word.ends_with("마다");
        let tried = reading.word == "보다"
            && (!reading.prefix.is_empty()
                || self.words.last().is_some_and(|last| lexicon().is_joined(&letters(last))));
        let told = tried
            || self.words.iter().any(|word| URGENT.contains(word))
            || COMMANDS
                .iter()
                .any(|(sign, verbs)| self.words.contains(sign) && verbs.contains(&reading.word))
            || reading.word.ends_with("주다")
            || self.predicate.starts_with("그만")
            || self.words.first().is_some_and(|word| *word == "빨리")
            || reading.word == "보내다" && self.words.len() == 2 && is_good(self.words[0]);
        reading.word == "말다"
            || told && !self.words.iter().any(usual) && !self.has_topic() && !self.has_subject()
    }

    /// 하겠습니다 of somebody who speaks of himself is 할게요 in polite speech.
    fn promises(&self, reading: &Reading) -> bool {
        const ABOUT_SELF: [&str; 7] = ["제가", "저는", "저도", "내가", "나는", "나도", "저희가"];
        let own = self.words.iter().any(|word| ABOUT_SELF.contains(word));
        let bare = reading.level == Level::Formal && !self.has_topic() && !self.has_subject();
        !self.is_question() && !reading.respectful && (own || bare)
    }

    /// Whether somebody or something is spoken of; 좋은 and 먹는 only describe what follows.
    fn has_topic(&self) -> bool {
        self.words.iter().any(|word| {
            let Some(noun) = ["는", "은", "도"].iter().find_map(|particle| word.strip_suffix(particle))
            else {
                return matches!(*word, "나" | "저");
            };
            let form = letters(word);
            let describes = form.strip_suffix('\u{11AB}').is_some_and(|open| {
                !lexicon().find(Shape::Open, open).is_empty()
                    || !lexicon().find(Shape::Near, &letters(noun)).is_empty()
            });
            is_noun(noun) || !describes
        })
    }

    /// 드리다 and 뵙다 are humble: among friends other verbs take their place, by who is meant.
    fn is_humble(&self) -> bool {
        const STEMS: [&str; 8] = ["드리", "드려", "드렸", "드릴", "드립", "드린", "뵙", "봬"];
        const JOINED: [char; 8] = ['와', '해', '려', '어', '아', '져', '여', '워'];
        STEMS.iter().any(|stem| {
            self.predicate.find(stem).is_some_and(|at| at == 0 || self.predicate[..at].ends_with(JOINED))
        })
    }

    /// 드시다 is to eat or to drink, which casual words tell apart.
    fn may_drink(&self) -> bool {
        const FOOD: [&str; 12] =
            ["밥", "빵", "점심", "저녁", "아침", "음식", "맛있게", "고기", "과일", "김치", "라면", "식사"];
        let both =
            ["드세", "드십", "드셨", "드시", "드셔"].iter().any(|start| self.predicate.starts_with(start));
        both && !self.words.iter().any(|word| FOOD.iter().any(|food| word.contains(food)))
    }

    fn has_subject(&self) -> bool {
        const ADVERBS: [&str; 6] = ["같이", "많이", "높이", "깊이", "깨끗이", "없이"];
        let subject = |word: &str| word.chars().count() > 1 && !is_noun(word) && !ADVERBS.contains(&word);
        self.words.iter().any(|word| word.ends_with(['이', '가']) && subject(word))
    }

    /// Somebody to whom respect is due also when he does not hear it.
    fn has_respected_subject(&self) -> bool {
        const PEOPLE: [&str; 10] =
            ["님", "어머니", "아버지", "할머니", "할아버지", "분", "교수", "사장", "부장", "과장"];
        self.words.iter().any(|word| {
            word.contains("께서")
                || ["이", "가", "은", "는", "도"]
                    .iter()
                    .filter_map(|particle| word.strip_suffix(particle))
                    .any(|person| PEOPLE.iter().any(|end| person.ends_with(end)))
        })
    }

    /// 매일 걷습니다: without an object one walks.
    fn walks<'r>(&self, readings: &'r [Reading]) -> Vec<&'r Reading> {
        let rolled = readings.iter().any(|reading| reading.word == "걷다²");
        let object = self.words.iter().any(|word| word.ends_with(['을', '를']));
        readings.iter().filter(|reading| rolled && !object && reading.word == "걷다").collect()
    }

    /// Of several words that look the same, those that the nearest telling word is about.
    fn hinted<'r>(&self, readings: &'r [Reading]) -> Vec<&'r Reading> {
        let about = |around: &str, word: &str| {
            HINTS.iter().any(|(verb, inside, at_end)| {
                *verb == word
                    && (inside.iter().any(|hint| around.contains(hint))
                        || at_end.iter().any(|hint| around.ends_with(hint)))
            })
        };
        self.words
            .iter()
            .rev()
            .map(|around| {
                let told = |reading: &&Reading| {
                    about(around, reading.word) || reading.noun.is_some() && modifies(around)
                };
                readings.iter().filter(told).collect::<Vec<_>>()
            })
            .find(|hinted| !hinted.is_empty())
            .unwrap_or_default()
    }
}

/// 좋은 하루 보내.
fn is_good(word: &str) -> bool {
    matches!(word, "좋은" | "즐거운" | "행복한" | "멋진")
}

/// Whether a word like 갈, 먹는 or 제 stands before a noun such as 거.
fn modifies(word: &str) -> bool {
    let form = letters(word);
    let future = |shut: char| {
        form.strip_suffix(shut).is_some_and(|open| !lexicon().find(Shape::Open, open).is_empty())
    };
    matches!(word, "제" | "내") || future('\u{11AF}') || form.ends_with('\u{11AB}')
}
