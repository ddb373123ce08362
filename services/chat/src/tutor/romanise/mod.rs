//! Revised Romanization of Korean (2000): Korean as it is spoken, in Latin letters. Sounds change inside a word, not
//! across spaces; tensing is not written, as the rules say.

use super::hangul::{Parts, parts};

/// Respelled as spoken, where no rule can know: compounds that keep or add a sound.
const SPOKEN: &[(&str, &str)] = &[
    ("맛없", "마덥"),
    ("멋없", "머덥"),
    ("첫인상", "처딘상"),
    ("옷 안", "오 단"),
    ("깻잎", "깬닙"),
    ("꽃잎", "꼰닙"),
    ("나뭇잎", "나문닙"),
    ("학여울", "항녀울"),
    ("알약", "알략"),
    ("색연필", "생년필"),
    ("서울역", "서울력"),
    ("부산역", "부산녁"),
    ("담요", "담뇨"),
    ("볼일", "볼릴"),
    ("몇월", "며둴"),
    ("몇 월", "며 둴"),
    ("못 일어", "몬 니러"),
];

const ONSETS: [&str; 19] =
    ["g", "kk", "n", "d", "tt", "r", "m", "b", "pp", "s", "ss", "", "j", "jj", "ch", "k", "t", "p", "h"];
const VOWELS: [&str; 21] = [
    "a", "ae", "ya", "yae", "eo", "e", "yeo", "ye", "o", "wa", "wae", "oe", "yo", "u", "wo", "we", "wi",
    "yu", "eu", "ui", "i",
];

// Numbers of onsets.
const G: u32 = 0;
const N: u32 = 2;
const D: u32 = 3;
const R: u32 = 5;
const M: u32 = 6;
const B: u32 = 7;
const S: u32 = 9;
const SS: u32 = 10;
const NONE: u32 = 11;
const J: u32 = 12;
const CH: u32 = 14;
const K: u32 = 15;
const T: u32 = 16;
const P: u32 = 17;
const H: u32 = 18;

/// What a syllable ends in when nothing follows, or what it turns to before another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Open,
    K,
    N,
    T,
    L,
    M,
    P,
    Ng,
}

impl End {
    const fn written(self) -> &'static str {
        match self {
            Self::Open => "",
            Self::K => "k",
            Self::N => "n",
            Self::T => "t",
            Self::L => "l",
            Self::M => "m",
            Self::P => "p",
            Self::Ng => "ng",
        }
    }

    const fn nasal(self) -> Self {
        match self {
            Self::K => Self::Ng,
            Self::T => Self::N,
            Self::P => Self::M,
            other => other,
        }
    }
}

/// The consonants that end a syllable, by their number: how they sound alone, and what they leave behind and hand
/// over when a vowel follows.
const ENDS: [(End, End, u32); 28] = [
    (End::Open, End::Open, NONE),
    (End::K, End::Open, G),
    (End::K, End::Open, 1),
    (End::K, End::K, S),
    (End::N, End::Open, N),
    (End::N, End::N, J),
    (End::N, End::Open, N),
    (End::T, End::Open, D),
    (End::L, End::Open, R),
    (End::K, End::L, G),
    (End::M, End::L, M),
    (End::L, End::L, B),
    (End::L, End::L, S),
    (End::L, End::L, T),
    (End::P, End::L, P),
    (End::L, End::Open, R),
    (End::M, End::Open, M),
    (End::P, End::Open, B),
    (End::P, End::P, S),
    (End::T, End::Open, S),
    (End::T, End::Open, SS),
    (End::Ng, End::Ng, NONE),
    (End::T, End::Open, J),
    (End::T, End::Open, CH),
    (End::K, End::Open, K),
    (End::T, End::Open, T),
    (End::P, End::Open, P),
    (End::T, End::Open, NONE),
];

fn coda(number: u32) -> (End, End, u32) {
    ENDS.get(number as usize).copied().unwrap_or(ENDS[0])
}

/// `text` in Latin letters, in lower case; what is not Korean stays.
pub fn romanise(text: &str) -> String {
    let mut spoken = text.to_owned();
    for (written, said) in SPOKEN {
        if spoken.contains(written) {
            spoken = spoken.replace(written, said);
        }
    }
    let chars: Vec<char> = spoken.chars().collect();
    let mut out = String::with_capacity(spoken.len());
    let mut onset = None;
    let mut before = None;
    for (at, &c) in chars.iter().enumerate() {
        let Some(this) = parts(c) else {
            out.extend(c.to_lowercase());
            before = None;
            onset = None;
            continue;
        };
        let first = onset.take().unwrap_or(this.onset);
        let doubled = first == R && before == Some(End::L);
        out.push_str(if doubled { "l" } else { ONSETS[first as usize] });
        out.push_str(VOWELS[this.vowel as usize]);
        let next = chars.get(at + 1).copied().and_then(parts);
        let (end, handed) = match next {
            Some(next) => met(this, next, &Place { chars: &chars, at }),
            None => (coda(this.coda).0, NONE),
        };
        out.push_str(end.written());
        onset = next.map(|_| handed);
        before = Some(end);
    }
    out
}

