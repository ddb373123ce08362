//! The level of sentences that people write.

use contract::chat::Level::{self, Casual, Formal, Polite};

use crate::tutor::analyse;
use crate::tutor::analysis::detect;

const FORMAL: &[&str] = &[
    "저는 학생입니다.",
    "반갑습니다",
    "처음 뵙겠습니다.",
    "안녕하십니까?",
    "감사합니다!",
    "죄송합니다.",
    "오늘은 날씨가 좋습니다.",
    "어디에 갑니까?",
    "저는 한국에서 삽니다.",
    "이것은 무엇입니까?",
    "이름이 뭡니까?",
    "내일 회의가 있습니다.",
    "시간이 없습니다.",
    "제가 하겠습니다.",
    "밥을 먹었습니다.",
    "선생님께서 오셨습니다.",
    "여기 앉으십시오.",
    "같이 갑시다.",
    "먹읍시다!",
    "저는 의사가 아닙니다.",
    "한국어를 배우고 있습니다.",
    "내년에 한국에 갈 겁니다.",
    "잘 먹겠습니다.",
    "안녕히 가십시오.",
    "도와주십시오",
    "저는 존이라고 합니다ㅎㅎ",
    "김치를 좋아합니다^^",
    "쀍쀍합니다.",
    "어제는 추웠습니다만 오늘은 덥습니다.",
];

const POLITE: &[&str] = &[
    "안녕하세요",
    "안녕하세요~",
    "저는 학생이에요.",
    "저는 의사예요.",
    "이름이 뭐예요?",
    "오늘 날씨가 좋네요!",
    "뭐 해요?",
    "밥 먹었어요?",
    "커피 마시고 싶어요 ㅠㅠ",
    "같이 갈까요?",
    "제가 할게요.",
    "뭐 드실래요?",
    "내일 갈 거예요.",
    "여기 앉으세요.",
    "그렇죠?",
    "맞지요",
    "정말 예쁘군요.",
    "언제 오나요?",
    "어디인가요?",
    "비가 오는데요.",
    "배가 고프거든요.",
    "제가 말했잖아요.",
    "민수 씨가 온대요.",
    "저도요.",
    "커피요.",
    "네, 알겠어요.",
    "한국에서요?",
    "학생이 아니에요.",
    "책을 읽어요 📚",
    "도와줘서 고마워요, 언니!",
    "필요해요.",
    "중요해요",
    "이게 필요해요?",
    "저는 요가를 해요",
    "선생님 안녕하세요 선생님",
    "안녕히 계세요 여러분",
    "BTS를 좋아해요",
    "맛있어요!!!",
    "“감사해요”",
    "몰라요…",
    "여보세요?",
    "아니요.",
    "저는 서울에 살아요 그리고 회사에 다녀요",
    "노래를 들으면서 공부해요.",
    "할머니가 집에 계세요.",
    "날씨가 더워졌어요.",
    "꿰매요.",
];

const CASUAL: &[&str] = &[
    "안녕",
    "안녕!",
    "뭐 해?",
    "밥 먹었어?",
    "나는 학생이야.",
    "이거 뭐야?",
    "고마워",
    "미안해 ㅠㅠ",
    "잘 가!",
    "잘 자",
    "나도 가고 싶어.",
    "내일 갈게.",
    "뭐 먹을래?",
    "영화 볼까?",
    "같이 가자!",
    "빨리 와",
    "좋아",
    "좋네",
    "그렇지",
    "어디 가니?",
    "밥은 먹었냐?",
    "날씨가 정말 좋다.",
    "나는 학교에 간다.",
    "책을 읽는다.",
    "어제 영화를 봤다.",
    "비가 오겠다.",
    "나는 행복하다.",
    "그는 학생이다.",
    "내일 할 거야.",
    "내가 말했잖아.",
    "바쁘거든.",
    "예쁘구나!",
    "밥을 먹는구나",
    "비가 오는데.",
    "온대.",
    "나 배고파ㅋㅋㅋ",
    "응",
    "응, 좋아.",
    "몰라~",
    "고마워 언니",
    "사랑해 자기야",
    "빵을 먹어라.",
    "나 지금 버스 타",
    "정말?",
    "왜?",
    "괜찮아 😊",
    "나는 공부해",
    "어디야?",
    "누구지?",
    "그건 아니야.",
    "학교에 가다.",
    "우리 이거 사자",
];

const NO_LEVEL: &[&str] = &[
    "",
    "hello",
    "I like BTS!",
    "123",
    "😊😊",
    "ㅋㅋㅋㅋ",
    "ㅠㅠ",
    "필요",
    "중요",
    "바다",
    "사이다",
    "캐나다",
    "수다",
    "과다",
    "베란다",
    "어머니",
    "언니",
    "강아지",
    "바지",
    "노래",
    "가게",
    "의자",
    "남자",
    "한국어",
    "영어",
    "단어",
    "바나나",
    "동네",
    "어떻게",
    "학교에서",
    "한국 음식",
    "올해",
    "피자",
    "아버지",
    "먹다",
    "사자",
    "요요",
    "동요",
    "월요일",
    "내 친구",
    "가위바위보",
    "그리고",
    "김치찌개",
    "안 돼지",
    "그런데",
    "이제야",
    "잡지",
    "국내 수요",
    "지역활동",
    "음악가",
    "개인정보 침해",
    "왠지",
];

fn labelled() -> impl Iterator<Item = (&'static str, Option<Level>)> {
    let groups = [(FORMAL, Some(Formal)), (POLITE, Some(Polite)), (CASUAL, Some(Casual)), (NO_LEVEL, None)];
    groups.into_iter().flat_map(|(texts, level)| texts.iter().map(move |text| (*text, level)))
}

pub(super) fn texts() -> impl Iterator<Item = &'static str> {
    labelled().map(|(text, _)| text)
}

#[test]
fn the_level_of_a_sentence_is_told_by_its_ending() {
    let wrong: Vec<_> = labelled()
        .map(|(text, level)| (text, level, detect(text)))
        .filter(|(_, level, detected)| level != detected)
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(labelled().count() >= 120);
}

#[test]
fn what_has_no_ending_is_at_the_wanted_level_and_stays_as_it_is() {
    for text in NO_LEVEL {
        for wanted in Level::ALL {
            let analysis = analyse(text, wanted);
            assert_eq!(analysis.detected_level, wanted.number(), "{text}");
            assert_eq!(analysis.corrected_sentence, "", "{text}");
            assert!(!analysis.feedback.ko.is_empty() && !analysis.feedback.en.is_empty());
        }
    }
}

#[test]
fn most_sentences_decide_and_the_last_of_them_between_equals() {
    for (text, level) in [
        ("안녕하세요. 저는 민수예요. 만나서 반갑습니다. 잘 부탁해.", Polite),
        ("밥 먹었어? 저는 먹었어요.", Polite),
        ("저는 먹었어요. 밥 먹었어?", Casual),
        ("오늘은 좋습니다. 내일은 바쁩니다. 그래서 못 가요.", Formal),
        ("네. 알았어.", Casual),
    ] {
        assert_eq!(detect(text), Some(level), "{text}");
    }
}

#[test]
fn decomposed_text_is_read_like_composed_text() {
    use unicode_normalization::UnicodeNormalization as _;
    for (text, level) in labelled() {
        let decomposed: String = text.nfd().collect();
        let composed = analyse(text, Polite);
        assert_eq!(analyse(&decomposed, Polite), composed, "{text}");
        assert_eq!(level.unwrap_or(Polite).number(), composed.detected_level, "{text}");
    }
}
