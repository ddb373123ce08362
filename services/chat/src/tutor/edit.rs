//! Changes to a text.

use std::ops::Range;

/// A part of a text and what to say instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Edit {
    pub(super) range: Range<usize>,
    pub(super) with: String,
}

/// `text` with all `edits` made. They do not overlap.
pub(super) fn apply(text: &str, edits: &mut [Edit]) -> String {
    edits.sort_by_key(|edit| edit.range.start);
    let mut made = String::with_capacity(text.len() + 16);
    let mut at = 0;
    for edit in edits.iter() {
        made.push_str(&text[at..edit.range.start]);
        made.push_str(&edit.with);
        at = edit.range.end;
    }
    made.push_str(&text[at..]);
    made
}
