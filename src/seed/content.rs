//! The tutor bots, and what learners and bots say to each other.

use uuid::Uuid;

/// A tutor, fixed by the web client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bot {
    /// The last digit of its id.
    digit: u8,
    pub name: &'static str,
    /// The word the web client knows it by.
    pub slug: &'static str,
    pub concept: &'static str,
    pub description: &'static str,
    pub prompt: &'static str,
    pub greeting: &'static str,
}

impl Bot {
    /// `22222222-2222-2222-2222-22222222222N`.
    pub(super) fn id(&self) -> Uuid {
        let mut bytes = [0x22; 16];
        bytes[15] = 0x20 | self.digit;
        Uuid::from_bytes(bytes)
    }
}

pub(super) const BOTS: [Bot; 5] = [
    Bot {
        digit: 1,
        name: "단짝 하루",
        slug: "friend",
        concept: "FRIEND",
        description: "A friend of your age to chat with about the day",
        prompt: "너는 한국어를 배우는 사람의 동갑 친구 하루야. 짧고 다정하게 대답하고, 한 번에 한 가지만 물어봐.",
        greeting: "안녕! 오늘 하루 어땠어?",
    },
    Bot {
        digit: 2,
        name: "다정한 이음",
        slug: "honey",
        concept: "HONEY",
        description: "Somebody close who asks how you are and remembers it",
        prompt: "너는 한국어를 배우는 사람의 다정한 연인 이음이야. 따뜻하게 공감하고 부담 주지 않게 말해 줘.",
        greeting: "왔어요? 기다리고 있었어요.",
    },
    Bot {
        digit: 3,
        name: "김 대리",
        slug: "coworker",
        concept: "COWORKER",
        description: "A colleague for meetings, lunch and small talk at work",
        prompt: "당신은 한국어를 배우는 사람의 직장 동료 김 대리입니다. 회사에서 쓰는 공손하고 간결한 말로 대답하세요.",
        greeting: "안녕하세요, 오늘 회의 준비는 잘 되고 있어요?",
    },
    Bot {
        digit: 4,
        name: "정 선배",
        slug: "senior",
        concept: "SENIOR",
        description: "An older student who helps, and expects polite speech",
        prompt: "너는 한국어를 배우는 후배를 챙기는 대학교 선배야. 존댓말을 부드럽게 바로잡아 줘.",
        greeting: "어, 왔구나. 요즘 학교생활은 어때?",
    },
    Bot {
        digit: 5,
        name: "박 부장",
        slug: "boss",
        concept: "BOSS",
        description: "A manager with whom formal speech is practised",
        prompt: "당신은 한국어를 배우는 사원의 부장입니다. 격식체로 말하고, 격식에 맞는 보고를 연습시키세요.",
        greeting: "어서 오세요. 오늘 보고할 내용이 있습니까?",
    },
];

/// What the system says in a new room.
pub(super) const GUIDE: &str = "Write in Korean as well as you can. After each message you see how polite it was and how to put it better.";

/// A learner's sentence, as written and as it should be.
pub(super) struct Sentence {
    /// Its place in [`SENTENCES`].
    pub index: usize,
    pub written: &'static str,
    pub corrected: &'static str,
    pub level: u8,
    pub korean: &'static str,
    pub english: &'static str,
}

