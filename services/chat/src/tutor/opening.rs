//! What a new room begins with.

use contract::chat::{Concept, Level};

use super::data::opening::{
    BOSS_GREETING, BOSS_GUIDE, COWORKER_GREETING, COWORKER_GUIDE, FRIEND_GREETING, FRIEND_GUIDE,
    HONEY_GREETING, HONEY_GUIDE, SENIOR_GREETING, SENIOR_GUIDE, Texts,
};

/// The bot's first words.
pub fn greeting(concept: Concept, level: Level) -> String {
    at(
        match concept {
            Concept::Friend => FRIEND_GREETING,
            Concept::Honey => HONEY_GREETING,
            Concept::Coworker => COWORKER_GREETING,
            Concept::Senior => SENIOR_GREETING,
            Concept::Boss => BOSS_GREETING,
        },
        level,
    )
}

/// How to use a room, in English.
pub fn guide(concept: Concept, level: Level) -> String {
    at(
        match concept {
            Concept::Friend => FRIEND_GUIDE,
            Concept::Honey => HONEY_GUIDE,
            Concept::Coworker => COWORKER_GUIDE,
            Concept::Senior => SENIOR_GUIDE,
            Concept::Boss => BOSS_GUIDE,
        },
        level,
    )
}

fn at(texts: Texts, level: Level) -> String {
    let [formal, polite, casual] = texts;
    match level {
        Level::Formal => formal,
        Level::Polite => polite,
        Level::Casual => casual,
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tutor::analyse;
    use crate::tutor::analysis::detect;
    use crate::tutor::tests::CONCEPTS;
    use crate::tutor::verdict::verdicts;

    #[test]
    fn every_greeting_is_in_its_level_by_our_own_analysis() {
        for concept in CONCEPTS {
            for level in Level::ALL {
                let greeting = greeting(concept, level);
                assert_eq!(detect(&greeting), Some(level), "{greeting}");
                assert!(verdicts(&greeting).iter().all(|verdict| verdict.is_in(level)), "{greeting}");
                let analysis = analyse(&greeting, level);
                assert_eq!(analysis.corrected_sentence, "", "{greeting}");
                let guide = guide(concept, level);
                assert!(guide.split_inclusive(['.', '!']).count() >= 2, "{guide}");
            }
        }
    }
}
