//! What the units wrote, on disk: raw chunks in `<unit>.<run>.log`, and an index beside each segment.
//!
//! The shim is the only writer (`capture`, `write`) and never looks at the bytes; readers cut lines
//! (`line`), walk a unit's runs (`reader`), order units by time (`merge`) and make sense of a line
//! (`event`). Readers need no running supervisor. This module knows files and bytes: nothing about units
//! beyond their names, and nothing about colours or columns.

pub(crate) mod capture;
pub(crate) mod event;
pub(crate) mod index;
mod json;
mod last;
pub(crate) mod line;
pub(crate) mod merge;
mod read;
pub(crate) mod reader;
pub(crate) mod segment;
pub(crate) mod tail;
#[cfg(test)]
mod tests;
pub(crate) mod write;

pub(crate) use last::last_lines;
