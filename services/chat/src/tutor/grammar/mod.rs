//! How Korean verbs and adjectives end, and how polite each ending is.

mod ending;
mod lexicon;
mod noun;
mod reading;
mod render;
mod stem;

pub(super) use ending::Mood;
pub(super) use lexicon::{Shape, lexicon};
pub(super) use noun::{ends_in_own_i, is_noun};
pub(super) use reading::{Reading, readings};
pub(super) use render::{Asked, render};
pub(super) use stem::{Kind, Pattern, Stem};
