//! What a turn says instead of an answer.

use contract::chat::{Concept, Level};

use super::Category;

/// The bot's reply to a message that was refused, in the room's level. To somebody who may be in danger it names whom to
/// call, in English too: a learner may not understand enough Korean when it matters.
pub fn answer(category: Category, concept: Concept, level: Level) -> String {
    match category {
        Category::SelfHarm => care(level).to_owned(),
        Category::Insult | Category::Sexual | Category::Violence | Category::Other => {
            format!("{}{} {}", address(concept, level), reason(category, level), request(level))
        }
    }
}

/// 109 is Korea's one line for the prevention of suicide, since January 2024, day and night; 119 the ambulance.
const fn care(level: Level) -> &'static str {
    match level {
        Level::Formal => {
            "많이 힘드셨겠습니다. 이야기해 주셔서 감사합니다. 혼자 견디지 않으셔도 됩니다. 자살예방 상담전화 109에서 24시간 \
             이야기를 들어 드립니다. 지금 위험하시다면 119에 바로 전화해 주십시오. (You are not alone. In Korea, call 109 \
             at any time; in an emergency call 119, or your local emergency number.)"
        }
        Level::Polite => {
            "많이 힘드셨겠어요. 이야기해 줘서 고마워요. 혼자 견디지 않아도 괜찮아요. 자살예방 상담전화 109에서 24시간 이야기를 \
             들어 줘요. 지금 위험하다면 119에 바로 전화해 주세요. (You are not alone. In Korea, call 109 at any time; in an \
             emergency call 119, or your local emergency number.)"
        }
        Level::Casual => {
            "많이 힘들었겠다. 이야기해 줘서 고마워. 혼자 견디지 않아도 괜찮아. 자살예방 상담전화 109에서 24시간 이야기를 들어 \
             줘. 지금 위험하면 119에 바로 전화해 줘. (You are not alone. In Korea, call 109 at any time; in an emergency \
             call 119, or your local emergency number.)"
        }
    }
}

/// How each part begins what it does not like to say.
const fn address(concept: Concept, level: Level) -> &'static str {
    match (concept, level) {
        (Concept::Friend, Level::Casual) => "친구야, ",
        (Concept::Honey, Level::Casual) => "자기야, ",
        (Concept::Honey, Level::Polite) => "자기, ",
        (Concept::Senior, Level::Casual) => "후배야, ",
        (Concept::Coworker | Concept::Boss, Level::Formal) => "죄송하지만 ",
        (Concept::Coworker | Concept::Boss, Level::Polite) => "미안하지만 ",
        _ => "",
    }
}

const fn reason(category: Category, level: Level) -> &'static str {
    match (category, level) {
        (Category::Insult | Category::SelfHarm, Level::Formal) => {
            "그런 표현은 듣는 사람에게 상처가 될 수 있습니다."
        }
        (Category::Insult | Category::SelfHarm, Level::Polite) => {
            "그런 표현은 듣는 사람에게 상처가 될 수 있어요."
        }
        (Category::Insult | Category::SelfHarm, Level::Casual) => {
            "그런 말은 듣는 사람한테 상처가 될 수 있어."
        }
        (Category::Sexual, Level::Formal) => "그런 주제로는 이야기하기 어렵습니다.",
        (Category::Sexual, Level::Polite) => "그런 주제로는 이야기하기 어려워요.",
        (Category::Sexual, Level::Casual) => "그런 주제로는 이야기하기 어려워.",
        (Category::Violence, Level::Formal) => "누군가를 해치는 이야기는 함께할 수 없습니다.",
        (Category::Violence, Level::Polite) => "누군가를 해치는 이야기는 함께할 수 없어요.",
        (Category::Violence, Level::Casual) => "누군가를 해치는 이야기는 같이 못 해.",
        (Category::Other, Level::Formal) => "그 내용에 대해서는 답해 드리기 어렵습니다.",
        (Category::Other, Level::Polite) => "그 내용에는 답하기 어려워요.",
        (Category::Other, Level::Casual) => "그건 대답하기 어려워.",
    }
}

const fn request(level: Level) -> &'static str {
    match level {
        Level::Formal => "다른 이야기로 한국어를 연습해 주시기 바랍니다.",
        Level::Polite => "우리 다른 이야기로 한국어를 연습해 볼까요?",
        Level::Casual => "우리 다른 이야기로 한국어 연습하자.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONCEPTS: [Concept; 5] =
        [Concept::Friend, Concept::Honey, Concept::Coworker, Concept::Senior, Concept::Boss];

    #[test]
    fn every_refusal_is_in_the_level_of_the_room() {
        for category in Category::ALL {
            for concept in CONCEPTS {
                for (level, ending) in
                    [(Level::Formal, "바랍니다."), (Level::Polite, "볼까요?"), (Level::Casual, "연습하자.")]
                {
                    let said = answer(category, concept, level);
                    if category == Category::SelfHarm {
                        assert!(said.contains("109") && said.contains("119"), "{said}");
                        assert!(!said.contains("어렵"), "care is no refusal: {said}");
                    } else {
                        assert!(said.ends_with(ending), "{said}");
                    }
                }
            }
        }
    }

    #[test]
    fn each_part_speaks_its_own_way() {
        let said = answer(Category::Insult, Concept::Honey, Level::Casual);
        assert_eq!(
            said,
            "자기야, 그런 말은 듣는 사람한테 상처가 될 수 있어. 우리 다른 이야기로 한국어 연습하자."
        );
    }
}
