//! What is wrong with a stack file, shown as a compiler would: place, line, caret, help.

use std::fmt;

use super::place::{Layer, Place};
use crate::error::{CliError, ExitStatus};

/// One mistake. The first label is where it is, further ones are what it clashes with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Diagnostic {
    message: String,
    labels: Vec<(Place, String)>,
    help: Option<String>,
}

impl Diagnostic {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), labels: Vec::new(), help: None }
    }

    /// Adds a place, with a remark beside its caret (may be empty).
    #[must_use]
    pub(crate) fn at(mut self, place: &Place, remark: impl Into<String>) -> Self {
        self.labels.push((place.clone(), remark.into()));
        self
    }

    #[must_use]
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    fn position(&self) -> Option<(Layer, &str, usize, usize)> {
        let (place, _) = self.labels.first()?;
        Some((place.layer(), &place.source.name, place.line, place.column))
    }

    /// Adds the help if there is any.
    #[must_use]
    pub(crate) fn maybe_help(mut self, help: Option<String>) -> Self {
        self.help = help.or(self.help);
        self
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        let gutter = self.labels.iter().map(|(place, _)| place.line.to_string().len()).max().unwrap_or(0);
        for (index, (place, remark)) in self.labels.iter().enumerate() {
            let arrow = if index == 0 { "-->" } else { ":::" };
            let line = place.line_text();
            write!(f, "\n{:gutter$}{arrow} {place}\n{:gutter$} |", "", "")?;
            write!(f, "\n{:>gutter$} | {line}\n{:gutter$} | {}", place.line, "", underline(line, place))?;
            if !remark.is_empty() {
                write!(f, " {remark}")?;
            }
        }
        match &self.help {
            Some(help) => write!(f, "\n{:gutter$} = help: {help}", ""),
            None => Ok(()),
        }
    }
}

/// Spaces up to the place, then carets below it; never beyond the end of the line.
fn underline(line: &str, place: &Place) -> String {
    let before: String = line.chars().take(place.column - 1).map(blank).collect();
    let carets: usize = line.chars().skip(place.column - 1).take(place.width).map(columns).sum();
    format!("{before}{}", "^".repeat(carets.max(1)))
}

/// As wide as the character on a terminal.
fn blank(character: char) -> &'static str {
    match (character, columns(character)) {
        ('\t', _) => "\t",
        (_, 2) => "  ",
        (_, _) => " ",
    }
}

/// Hangul, kana, ideographs and full-width forms take two columns (East Asian Width W and F).
fn columns(character: char) -> usize {
    match character {
        '\u{1100}'..='\u{115f}'
        | '\u{2e80}'..='\u{a4cf}'
        | '\u{a960}'..='\u{a97c}'
        | '\u{ac00}'..='\u{d7a3}'
        | '\u{f900}'..='\u{faff}'
        | '\u{fe30}'..='\u{fe6f}'
        | '\u{ff00}'..='\u{ff60}'
        | '\u{1f300}'..='\u{1f64f}' => 2,
        _ => 1,
    }
}

/// Everything that is wrong with a stack. Its text starts without `error:`, which the command line adds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StackError {
    diagnostics: Vec<Diagnostic>,
}

impl StackError {
    pub(crate) fn one(diagnostic: Diagnostic) -> Self {
        Self { diagnostics: vec![diagnostic] }
    }

    /// Several at once, shown in the order in which they are written.
    pub(crate) fn of(mut diagnostics: Vec<Diagnostic>) -> Self {
        diagnostics.sort_by(|a, b| a.position().cmp(&b.position()));
        Self { diagnostics }
    }

    /// `Ok` when there is nothing to complain about.
    pub(crate) fn check(diagnostics: Vec<Diagnostic>) -> Result<(), Self> {
        if diagnostics.is_empty() { Ok(()) } else { Err(Self::of(diagnostics)) }
    }
}

impl fmt::Display for StackError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, diagnostic) in self.diagnostics.iter().enumerate() {
            if index > 0 {
                f.write_str("\n\nerror: ")?;
            }
            write!(f, "{diagnostic}")?;
        }
        match self.diagnostics.len() {
            0 | 1 => Ok(()),
            count => write!(f, "\n\n{count} errors in the stack file"),
        }
    }
}

impl std::error::Error for StackError {}

impl From<StackError> for CliError {
    fn from(error: StackError) -> Self {
        Self::new(ExitStatus::Config, error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::super::place::Source;
    use super::*;

    #[test]
    fn the_caret_stands_below_the_text_even_after_hangul() {
        let source = Source::new(Layer::File, "x.yaml", "이름: 도란\n");
        let shown = Diagnostic::new("no").at(&Place::new(&source, 1, 5, 2), "here").to_string();
        assert_eq!(shown, "no\n --> x.yaml:1:5\n  |\n1 | 이름: 도란\n  |       ^^^^ here");
    }

    #[test]
    fn a_place_beyond_the_text_is_still_shown() {
        let source = Source::new(Layer::File, "x.yaml", "");
        let shown = Diagnostic::new("empty").at(&Place::new(&source, 9, 3, 5), "").help("write").to_string();
        assert_eq!(shown, "empty\n --> x.yaml:9:3\n  |\n9 | \n  | ^\n  = help: write");
    }
}
