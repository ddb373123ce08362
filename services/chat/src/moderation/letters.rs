//! A text as its letters: what somebody puts between and around them to hide a word is taken away, and where words begin
//! and end is kept.

use unicode_normalization::UnicodeNormalization as _;

/// One letter of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Letter {
    pub(super) shape: char,
    /// Which of the parts between white space it belongs to.
    pub(super) token: usize,
    /// A word may begin here: behind white space, a mark, or a letter of another script.
    pub(super) start: bool,
    /// A word may end here.
    pub(super) end: bool,
    /// Its token has no other letter and no digit: somebody may be spelling.
    pub(super) single: bool,
}

/// The same letter several times in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) shape: char,
    pub(super) times: usize,
    /// Place of the first one among all letters, and of the one behind the last.
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) start: bool,
    pub(super) end: bool,
}

/// The letters of a text: composed (NFC), in lower case, full-width ones narrow, without accents and what cannot be seen;
/// digits and signs between Latin letters are the letters they look like.
pub(super) fn letters(text: &str) -> Vec<Letter> {
    let mut letters = Vec::with_capacity(text.len() / 2);
    for (token, part) in text.split_whitespace().enumerate() {
        let shapes: Vec<char> = part.nfc().filter_map(shape).flat_map(char::to_lowercase).collect();
        let shapes = unmasked(&shapes);
        let first = letters.len();
        let mut before: Option<char> = None;
        for &shape in &shapes {
            if shape.is_alphabetic() {
                let start = before.is_none_or(|before| {
                    // `9시발` is a train that leaves at nine.
                    !before.is_ascii_digit() && script(before) != script(shape)
                });
                if start && let Some(last) = letters.get_mut(first..).and_then(<[Letter]>::last_mut) {
                    last.end = true;
                }
                letters.push(Letter { shape, token, start, end: false, single: false });
            } else if let Some(last) = letters.get_mut(first..).and_then(<[Letter]>::last_mut) {
                last.end = true;
            }
            before = Some(shape);
        }
        let alone = letters.len() == first + 1 && !shapes.iter().any(char::is_ascii_digit);
        if let Some(last) = letters.get_mut(first..).and_then(<[Letter]>::last_mut) {
            last.end = true;
            last.single = alone;
        }
    }
    letters
}

/// Runs of the same letter. `place` is where the letters stand among all of the text's. A letter that begins a token stays
/// apart from those before it unless somebody spells.
pub(super) fn runs(letters: &[Letter], place: usize) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::with_capacity(letters.len());
    let mut token = None;
    for (index, letter) in letters.iter().enumerate() {
        let joined = token == Some(letter.token) || letter.single;
        token = Some(letter.token);
        match runs.last_mut() {
            Some(last) if joined && last.shape == letter.shape => {
                last.times += 1;
                last.to = place + index + 1;
                last.end = letter.end;
            }
            _ => runs.push(Run {
                shape: letter.shape,
                times: 1,
                from: place + index,
                to: place + index + 1,
                start: letter.start,
                end: letter.end,
            }),
        }
    }
    runs
}

/// The visible, plain shape of a character.
fn shape(letter: char) -> Option<char> {
    match letter {
        // Zero-width, direction marks, soft hyphen, fillers of Hangul, selectors, accents that stand alone.
        '\u{ad}'
        | '\u{34f}'
        | '\u{115f}'
        | '\u{1160}'
        | '\u{180e}'
        | '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{2064}'
        | '\u{2066}'..='\u{206f}'
        | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}'
        | '\u{ffa0}'
        | '\u{300}'..='\u{36f}'
        | '\u{20d0}'..='\u{20ff}' => None,
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(letter) - 0xfee0),
        '\u{c0}'..='\u{24f}' => std::iter::once(letter).nfd().next(),
        _ => Some(letter),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Script {
    Latin,
    Other,
    /// Digits, signs, pictures.
    None,
}

fn script(letter: char) -> Script {
    match letter {
        'a'..='z' => Script::Latin,
        _ if letter.is_alphabetic() => Script::Other,
        _ => Script::None,
    }
}

pub(super) fn is_latin(letter: char) -> bool {
    script(letter) == Script::Latin
}

/// Replaces `sh1t`'s digit by the letter it stands for. Only between letters, where nothing else makes sense.
fn unmasked(shapes: &[char]) -> Vec<char> {
    let mut plain = shapes.to_vec();
    let masks = |shape: &char| is_latin(*shape) || unmask(*shape).is_some();
    let mut from = 0;
    for stretch in shapes.chunk_by(|a, b| masks(a) == masks(b)) {
        let letters = |shape: &char| is_latin(*shape);
        if let (Some(first), Some(last)) =
            (stretch.iter().position(letters), stretch.iter().rposition(letters))
        {
            for shape in &mut plain[from + first..from + last] {
                *shape = unmask(*shape).unwrap_or(*shape);
            }
        }
        from += stretch.len();
    }
    plain
}

fn unmask(shape: char) -> Option<char> {
    Some(match shape {
        '0' => 'o',
        '1' => 'i',
        '3' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '7' => 't',
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(text: &str) -> String {
        let mut seen = String::new();
        for letter in letters(text) {
            if letter.start {
                seen.push('<');
            }
            seen.push(letter.shape);
            if letter.end {
                seen.push('>');
            }
        }
        seen
    }

    #[test]
    fn words_begin_and_end_at_spaces_marks_and_other_scripts() {
        for (text, expected) in [
            ("Ab c", "<ab><c>"),
            ("가.나다", "<가><나다>"),
            ("ab가", "<ab><가>"),
            ("9시", "시>"),
            ("ＡＢ", "<ab>"),
            ("a\u{200b}b", "<ab>"),
            ("sh1t 2nd h2o", "<shit>nd><h>o>"),
            ("a$$ b@d", "<a><bad>"),
            ("f\u{336}u\u{336} é", "<fu><e>"),
            ("\u{1112}\u{1161}\u{11ab}", "<한>"),
            ("  ...  ", ""),
        ] {
            assert_eq!(seen(text), expected, "{text}");
        }
    }

    #[test]
    fn only_a_letter_on_its_own_is_spelling() {
        let single = |text| letters(text).iter().map(|letter| letter.single).collect::<Vec<_>>();
        assert_eq!(single("a b. cd 9시"), [true, true, false, false, false]);
    }

    #[test]
    fn repeated_letters_are_one_run_but_not_across_words() {
        let of = |text| runs(&letters(text), 0).iter().map(|run| (run.shape, run.times)).collect::<Vec<_>>();
        assert_eq!(of("남자 자살"), [('남', 1), ('자', 1), ('자', 1), ('살', 1)]);
        assert_eq!(of("fuuu-uck"), [('f', 1), ('u', 4), ('c', 1), ('k', 1)]);
        assert_eq!(of("f u u c"), [('f', 1), ('u', 2), ('c', 1)]);
    }
}
