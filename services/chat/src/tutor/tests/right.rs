//! Right sentences are left alone at their own level: nothing a teacher does is worse than correcting them.

use contract::chat::Level::{self, Casual, Formal, Polite};

use super::conversion;
use crate::tutor::analyse;
use crate::tutor::analysis::detect;
use crate::tutor::data::glossary;

const RIGHT: &[(Level, &[&str])] = &[
    (
        Formal,
        &[
            "우리 가족은 네 명입니다.",
            "네 시에 회의가 있습니다.",
            "네, 알겠습니다.",
            "자, 시작합시다!",
            "와, 정말 아름답습니다.",
            "선생님은 최고십니다!",
            "제가 자주 입는 옷입니다.",
            "건강하십시오!",
            "항상 행복하십시오.",
            "옷에 커피가 묻었습니다.",
            "허리가 굽었습니다.",
            "소매를 걷었습니다.",
            "날씨가 좋아 하루 종일 걸었습니다.",
            "안녕하십니까. 처음 뵙겠습니다.",
            "한국 문화의 일부로 생각합니다.",
            "실수 없이 끝냈습니다.",
            "좋아 하지만 너무 비쌉니다.",
            "여기 앉으십시오.",
        ],
    ),
    (
        Polite,
        &[
            "네 명이에요.",
            "네 살이에요.",
            "네 개 주세요.",
            "네 시에 만나요.",
            "네 번째예요.",
            "네 시간 동안 공부했어요.",
            "네 알았어요.",
            "네 친구예요.",
            "예를 들어 주세요.",
            "와, 정말 예뻐요.",
            "와! 정말 예뻐요.",
            "와~ 맛있어요!",
            "우와, 대단해요!",
            "자, 시작해요.",
            "자! 이제 갈까요?",
            "봐, 진짜예요.",
            "해, 달, 별을 그려요.",
            "차, 커피, 물이 있어요.",
            "어, 이게 뭐예요?",
            "아니, 이게 뭐예요?",
            "왜, 무슨 일이 있어요?",
            "제가 자주 입는 옷이에요.",
            "젓가락으로 집는 것이 어려워요.",
            "아침에 먹는 빵이에요.",
            "제가 신는 신발이에요.",
            "머리를 감는 중이에요.",
            "아기를 안는 것이 좋아요.",
            "아기를 업어요.",
            "동생을 업고 집에 갔어요.",
            "돼지를 살찌게 해요.",
            "만두를 찌게 했어요.",
            "날씨가 좋아 하루 종일 걸었어요.",
            "기분이 좋아 하늘을 봤어요.",
            "비가 싫어 하나도 안 나갔어요.",
            "옷에 커피가 묻었어요.",
            "손에 잉크가 묻어요.",
            "땅에 씨앗을 묻었어요.",
            "길을 물었어요.",
            "소매를 걷었어요.",
            "빨래를 걷어요.",
            "공원을 걸었어요.",
            "허리가 굽었어요.",
            "고기를 구웠어요.",
            "손이 곱아서 글을 못 써요.",
            "문을 닫았어요.",
            "손이 천장에 닿았어요.",
            "짐을 차에 실었어요.",
            "버튼을 눌렀어요.",
            "아직 일러요.",
            "친구를 웃겨요.",
            "얼굴을 씻었어요.",
            "그건 아니에요.",
            "건강하세요!",
            "새해에는 더 행복하세요!",
            "여기 살아요.",
            "하루 종일 공부해요.",
            "감사합니다.",
            "안녕하십니까?",
            "저도요.",
            "저요?",
            "뭐 하는데요?",
            "처음에요.",
            "과거에요.",
            "저는 지원이예요.",
            "제 친구 이름은 보람이예요.",
            "제 동생은 지영이였어요.",
            "사자는 고양이과 동물이에요.",
            "이 노래는 한국 문화의 일부로 남았어요.",
            "손을 베게 하지 마세요.",
            "실수 없이 했어요.",
            "박수 없이 끝났어요.",
            "잡지 안에 사진이 있어요.",
            "참 안됐네요.",
            "별거 없어요.",
            "제 시간에 왔어요.",
            "저 사람이 제 동생이에요.",
            "저 집이 커요.",
            "나무가 자라요.",
            "식물이 잘 자라요.",
            "가을이 왔어요.",
            "마을이 조용해요.",
            "사과 하나 주세요.",
            "놀이 공원에 갔어요.",
            "저는 요리사예요.",
            "이것은 종이예요.",
            "떡볶이예요.",
            "친구한테 물어볼게요.",
            "이름을 적어 주세요.",
            "커피를 안 마셔요.",
            "가지 않았어요.",
            "어떻게 해요?",
            "그럼요.",
            "글쎄요.",
            "저기요!",
            "여기요.",
            "아니요, 괜찮아요.",
            "그렇게 하면 돼요.",
            "의사가 되고 싶어요.",
            "그러면 안 돼요.",
            "며칠 동안 여행했어요?",
            "왠지 슬퍼요.",
            "웬일이에요?",
            "금세 끝났어요.",
            "굳이 안 가도 돼요.",
            "어이없어요.",
            "설거지를 했어요.",
            "오랜만이에요.",
            "밥을 먹을게요.",
            "내일 갈 거예요.",
            "살이 쪘어요.",
            "고양이를 보고 십 분 뒤에 왔어요.",
        ],
    ),
    (
        Casual,
        &[
            "네 명이야.",
            "네 살이야.",
            "네 친구야?",
            "네 집이야?",
            "네 자리야?",
            "커피 네 잔 마셨어.",
            "네 생각은 어때?",
            "네 시에 만나.",
            "네 책 어디 있어?",
            "니 친구야?",
            "와, 정말 예뻐.",
            "와! 진짜 크다.",
            "자, 가자!",
            "봐, 내가 말했잖아.",
            "봐봐, 예쁘지?",
            "어, 왔어?",
            "아니, 이게 뭐야?",
            "그건 아냐.",
            "아냐, 괜찮아.",
            "그거 아냐?",
            "아기를 업어.",
            "여기 살아.",
            "여기 앉아.",
            "하루 종일 공부해.",
            "복 많이 받아!",
            "좋은 하루 보내.",
            "날씨가 좋아 하루 종일 걸었어.",
            "빨래를 걷어.",
            "옷에 묻었어.",
            "허리가 굽었어.",
            "내가 자주 입는 옷이야.",
            "살찌게 먹지 마.",
            "너 때문에 늦었어.",
            "그래, 알았어.",
            "이 옷은 나한테 작아.",
            "나 지금 나가.",
            "나도 좋아해.",
            "제일 좋아.",
            "뭐 하는데?",
            "온대?",
            "건강해!",
        ],
    ),
];

