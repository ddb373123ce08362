//! The last words of a unit, for messages about its failure.

use super::event::Event;
use super::reader::{From, Unfinished};
use super::segment;
use super::tail::tail;
use crate::layout::Layout;

/// The last `count` lines of the unit's newest run, readable. Empty also when they cannot be read: the
/// message that they would have been part of says something more important.
pub(crate) fn last_lines(layout: &Layout, unit: &str, count: usize) -> Vec<String> {
    let Ok(segments) = segment::of_unit(&layout.logs(), unit) else {
        return Vec::new();
    };
    let newest = &segments[segments.len().saturating_sub(1)..];
    let Ok((entries, _)) = tail(unit, newest, From::Beginning, count, Unfinished::Shown, |_| true) else {
        return Vec::new();
    };
    entries.iter().map(|entry| Event::parse(&entry.line).text()).collect()
}
