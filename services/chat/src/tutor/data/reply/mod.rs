//! What the bot says, by intent, level and variant. Every text ends in a question or an encouragement.

mod feeling;
mod flavour;
mod social;
mod topic;

pub(in crate::tutor) use feeling::{AFFECTION, HAPPY, SAD, TIRED};
pub(in crate::tutor) use flavour::{ABOUT_ME, ABOUT_YOU, FLAVOUR};
pub(in crate::tutor) use social::{
    APOLOGY, ENGLISH, FAREWELL, GREETING, HOW_ARE_YOU, MEANING_KNOWN, MEANING_UNKNOWN, SHORT, THANKS, UNKNOWN,
};
pub(in crate::tutor) use topic::{FAMILY, FOOD, HOBBY, STUDY, TRAVEL, WEATHER, WORK};

/// Three variants for each level: formal, polite, casual.
pub(in crate::tutor) type Variants = [[&'static str; 3]; 3];
