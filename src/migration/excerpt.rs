//! Points at a place in a text: line, column, the line itself and a caret.

use std::fmt;

/// A place in a text, with the line it is on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Excerpt {
    /// Both from 1; the column counts characters.
    pub line: usize,
    pub column: usize,
    pub text: String,
}

impl Excerpt {
    /// The place of the `position`-th character, from 1, which is how PostgreSQL counts.
    pub(crate) fn at(text: &str, position: usize) -> Option<Self> {
        let before = position.checked_sub(1)?;
        let offset = match text.char_indices().nth(before) {
            Some((offset, _)) => offset,
            // "At end of input" is one behind the last character: show that one instead.
            None => text.trim_end().char_indices().next_back()?.0,
        };
        let start = text[..offset].rfind('\n').map_or(0, |newline| newline + 1);
        Some(Self {
            line: text[..offset].matches('\n').count() + 1,
            column: text[start..offset].chars().count() + 1,
            text: text[start..].lines().next().unwrap_or_default().to_owned(),
        })
    }
}

/// Three lines, as compilers draw it.
impl fmt::Display for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = self.line.to_string();
        let gutter = " ".repeat(number.len());
        let indent: String = self.text.chars().take(self.column - 1).map(blank).collect();
        write!(f, "{gutter} |\n{number} | {}\n{gutter} | {indent}^", self.text)
    }
}

/// What takes as much room on a terminal as `c`: Hangul and its East Asian neighbours take two cells.
fn blank(c: char) -> &'static str {
    match c {
        '\t' => "\t",
        '\u{1100}'..='\u{115F}'
        | '\u{2E80}'..='\u{D7A3}'
        | '\u{F900}'..='\u{FAFF}'
        | '\u{FF00}'..='\u{FF60}' => "  ",
        _ => " ",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_counts_characters_not_bytes() {
        let sql = "select '도란';\nselect nonsense from;\n";
        let position = sql.chars().take_while(|c| *c != 'f').count() + 1;
        let excerpt = Excerpt::at(sql, position).unwrap();
        assert_eq!((excerpt.line, excerpt.column), (2, 17));
        assert_eq!(excerpt.to_string(), "  |\n2 | select nonsense from;\n  |                 ^");
    }

    #[test]
    fn the_caret_stands_under_its_character_behind_hangul() {
        let excerpt = Excerpt::at("'도란' x", 6).unwrap();
        assert_eq!(excerpt.to_string(), "  |\n1 | '도란' x\n  |        ^");
    }

    #[test]
    fn the_end_of_input_points_at_the_last_character() {
        let excerpt = Excerpt::at("select (1\n\n", 12).unwrap();
        assert_eq!((excerpt.line, excerpt.column, excerpt.text.as_str()), (1, 9, "select (1"));
    }

    #[test]
    fn no_position_and_no_text_give_no_place() {
        assert_eq!(Excerpt::at("select", 0), None);
        assert_eq!(Excerpt::at("", 1), None);
    }
}
