//! What the tutor knows by heart.

pub(super) mod address;
pub(super) mod glossary;
pub(super) mod hint;
pub(super) mod intent;
pub(super) mod lookalike;
pub(super) mod misspelling;
pub(super) mod opening;
pub(super) mod phrase;
pub(super) mod reply;
pub(super) mod verbs;