pub(super) const SENTENCES: &[Sentence] = &[
    Sentence {
        index: 0,
        written: "나는 어제 영화를 봤어요.",
        corrected: "저는 어제 영화를 봤어요.",
        level: 2,
        korean: "존댓말에는 '나는'보다 '저는'이 어울려요.",
        english: "With polite endings say 저는 instead of 나는.",
    },
    Sentence {
        index: 1,
        written: "밥 먹었어?",
        corrected: "식사하셨어요?",
        level: 3,
        korean: "친구 사이가 아니면 높임말로 물어보세요.",
        english: "Use the honorific form unless you are close.",
    },
    Sentence {
        index: 2,
        written: "회의는 세 시에 시작해요.",
        corrected: "회의는 세 시에 시작합니다.",
        level: 2,
        korean: "회사에서는 '-습니다'가 더 격식 있어요.",
        english: "At work the formal ending sounds better.",
    },
    Sentence {
        index: 3,
        written: "주말에 한강에 가고 싶어요.",
        corrected: "주말에 한강에 가고 싶어요.",
        level: 2,
        korean: "자연스럽고 공손한 문장이에요.",
        english: "Natural and polite.",
    },
    Sentence {
        index: 4,
        written: "선배, 이거 도와줘.",
        corrected: "선배님, 이것 좀 도와주세요.",
        level: 3,
        korean: "부탁할 때는 '-아/어 주세요'를 써요.",
        english: "Ask for help with -아/어 주세요.",
    },
    Sentence {
        index: 5,
        written: "오늘 날씨가 너무 좋습니다.",
        corrected: "오늘 날씨가 정말 좋습니다.",
        level: 1,
        korean: "좋은 뜻에는 '정말'이 더 어울려요.",
        english: "For something good, 정말 fits better than 너무.",
    },
    Sentence {
        index: 6,
        written: "한국 음식 중에 김치찌개를 제일 좋아해요.",
        corrected: "한국 음식 중에서 김치찌개를 제일 좋아해요.",
        level: 2,
        korean: "여럿 가운데 고를 때는 '중에서'라고 해요.",
        english: "Say 중에서 when you choose among several.",
    },
    Sentence {
        index: 7,
        written: "내일 보고서를 드리겠습니다.",
        corrected: "내일 보고서를 드리겠습니다.",
        level: 1,
        korean: "격식에 잘 맞는 표현이에요.",
        english: "Exactly the right register.",
    },
];

/// A bot's answer with the word it teaches.
pub(super) struct Reply {
    /// Its place in [`REPLIES`].
    pub index: usize,
    pub text: &'static str,
    pub english: &'static str,
    pub word: &'static str,
    pub roman: &'static str,
    pub meaning: &'static str,
    pub difficulty: u8,
}

pub(super) const REPLIES: &[Reply] = &[
    Reply {
        index: 0,
        text: "우와, 재미있었겠다! 무슨 영화였어?",
        english: "Wow, that must have been fun! Which film was it?",
        word: "재미있다",
        roman: "jaemiitda",
        meaning: "to be fun",
        difficulty: 1,
    },
    Reply {
        index: 1,
        text: "네, 먹었어요. 오늘은 비빔밥이 맛있더라고요.",
        english: "Yes, I have eaten. The bibimbap was good today.",
        word: "맛있다",
        roman: "masitda",
        meaning: "to be delicious",
        difficulty: 1,
    },
    Reply {
        index: 2,
        text: "알겠습니다. 회의실을 예약해 두겠습니다.",
        english: "Understood. I will book a meeting room.",
        word: "예약하다",
        roman: "yeyakhada",
        meaning: "to reserve",
        difficulty: 2,
    },
    Reply {
        index: 3,
        text: "좋은 생각이에요. 자전거도 빌릴 수 있어요.",
        english: "Good idea. You can rent bicycles there, too.",
        word: "빌리다",
        roman: "billida",
        meaning: "to rent, to borrow",
        difficulty: 2,
    },
    Reply {
        index: 4,
        text: "그래, 어디가 어려운지 같이 살펴보자.",
        english: "Sure, let us look together at what is difficult.",
        word: "살펴보다",
        roman: "salpyeoboda",
        meaning: "to look into",
        difficulty: 3,
    },
    Reply {
        index: 5,
        text: "그러게요. 이런 날에는 산책하기 딱 좋죠.",
        english: "Right. Days like this are perfect for a walk.",
        word: "산책하다",
        roman: "sanchaekhada",
        meaning: "to take a walk",
        difficulty: 2,
    },
    Reply {
        index: 6,
        text: "저도요! 매운 음식도 잘 드세요?",
        english: "Me too! Do you also like spicy food?",
        word: "맵다",
        roman: "maepda",
        meaning: "to be spicy",
        difficulty: 1,
    },
    Reply {
        index: 7,
        text: "수고했습니다. 내일 오전까지 부탁합니다.",
        english: "Well done. By tomorrow morning, please.",
        word: "수고하다",
        roman: "sugohada",
        meaning: "to work hard",
        difficulty: 2,
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phrases_know_their_places() {
        assert!(SENTENCES.iter().enumerate().all(|(place, sentence)| sentence.index == place));
        assert!(REPLIES.iter().enumerate().all(|(place, reply)| reply.index == place));
    }

    #[test]
    fn bots_have_the_ids_that_the_web_client_knows() {
        let ids: Vec<String> = BOTS.iter().map(|bot| bot.id().to_string()).collect();
        assert_eq!(ids[0], "22222222-2222-2222-2222-222222222221");
        assert_eq!(ids[4], "22222222-2222-2222-2222-222222222225");
    }
}
