//! Words that tell what a message is about.

use crate::tutor::intent::Intent;

/// What is said: parts of a message, with single spaces, between bars. The first that fits decides. ^ and $ stand for
/// the beginning and the end of a word.
pub(in crate::tutor) const SAID: &[(Intent, &str)] = &[
    (Intent::Meaning, "무슨 뜻|뜻이 뭐|뜻이 무엇|뜻은 뭐|무슨 말이|영어로 뭐|한국어로 뭐|뜻이에요?|뜻이야?"),
    (
        Intent::AboutBot,
        "누구세요|누구예요|누구야|누구십니까|누구입니까|네 이름|니 이름|당신 이름|당신은|너는 뭐야|넌 뭐야|이름이 뭐|이름이 무엇|성함이|몇 살이|로봇|사람이에요?|사람이야?|인공지능",
    ),
    (
        Intent::Farewell,
        "안녕히 가|안녕히 계|잘 가$|잘 가요|잘 가라|잘 있어|잘 자$|잘 자요|안녕히 주무|내일 봐$|내일 봐요|다음에 봐$|다음에 봐요|또 봐$|또 봐요|나중에 봐$|나중에 봐요|또 뵙겠|다시 뵙겠|내일 뵙겠|다음에 뵙겠|나중에 뵙겠|그때 뵙겠|이따 뵙겠|이따가 뵙겠|^바이$|바이바이|굿바이|이만 갈",
    ),
    (Intent::Thanks, "감사|고마워|고맙|땡큐"),
    (Intent::Apology, "미안|죄송|실례합"),
    (Intent::Affection, "네가 좋아|당신이 좋"),
    (
        Intent::HowAreYou,
        "어떻게 지내|잘 지내|잘 지냈|기분이 어때|기분은 어때|기분이 어떻|오늘 어때|뭐 해|뭐해|괜찮아?|괜찮아요?",
    ),
];

/// Words of the glossary and what a message with them is about. The first that fits decides.
pub(in crate::tutor) const ABOUT: &[(Intent, &str)] = &[
    (Intent::Tired, "피곤하다 힘들다 아프다 감기 스트레스 병원 약"),
    (Intent::Sad, "슬프다 외롭다 울다 화나다 눈물 걱정 걱정하다 섭섭하다 답답하다 심심하다 무섭다"),
    (Intent::Happy, "기쁘다 행복하다 신나다 행복 생일 축하 뿌듯하다"),
    (
        Intent::Food,
        "먹다 마시다 음식 밥 배고프다 맛있다 맛없다 맵다 요리 요리하다 점심 저녁 김치 커피 식당 라면 \
         빵 과일 고기 비빔밥 불고기 떡볶이 김밥 치킨 삼겹살 냉면 찌개 케이크 메뉴 맛집 술 맥주 카페 \
         식사",
    ),
    (
        Intent::Weather,
        "날씨 비 눈 바람 덥다 춥다 따뜻하다 시원하다 맑다 흐리다 봄 여름 가을 겨울 하늘 우산 장마 \
         계절",
    ),
    (Intent::Work, "회사 회의 출근 퇴근 일하다 사장님 부장님 월급 업무 보고서 동료 사무실 일"),
    (
        Intent::Study,
        "공부 공부하다 배우다 한국어 한국말 한글 시험 숙제 수업 학교 학생 단어 문장 문법 발음 대학교 \
         전공 연습 연습하다 선생님 외우다 도서관",
    ),
    (Intent::Travel, "여행 여행하다 비행기 공항 호텔 바다 부산 서울 기차 여권 휴가 방학 산 일본 중국 미국"),
    (
        Intent::Hobby,
        "취미 음악 노래 노래하다 부르다 춤 영화 드라마 운동 운동하다 축구 야구 수영 등산 산책 게임 \
         그림 그리다 사진 쇼핑 요가 피아노 책 읽다 가수 주말 배우",
    ),
    (
        Intent::Family,
        "가족 엄마 아빠 어머니 아버지 부모님 언니 오빠 누나 동생 할머니 할아버지 친구 남편 아내 아이 \
         아기 강아지 고양이 결혼",
    ),
];

/// How love is declared: 사랑해, 보고 싶어.
pub(in crate::tutor) const LOVE: &str = "사랑해 사랑합 사랑한 좋아해 좋아합 싶";
/// The words that may stand before it: of anything else it is no declaration.
pub(in crate::tutor) const BELOVED: &str = "너무 정말 진짜 많이 아주 나 저 나는 저는 난 나도 저도 내가 제가 너 네가 니가 너를 널 너도 당신 당신이 당신을 자기 자기가 \
    자기를 오늘 오늘도 항상 매일 늘 언제나 다시 빨리 보고 제일";
