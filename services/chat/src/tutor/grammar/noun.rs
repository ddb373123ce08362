//! Which words are nouns for sure. Most are not known; then nothing is concluded from them.

use std::collections::HashSet;
use std::sync::LazyLock;

use crate::tutor::data::glossary;

/// Pronouns, question words and people, before which a vowel-final noun takes its copula without 이.
const NAMES: &str = "나 너 저 우리 저희 거 이거 그거 저거 뭐 누구 어디 언제 얼마 여기 거기 저기 몇 시 아이 아기 나이 남자 여자 \
    의사 간호사 기자 배우 가수 교수 선배 후배 언니 오빠 누나 친구 남자친구 여자친구 엄마 아빠 어머니 아버지 할머니 할아버지 \
    아내 부모 변호사 요리사 개발자 디자이너 엔지니어 매니저 피아니스트 교사 강사 감독 최고 처음 때 이유 문제 숙제 휴가 \
    바보 사자 감자 타자 주자 천재 부자 혼자 하나 둘 셋 취미 학교 회사 커피 고양이 강아지 한국어 영어 어제 오늘 내일 모레 정도 사이 전 후 \
    호주 캐나다 미국 영국 중국 일본 프랑스 러시아 베트남 인도 태국 몽골 독일 브라질 주부 농부 회사원 대학생 고등학생 \
    중학생 학생 선생님 사람 한국인 미국인 외국인 직장인 공무원 경찰 작가 화가";

/// Nouns that end in 이, which is easily taken for the copula: 고양이예요.
const NOUNS_IN_I: &str = "고양이 아이 나이 종이 어린이 젊은이 늙은이 놀이 구이 떡볶이 오이 차이 사이 거북이 원숭이 호랑이 목걸이 \
    귀걸이 길이 높이 넓이 깊이 먹이 손잡이 송이 냉이 팽이 달팽이 멍멍이 야옹이 올챙이 지렁이 곰팡이 \
    라볶이 이 맏이 해돋이 조개구이 생선구이 \
    고등어구이 집들이 나들이 가을걷이 미닫이 턱걸이 옷걸이 벽걸이 \
    알맹이 방망이 강냉이 애송이 외톨이 떠돌이 개구쟁이 멋쟁이 거짓말쟁이 겁쟁이 욕심쟁이 꼬맹이";

/// Whether `word` is a noun that we know.
pub(in crate::tutor) fn is_noun(word: &str) -> bool {
    static NOUNS: LazyLock<HashSet<&'static str>> = LazyLock::new(|| {
        NAMES.split_whitespace().chain(NOUNS_IN_I.split_whitespace()).chain(glossary::nouns()).collect()
    });
    NOUNS.contains(word)
}

/// Whether the 이 at the end of `word` is its own.
pub(in crate::tutor) fn ends_in_own_i(word: &str) -> bool {
    word.ends_with('이') && is_noun(word)
}
