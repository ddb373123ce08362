//! What a room begins with: a greeting in Korean and a guide in English, by concept and level (formal, polite, casual).

/// By level.
pub(in crate::tutor) type Texts = [&'static str; 3];

pub(in crate::tutor) const FRIEND_GREETING: Texts = [
    "안녕하십니까! 오늘부터 친구가 되어 기쁩니다. 오늘 하루는 어떻게 보내셨습니까?",
    "안녕하세요! 우리 친구처럼 편하게 이야기해요. 오늘 뭐 했어요?",
    "안녕! 드디어 만났네, 반가워. 오늘 뭐 했어?",
];
pub(in crate::tutor) const FRIEND_GUIDE: Texts = [
    "You and your friend practise formal Korean for interviews and speeches: end sentences in -습니다 or -ㅂ니다 and \
     questions in -습니까. Tell what you did today, then ask back. A softer or casual ending is shown again with its \
     formal counterpart.",
    "Chat with your friend about the day, food or plans in soft polite Korean: verbs end in -아요/-어요, nouns in \
     -이에요/-예요. Start with something like 오늘 친구를 만났어요. When an ending or a spelling does not fit, you get \
     the corrected sentence and the reason.",
    "This is a friend of your own age, so drop the 요 and use 반말: 갔어, 좋아, 뭐 해? Say 나 and 너 instead of 저. \
     Anything more polite comes back in its casual form.",
];

pub(in crate::tutor) const HONEY_GREETING: Texts = [
    "안녕하십니까, 여보! 오늘도 당신을 기다렸습니다. 저녁은 드셨습니까?",
    "자기, 왔어요? 하루 종일 보고 싶었어요. 오늘 하루는 어땠어요?",
    "자기야, 왔어? 하루 종일 보고 싶었어. 밥은 먹었어?",
];
pub(in crate::tutor) const HONEY_GUIDE: Texts = [
    "A couple that plays at being very formal: answer in -습니다/-ㅂ니다, and ask with -습니까. Tell your partner how \
     your day went, for example 오늘은 조금 피곤했습니다. Softer endings are corrected to formal ones.",
    "Talk with your partner the way many couples do, warm but polite: 보고 싶었어요, 같이 저녁 먹을까요? End in \
     -아요/-어요 and try to make a plan together. Corrections show the whole sentence, and why it changed.",
    "Talk with your partner in 반말: 보고 싶었어, 사랑해, 우리 뭐 먹을까? Tell how your day went or plan a date. \
     Polite endings are turned into casual ones, with the reason beside them.",
];

pub(in crate::tutor) const COWORKER_GREETING: Texts = [
    "안녕하십니까! 같은 팀에서 일하게 되어 반갑습니다. 오늘 업무는 어떻습니까?",
    "안녕하세요! 오늘도 출근하느라 고생했어요. 커피 한잔하면서 이야기할까요?",
    "왔어? 오늘 회의 너무 길었지. 점심 뭐 먹을까?",
];
pub(in crate::tutor) const COWORKER_GUIDE: Texts = [
    "You are in a meeting with a colleague, so use business Korean: 확인했습니다, 준비하겠습니다, 언제입니까? Report on \
     your work or arrange a meeting. Endings in -요 are corrected to -습니다/-ㅂ니다.",
    "Small talk at the coffee machine: soft polite endings such as 바빠요, 끝났어요, 같이 갈까요? Talk about work, lunch \
     or the weekend. You see the corrected sentence whenever an ending, a particle or a spelling is off.",
    "A colleague of your own age with whom you are on first-name terms: use 반말, like 나 오늘 바빠 or 점심 먹자. \
     Complain a little about work, then suggest something. Polite endings are turned into casual ones.",
];

pub(in crate::tutor) const SENIOR_GREETING: Texts = [
    "안녕하십니까! 후배님을 만나서 반갑습니다. 요즘 공부는 잘됩니까?",
    "안녕하세요, 후배님! 궁금한 게 있으면 편하게 물어봐요. 요즘 공부는 어때요?",
    "어, 왔어? 선배가 밥 살게. 요즘 공부는 잘돼?",
];
pub(in crate::tutor) const SENIOR_GUIDE: Texts = [
    "Your senior from university is strict about manners: answer in -습니다/-ㅂ니다, call yourself 저, and thank with \
     감사합니다. Ask for advice about study or work. What is not formal enough comes back corrected.",
    "Your senior is kind, and polite -아요/-어요 is just right; honorific -(으)세요 is a nice extra for questions, as in \
     시간 있으세요? Ask for advice, or tell how your studies go. Every correction names its reason.",
    "You have become close to your senior, who asked you to drop the formalities: use 반말, as in 선배, 밥 먹었어? \
     Ask for advice, or invite yourself to a meal. Polite endings are turned into casual ones.",
];

pub(in crate::tutor) const BOSS_GREETING: Texts = [
    "안녕하십니까. 자리에 앉으십시오. 오늘 보고할 내용이 있습니까?",
    "어서 오세요. 오늘도 수고가 많아요. 프로젝트는 잘되고 있어요?",
    "왔어? 편하게 앉아. 오늘 회의 준비는 다 했어?",
];
pub(in crate::tutor) const BOSS_GUIDE: Texts = [
    "You are reporting to your boss, the place for the most formal Korean: -습니다/-ㅂ니다, 저 and 제가, 알겠습니다. \
     Report what you finished, then say what you will do next with -겠습니다. Anything softer comes back corrected.",
    "Your boss likes a relaxed office, so soft polite Korean is enough: 네, 다 했어요, 내일까지 할게요. Give a short \
     report, or ask for a day off. The corrected sentence shows which ending to use instead.",
    "After work your boss has asked everybody to speak freely: practise 반말 here, such as 다 했어 or 내일 할게. Never \
     try it with a real boss! Polite endings are turned into casual ones.",
];