/// Where two syllables meet.
struct Place<'t> {
    chars: &'t [char],
    /// Of the first of them.
    at: usize,
}

impl Place<'_> {
    /// The word around, and where in it the first syllable is.
    fn word(&self) -> (&[char], usize) {
        let korean = |c: &char| parts(*c).is_some();
        let start = self.chars[..self.at].iter().rposition(|c| !korean(c)).map_or(0, |at| at + 1);
        let end =
            self.chars[self.at..].iter().position(|c| !korean(c)).map_or(self.chars.len(), |at| self.at + at);
        (&self.chars[start..end], self.at - start)
    }

    /// In nouns ㅎ keeps its own letter behind ㄱ, ㄷ, ㅂ; in verbs they melt into one sound.
    fn melts(&self) -> bool {
        const NOUNS: [[char; 2]; 3] = [['축', '하'], ['북', '한'], ['역', '할']];
        let pair = [self.chars[self.at], self.chars[self.at + 1]];
        let verbal = matches!(
            pair[1],
            '하' | '해' | '했' | '합' | '한' | '할' | '함' | '히' | '혀' | '혔' | '힌' | '힐' | '힘' | '힙'
        );
        verbal && !NOUNS.contains(&pair)
    }

    /// 신문로, 판단력: ㄴ and ㄹ of a compound become ㄴㄴ; within a word (신라) they become ㄹㄹ.
    fn is_seam(&self) -> bool {
        let (word, at) = self.word();
        at >= 1
            && at + 2 == word.len()
            && matches!(word[at + 1], '로' | '란' | '량' | '력' | '론' | '료' | '례')
    }
}

/// How two syllables sound where they meet: the end of the first and the onset of the second.
fn met(this: Parts, next: Parts, place: &Place<'_>) -> (End, u32) {
    let (alone, left, handed) = coda(this.coda);
    let silent_h = matches!(this.coda, 6 | 15 | 27);
    match next.onset {
        NONE => {
            // ㄷ, ㅌ before 이, 여: 같이, 해돋이, 붙여.
            let palatal = matches!(next.vowel, 20 | 6);
            match this.coda {
                7 if palatal => (End::Open, J),
                25 if palatal => (End::Open, CH),
                13 if palatal => (End::L, CH),
                0 => (End::Open, NONE),
                _ => (left, handed),
            }
        }
        H if place.melts() || matches!(this.coda, 5 | 9 | 11 | 22) => with_h(this.coda, next.vowel),
        G | D | J if silent_h => {
            let end = if this.coda == 27 { End::Open } else { alone };
            (end, [K, T, CH][usize::from(next.onset == D) + 2 * usize::from(next.onset == J)])
        }
        S if silent_h => (if this.coda == 27 { End::Open } else { alone }, S),
        // 읽고, but 닭과.
        G if this.coda == 9 && !matches!(place.chars[place.at], '닭' | '흙' | '칡') => (End::L, G),
        D | J | S | G if this.coda == 11 && place.chars[place.at] == '밟' => (End::P, next.onset),
        N if alone == End::L => (End::L, R),
        N | M => (alone.nasal(), next.onset),
        R => liquid(alone, place),
        onset => (alone, onset),
    }
}

/// A consonant and ㅎ become one: 좋고 the other way round, 잡혀, 닫혀, 앉히다.
fn with_h(coda_number: u32, vowel: u32) -> (End, u32) {
    match coda_number {
        1 | 2 | 24 => (End::Open, K),
        9 => (End::L, K),
        7 if matches!(vowel, 20 | 6) => (End::Open, CH),
        7 | 19 | 20 | 23 | 25 => (End::Open, T),
        22 => (End::Open, CH),
        5 => (End::N, CH),
        17 | 26 | 18 => (End::Open, P),
        11 => (End::L, P),
        other => (coda(other).0, H),
    }
}

fn liquid(alone: End, place: &Place<'_>) -> (End, u32) {
    match alone {
        End::N if place.is_seam() => (End::N, N),
        End::N | End::L => (End::L, R),
        End::M | End::Ng => (alone, N),
        End::K | End::T | End::P => (alone.nasal(), N),
        End::Open => (End::Open, R),
    }
}

#[cfg(test)]
mod tests;
