//! The words around 나, 너, 네 and 저 that tell what is meant.

/// Words that leave what follows at the beginning.
pub(in crate::tutor) const OPENERS: &str = "근데 그런데 그럼 그래서 그리고 하지만 혹시 응 오늘 내일 어제 지금 요즘 이제 아직 정말 진짜 너무 많이 매일 항상 혼자 \
    주말에 이번";

/// What 저 points at.
pub(in crate::tutor) const THINGS: &str =
    "사람 남자 여자 분 아이 학생 건물 집 식당 가게 책 옷 가방 산 나무 꽃 강아지 고양이";

/// What stands behind 너 without a particle and cannot stand without it.
pub(in crate::tutor) const YOU_TOGETHER: &str =
    "때문 없 같 덕분 덕에 빼 대신 말고 보다 처럼 만큼 뿐 밖에 하고 외에 또한 닮";

/// What everybody has one of, and is asked for.
pub(in crate::tutor) const OWN: &str = "이름 나이 취미 직업 고향 생일 전화번호 이메일 별명";

/// What is counted by: 네 명.
pub(in crate::tutor) const COUNTERS: &str = "명 살 시 시간 개 번 마리 권 장 대 달 주 가지 사람 분 채 켤레 송이 자루 층 과목 군데 쌍 줄 곳 벌 조각 끼 바퀴 \
    학기 개월 번째 시쯤 모금 숟가락 그루";

/// What is counted by, but may also be yours: 네 잔을 마셔, but 네 잔이야?
pub(in crate::tutor) const VESSELS: &str = "잔 병 그릇 통 상자 접시 봉지";

/// What may follow a counter.
pub(in crate::tutor) const PARTICLES: &str = "이 가 은 는 을 를 도 만 에 의 과 와 쯤 정도 씩 째 이나 부터 까지 짜리 동안 전 후 반 반에 쯤에 정도에 에는 에서 이랑 \
    하고 밖에 으로 뿐 이서 전에 후에 째로";

/// How 이다 begins behind a counter.
pub(in crate::tutor) const COPULAS: &str = "이에요 예요 이야 야 입니 이다 이었 였 이네 네요 이지 지요 죠 이죠 인데 인가 이거든 이고 이라 라서 쯤이 쯤 째예 째야 째이 째입 뿐이 \
    정도 짜리 반이 반입";

/// What stands before a verb and is no noun.
pub(in crate::tutor) const ADVERBS: &str = "안 못 잘 다 좀 꼭 곧 더 또 저 나 아주 벌써 빨리 같이 함께 자주 가끔 조금 바로 당연히 물론 일찍 그냥 이미 방금 열심히 천천히 \
    꽤 매우 언제나 늘 여기 거기 그렇게 이렇게";