fn changed<'t>(texts: impl Iterator<Item = (&'t str, Level)>) -> Vec<(&'t str, Level, String, String)> {
    texts
        .map(|(text, level)| (text, level, analyse(text, level)))
        .filter(|(_, _, analysis)| !analysis.corrected_sentence.is_empty())
        .map(|(text, level, analysis)| (text, level, analysis.corrected_sentence, analysis.corrections))
        .collect()
}

fn right() -> impl Iterator<Item = (&'static str, Level)> {
    RIGHT.iter().flat_map(|(level, texts)| texts.iter().map(|text| (*text, *level)))
}

pub(super) fn texts() -> impl Iterator<Item = &'static str> {
    right().map(|(text, _)| text)
}

#[test]
fn everyday_sentences_with_traps_stay_as_they_are() {
    let wrong = changed(right());
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(right().count() >= 150);
}

#[test]
fn examples_of_the_glossary_stay_as_they_are() {
    let examples: Vec<_> = glossary::noun_entries()
        .chain(glossary::predicate_entries())
        .chain(glossary::adverb_entries())
        .map(|entry| (entry.example, detect(entry.example).unwrap_or(Polite)))
        .collect();
    let wrong = changed(examples.iter().copied());
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn corrections_are_right_themselves() {
    let wrong = changed(conversion::right());
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_regular_word_is_not_explained_as_an_irregular_one() {
    for (text, lesson) in [
        ("밥을 먹아요.", "‘ㅏ, ㅗ’ 뒤에는"),
        ("친구를 만나았어요.", "‘ㅏ, ㅗ’ 뒤에는"),
        ("편지를 쓰어요.", "‘ㅏ, ㅗ’ 뒤에는"),
        ("날씨가 춥어요.", "모양이 바뀌는"),
        ("저는 모르어요.", "모양이 바뀌는"),
        ("음악을 듣어요.", "모양이 바뀌는"),
    ] {
        let said = analyse(text, Polite).feedback.ko;
        assert!(said.contains(lesson), "{text}: {said}");
    }
    let said = analyse("학교에 가습니다.", Formal).feedback.ko;
    assert!(said.contains("없으면 ‘-ㅂ니다’"), "{said}");
}
