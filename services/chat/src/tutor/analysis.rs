//! What a learner's message is told: its level, a correction where it is sure, a comment always.

use contract::chat::{Feedback, Intimacy, Level};
use unicode_normalization::UnicodeNormalization as _;

use super::address;
use super::edit::{Edit, apply};
use super::feedback;
use super::hangul::is_syllable;
use super::rewrite::rewrite;
use super::spelling::{Lesson, mistakes};
use super::verdict::{Sign, Verdict, verdicts};

/// Why something was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    Level,
    Address,
    Lesson(Lesson),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) from: String,
    pub(super) to: String,
    pub(super) why: Why,
}

/// What one pass over a text comes to.
struct Pass {
    detected: Option<Level>,
    /// Whether each sentence that has a level has a fitting one.
    fits: bool,
    text: String,
    changes: Vec<Change>,
}

/// Longer texts (in characters) are judged, but not corrected: nobody would read it, and it costs a thread its time.
const LONG: usize = 2_000;

/// How often a correction is looked at again; if it does not settle, it was none.
const PASSES: usize = 4;

/// How polite `text` is, and what it should have been at level `wanted`.
pub fn analyse(text: &str, wanted: Level) -> Intimacy {
    let text: String = text.nfc().collect();
    let first = pass(&text, wanted);
    let (detected, fits) = (first.detected, first.fits);
    let (corrected, changes) = settled(&text, first, wanted).unwrap_or_default();
    let (ko, en) = match detected {
        Some(detected) if !changes.is_empty() && !in_level(&corrected, wanted) => {
            // The spelling could be corrected, the level could not.
            let (spelling, level) =
                (feedback::corrected(&changes, wanted), feedback::hinted(detected, wanted));
            (format!("{} {}", spelling.0, level.0), format!("{} {}", spelling.1, level.1))
        }
        _ if !changes.is_empty() => feedback::corrected(&changes, wanted),
        Some(detected) if fits && detected != wanted => feedback::accepted(),
        Some(_) if fits => feedback::praised(wanted),
        Some(detected) => feedback::hinted(detected, wanted),
        None if text.chars().any(is_syllable) => feedback::unfinished(wanted),
        None => feedback::not_korean(wanted),
    };
    Intimacy {
        detected_level: detected.unwrap_or(wanted).number(),
        corrected_sentence: corrected,
        feedback: Feedback { ko, en },
        corrections: feedback::list(&changes, wanted),
    }
}

/// The correction that has nothing to correct any more, and all changes on the way to it.
fn settled(text: &str, first: Pass, wanted: Level) -> Option<(String, Vec<Change>)> {
    if first.text == text || text.chars().count() > LONG {
        return None;
    }
    let (mut corrected, mut changes) = (first.text, first.changes);
    for _ in 0..PASSES {
        let next = pass(&corrected, wanted);
        if next.text == corrected {
            return (corrected != text).then_some((corrected, changes));
        }
        changes.extend(next.changes);
        corrected = next.text;
    }
    None
}

fn in_level(text: &str, wanted: Level) -> bool {
    verdicts(text).iter().all(|verdict| verdict.fits(wanted))
}

/// The level that `text` is in, if its endings tell.
#[cfg(test)]
pub(super) fn detect(text: &str) -> Option<Level> {
    level_of(&verdicts(text))
}

fn pass(text: &str, wanted: Level) -> Pass {
    let mut changes = Vec::new();
    let mut edits = Vec::new();
    for (edit, lesson) in mistakes(text) {
        changes.push(change(text, &edit, Why::Lesson(lesson)));
        edits.push(edit);
    }
    let mut spelled = apply(text, &mut edits);
    let verdicts = verdicts(&spelled);
    let fits = verdicts.iter().all(|verdict| verdict.fits(wanted));
    if let Some(level_edits) = conversion(&spelled, &verdicts, wanted) {
        changes.extend(level_edits.iter().map(|(edit, why)| change(&spelled, edit, *why)));
        let mut edits: Vec<_> = level_edits.into_iter().map(|(edit, _)| edit).collect();
        spelled = apply(&spelled, &mut edits);
    }
    Pass { detected: level_of(&verdicts), fits, text: spelled, changes }
}

fn change(text: &str, edit: &Edit, why: Why) -> Change {
    Change { from: text[edit.range.clone()].trim().to_owned(), to: edit.with.clone(), why }
}

/// All that makes `text` fit; nothing as soon as one sentence is not sure, for half a conversion would mix levels.
fn conversion(text: &str, verdicts: &[Verdict], wanted: Level) -> Option<Vec<(Edit, Why)>> {
    let mut edits = Vec::new();
    for verdict in verdicts {
        let fits = verdict.fits(wanted);
        if !fits {
            let with = rewrite(text, verdict, wanted)?;
            if with != text[verdict.predicate.clone()] {
                edits.push((Edit { range: verdict.predicate.clone(), with }, Why::Level));
            }
        }
        let addressed = match address::edits(text, verdict, wanted) {
            Some(addressed) if verdict.sign != Sign::Ending => addressed,
            _ if fits => Vec::new(),
            Some(addressed) => addressed,
            None => return None,
        };
        edits.extend(addressed.into_iter().map(|edit| (edit, Why::Address)));
    }
    Some(edits)
}

/// The level of most sentences, the last of them deciding between equals. What is said in several levels counts
/// only when there is nothing else.
fn level_of(verdicts: &[Verdict]) -> Option<Level> {
    let telling = verdicts.iter().filter(|verdict| verdict.also.is_none());
    let voters: Vec<_> = if telling.clone().next().is_some() {
        telling.map(|verdict| verdict.level).collect()
    } else {
        verdicts.iter().map(|verdict| verdict.level).collect()
    };
    let count = |level: Level| voters.iter().filter(|vote| **vote == level).count();
    let most = Level::ALL.into_iter().map(count).max()?;
    voters.iter().rev().copied().find(|&level| count(level) == most)
}
