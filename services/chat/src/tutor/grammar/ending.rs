//! The endings of sentences: what they mean, how polite they are and what they stand behind.

use std::sync::LazyLock;

use contract::chat::Level;

use super::lexicon::Shape;
use super::stem::Kind;
use crate::tutor::hangul;

/// What a speaker does with a sentence. Each has its endings in the three levels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::tutor) enum Mood {
    Statement,
    Question,
    /// -(으)십시오, 가라.
    Command,
    /// -(으)ㅂ시다, -자.
    Proposal,
    /// -(으)ㄹ게.
    Promise,
    /// -(으)ㄹ래.
    Intention,
    /// -(으)ㄹ까.
    Wonder,
    /// -네.
    Exclaim,
    /// -구나.
    Realise,
    /// -지.
    Confirm,
    /// -거든.
    Because,
    /// -잖아.
    Remind,
    /// -는데.
    Background,
    /// -대.
    Hearsay,
    /// -나요, -(으)ㄴ가요.
    Ask,
    /// -더라.
    Recall,
    /// -아야지.
    Resolve,
    /// -나 보다, -(으)ㄴ가 보다; many write it as one word.
    Seem,
    /// -(으)세요: a statement, a question or a command by its sentence.
    Honour,
    /// 가다: no ending at all.
    Dictionary,
}

/// What the letters before an ending must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::tutor) enum Before {
    Any,
    Consonant,
    Vowel,
}

/// Which words take an ending.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::tutor) enum Takes {
    All,
    /// Actions and 있다.
    Action,
    /// Adjectives and 이다.
    Quality,
    /// Everything but actions.
    State,
    /// Everything but adjectives.
    Event,
}

impl Takes {
    pub(in crate::tutor) const fn includes(self, kind: Kind) -> bool {
        match self {
            Self::All => true,
            Self::Action => matches!(kind, Kind::Action | Kind::Being),
            Self::Quality => matches!(kind, Kind::Quality | Kind::Copula),
            Self::State => matches!(kind, Kind::Quality | Kind::Copula | Kind::Being | Kind::Tensed),
            Self::Event => matches!(kind, Kind::Action | Kind::Being | Kind::Tensed),
        }
    }
}

#[derive(Debug)]
pub(in crate::tutor) struct Ending {
    /// In letters.
    pub(in crate::tutor) letters: String,
    pub(in crate::tutor) shape: Shape,
    pub(in crate::tutor) before: Before,
    pub(in crate::tutor) takes: Takes,
    pub(in crate::tutor) mood: Mood,
    pub(in crate::tutor) level: Level,
}

