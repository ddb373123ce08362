//! What a room is made of.

use contract::chat::{Concept, Level};
use contract::text::Text;

/// The longest name of a room, in characters.
pub const MAX_NAME: usize = 100;
/// The longest description of a room, in characters.
pub const MAX_DESCRIPTION: usize = 500;

/// What is wrong with a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    pub field: &'static str,
    pub text: Text,
}

impl Violation {
    pub const fn new(field: &'static str, ko: &'static str, en: &'static str) -> Self {
        Self { field, text: Text::new(ko, en) }
    }
}

/// In any case of letters.
pub fn concept(word: &str) -> Result<Concept, Violation> {
    word.trim().to_ascii_uppercase().parse().map_err(|_| {
        Violation::new(
            "concept",
            "FRIEND, HONEY, COWORKER, SENIOR, BOSS 중 하나여야 합니다.",
            "One of FRIEND, HONEY, COWORKER, SENIOR and BOSS.",
        )
    })
}

/// The level that a client asks for, which may be between two or beyond the last.
pub fn level(asked: Option<f64>) -> Level {
    asked.map_or_else(Level::default, Level::nearest)
}

/// What is said when the level was set.
pub fn level_set(level: Level) -> Text {
    match level {
        Level::Formal => Text::new("격식체로 설정했습니다.", "The level is formal now."),
        Level::Polite => Text::new("부드러운 존댓말로 설정했습니다.", "The level is soft polite now."),
        Level::Casual => Text::new("반말로 설정했습니다.", "The level is casual now."),
    }
}

/// A name that somebody gives a room.
pub fn name(given: &str) -> Result<&str, Violation> {
    let name = given.trim();
    if (1..=MAX_NAME).contains(&name.chars().count()) && is_storable(name) {
        return Ok(name);
    }
    Err(Violation::new("name", "이름은 1자 이상 100자 이하여야 합니다.", "A name has 1 to 100 characters."))
}

/// A description; an empty one is none.
pub fn description(given: &str) -> Result<Option<&str>, Violation> {
    let text = given.trim();
    if text.chars().count() > MAX_DESCRIPTION || !is_storable(text) {
        return Err(Violation::new(
            "description",
            "설명은 500자 이하여야 합니다.",
            "A description has at most 500 characters.",
        ));
    }
    Ok((!text.is_empty()).then_some(text))
}

/// PostgreSQL stores every character but this one.
pub(super) fn is_storable(text: &str) -> bool {
    !text.contains('\0')
}

/// The name of a room that nobody named: `하루와의 대화`, `이음과의 대화`.
pub fn default_name(bot: &str) -> String {
    let particle = if ends_in_consonant(bot) { "과의" } else { "와의" };
    format!("{bot}{particle} 대화")
}

fn ends_in_consonant(word: &str) -> bool {
    const FIRST: u32 = '가' as u32;
    const FINALS: u32 = 28;
    word.chars().next_back().is_some_and(|last| {
        ('가'..='힣').contains(&last) && !(u32::from(last) - FIRST).is_multiple_of(FINALS)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_concept_is_read_in_any_case() {
        for word in ["FRIEND", "friend", " Friend "] {
            assert_eq!(concept(word), Ok(Concept::Friend));
        }
        for word in ["", "enemy", "FRIENDS"] {
            assert_eq!(concept(word).unwrap_err().field, "concept", "{word}");
        }
    }

    #[test]
    fn nobody_asking_for_a_level_gets_the_middle_one() {
        assert_eq!(level(None), Level::Polite);
        assert_eq!(level(Some(2.6)), Level::Casual);
    }

    #[test]
    fn a_name_has_something_to_read() {
        assert_eq!(name("  우리 방 "), Ok("우리 방"));
        for wrong in ["", "   ", &"가".repeat(101), "a\0b"] {
            assert!(name(wrong).is_err(), "{wrong:?}");
        }
        assert_eq!(description(" "), Ok(None));
        assert!(description(&"가".repeat(501)).is_err());
    }

    #[test]
    fn the_particle_follows_the_last_sound() {
        assert_eq!(default_name("단짝 하루"), "단짝 하루와의 대화");
        assert_eq!(default_name("다정한 이음"), "다정한 이음과의 대화");
        assert_eq!(default_name("Tom"), "Tom와의 대화");
    }
}
