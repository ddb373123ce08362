//! Tables of sentences, and what holds for all of them.

use contract::chat::Concept;

pub(super) const CONCEPTS: [Concept; 5] =
    [Concept::Friend, Concept::Honey, Concept::Coworker, Concept::Senior, Concept::Boss];

mod conversion;
mod level;
mod property;
mod right;