type Row = (&'static str, Shape, Before, Takes, Mood);

const FORMAL: &[Row] = {
    use Before::{Any, Consonant, Vowel};
    use Shape::{Near, Open};
    use Takes::{Action, All, Event, Quality};
    &[
        ("습니다", Near, Consonant, All, Mood::Statement),
        ("ㅂ니다", Open, Vowel, All, Mood::Statement),
        ("습니까", Near, Consonant, All, Mood::Question),
        ("ㅂ니까", Open, Vowel, All, Mood::Question),
        ("십시오", Open, Any, Action, Mood::Command),
        ("ㅂ시다", Open, Any, Action, Mood::Proposal),
        ("습니다만", Near, Consonant, All, Mood::Background),
        ("ㅂ니다만", Open, Vowel, All, Mood::Background),
        ("나봅니다", Near, Any, Event, Mood::Seem),
        ("ㄴ가봅니다", Open, Any, Quality, Mood::Seem),
    ]
};

const POLITE: &[Row] = {
    use Before::{Any, Consonant, Vowel};
    use Shape::{Base, Joined, Near, Open};
    use Takes::{Action, All, Event, Quality, State};
    &[
        ("요", Joined, Any, All, Mood::Statement),
        ("세요", Open, Any, All, Mood::Honour),
        ("ㄹ게요", Open, Any, Action, Mood::Promise),
        ("ㄹ래요", Open, Any, Action, Mood::Intention),
        ("ㄹ까요", Open, Any, All, Mood::Wonder),
        ("네요", Near, Any, All, Mood::Exclaim),
        ("군요", Base, Any, State, Mood::Realise),
        ("는군요", Near, Any, Event, Mood::Realise),
        ("죠", Base, Any, All, Mood::Confirm),
        ("지요", Base, Any, All, Mood::Confirm),
        ("거든요", Base, Any, All, Mood::Because),
        ("잖아요", Base, Any, All, Mood::Remind),
        ("는데요", Near, Any, Event, Mood::Background),
        ("ㄴ데요", Open, Any, Quality, Mood::Background),
        ("ㄴ대요", Open, Vowel, Action, Mood::Hearsay),
        ("는대요", Near, Consonant, Action, Mood::Hearsay),
        ("대요", Base, Any, State, Mood::Hearsay),
        ("나요", Near, Any, Event, Mood::Ask),
        ("ㄴ가요", Open, Any, Quality, Mood::Ask),
        ("야죠", Joined, Any, Action, Mood::Resolve),
        ("야지요", Joined, Any, Action, Mood::Resolve),
        ("나봐요", Near, Any, Event, Mood::Seem),
        ("ㄴ가봐요", Open, Any, Quality, Mood::Seem),
        ("더라고요", Base, Any, All, Mood::Recall),
    ]
};

const CASUAL: &[Row] = {
    use Before::{Any, Consonant, Vowel};
    use Shape::{Bare, Base, Joined, Near, Open};
    use Takes::{Action, All, Event, Quality, State};
    &[
        ("", Bare, Any, All, Mood::Statement),
        ("라", Joined, Any, Action, Mood::Command),
        ("자", Base, Any, Action, Mood::Proposal),
        ("ㄹ게", Open, Any, Action, Mood::Promise),
        ("ㄹ래", Open, Any, Action, Mood::Intention),
        ("ㄹ까", Open, Any, All, Mood::Wonder),
        ("네", Near, Any, All, Mood::Exclaim),
        ("군", Base, Any, State, Mood::Realise),
        ("는군", Near, Any, Event, Mood::Realise),
        ("구나", Base, Any, State, Mood::Realise),
        ("는구나", Near, Any, Event, Mood::Realise),
        ("지", Base, Any, All, Mood::Confirm),
        ("거든", Base, Any, All, Mood::Because),
        ("잖아", Base, Any, All, Mood::Remind),
        ("는데", Near, Any, Event, Mood::Background),
        ("ㄴ데", Open, Any, Quality, Mood::Background),
        ("ㄴ대", Open, Vowel, Action, Mood::Hearsay),
        ("는대", Near, Consonant, Action, Mood::Hearsay),
        ("대", Base, Any, State, Mood::Hearsay),
        ("니", Near, Any, All, Mood::Question),
        ("냐", Near, Any, All, Mood::Question),
        ("나", Near, Any, Event, Mood::Ask),
        ("ㄴ가", Open, Any, Quality, Mood::Ask),
        ("야지", Joined, Any, Action, Mood::Resolve),
        ("나봐", Near, Any, Event, Mood::Seem),
        ("ㄴ가봐", Open, Any, Quality, Mood::Seem),
        ("더라", Base, Any, All, Mood::Recall),
        ("ㄴ다", Open, Vowel, Action, Mood::Statement),
        ("는다", Near, Consonant, Action, Mood::Statement),
        ("다", Base, Any, State, Mood::Statement),
        ("다", Base, Any, Action, Mood::Dictionary),
    ]
};

/// All endings, the longest first: the longest that fits is the one that was meant.
pub(in crate::tutor) static ENDINGS: LazyLock<Vec<Ending>> = LazyLock::new(|| {
    let mut endings = Vec::new();
    for (level, rows) in [(Level::Formal, FORMAL), (Level::Polite, POLITE), (Level::Casual, CASUAL)] {
        for &(written, shape, before, takes, mood) in rows {
            endings.push(Ending { letters: hangul::ending(written), shape, before, takes, mood, level });
        }
    }
    endings.sort_by_key(|ending| std::cmp::Reverse(ending.letters.len()));
    endings
});
