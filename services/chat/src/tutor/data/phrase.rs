//! Sentences that people say as a whole, in the three levels. An empty list: there is no sure counterpart.

/// The first of each list is the one that we say.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::tutor) struct Phrase {
    pub(in crate::tutor) formal: &'static [&'static str],
    pub(in crate::tutor) polite: &'static [&'static str],
    pub(in crate::tutor) casual: &'static [&'static str],
    /// Whether the formal one is what people also say in polite conversation.
    pub(in crate::tutor) formal_is_polite: bool,
    /// Whether the polite one is said in formal conversation too.
    pub(in crate::tutor) polite_is_formal: bool,
}

const fn phrase(
    formal: &'static [&'static str],
    polite: &'static [&'static str],
    casual: &'static [&'static str],
) -> Phrase {
    Phrase { formal, polite, casual, formal_is_polite: false, polite_is_formal: false }
}

/// As formal ones, greetings, thanks and apologies are polite enough for everybody.
const fn courteous(
    formal: &'static [&'static str],
    polite: &'static [&'static str],
    casual: &'static [&'static str],
) -> Phrase {
    Phrase { formal, polite, casual, formal_is_polite: true, polite_is_formal: false }
}

/// One form for formal and polite conversation.
const fn shared(polite: &'static [&'static str], casual: &'static [&'static str]) -> Phrase {
    Phrase { formal: &[], polite, casual, formal_is_polite: false, polite_is_formal: true }
}

pub(in crate::tutor) const PHRASES: &[Phrase] = &[
    courteous(&["안녕하십니까"], &["안녕하세요"], &["안녕"]),
    courteous(&["고맙습니다"], &["고마워요"], &["고마워", "고맙다"]),
    courteous(&["감사합니다", "감사드립니다"], &["감사해요"], &["고마워"]),
    courteous(&["미안합니다"], &["미안해요"], &["미안해", "미안"]),
    courteous(&["죄송합니다"], &["죄송해요"], &["미안해"]),
    courteous(&["실례합니다"], &[], &[]),
    courteous(&["축하합니다", "축하드립니다"], &["축하해요", "축하드려요"], &["축하해"]),
    courteous(&["잘 부탁드립니다", "잘 부탁합니다"], &["잘 부탁드려요", "잘 부탁해요"], &["잘 부탁해"]),
    courteous(&["처음 뵙겠습니다"], &[], &[]),
    courteous(&["반갑습니다"], &["반가워요"], &["반가워", "반갑다"]),
    courteous(&["잘 먹겠습니다"], &["잘 먹을게요"], &["잘 먹을게"]),
    courteous(&["알겠습니다"], &["알겠어요"], &["알겠어"]),
    courteous(&["수고하셨습니다"], &["수고하셨어요"], &["수고했어"]),
    courteous(&["또 뵙겠습니다", "나중에 뵙겠습니다"], &["또 봐요", "나중에 봐요"], &["또 봐", "나중에 봐"]),
    courteous(&["그때 뵙겠습니다"], &["그때 봐요"], &["그때 봐"]),
    courteous(&["이따가 뵙겠습니다"], &["이따가 봐요", "이따 봐요"], &["이따 봐", "이따가 봐"]),
    courteous(&["내일 뵙겠습니다"], &["내일 봐요"], &["내일 봐"]),
    courteous(&["다음에 뵙겠습니다"], &["다음에 봐요"], &["다음에 봐"]),
    courteous(&["다녀오겠습니다"], &["다녀올게요"], &["다녀올게"]),
    phrase(&["또 만납시다"], &["또 만나요"], &["또 만나", "또 만나자"]),
    phrase(&["내일 만납시다"], &["내일 만나요"], &["내일 만나", "내일 만나자"]),
    phrase(&["다시 만납시다"], &["다시 만나요"], &["다시 만나", "다시 만나자"]),
    courteous(&["안녕히 가십시오"], &["안녕히 가세요"], &["잘 가"]),
    courteous(&["안녕히 계십시오"], &["안녕히 계세요"], &["잘 있어"]),
    phrase(&["안녕히 주무십시오"], &["안녕히 주무세요", "잘 자요"], &["잘 자"]),
    phrase(&["안녕히 주무셨습니까"], &["안녕히 주무셨어요", "잘 잤어요"], &["잘 잤어"]),
    phrase(&["잘 지내십니까"], &["잘 지내세요", "잘 지내요"], &["잘 지내"]),
    phrase(&["어떻게 지내십니까"], &["어떻게 지내세요", "어떻게 지내요"], &["어떻게 지내"]),
    phrase(&["맛있게 드십시오"], &["맛있게 드세요"], &["맛있게 먹어"]),
    courteous(&["어서 오십시오"], &["어서 오세요"], &["어서 와"]),
    shared(&["여보세요"], &[]),
    shared(&["아니요", "아뇨"], &["아니"]),
    shared(&["네", "예"], &["응", "어", "엉", "웅", "그래"]),
    phrase(&[], &["왜요"], &["왜"]),
    phrase(&["뭐라고 하셨습니까"], &["뭐라고요"], &["뭐라고"]),
    phrase(&[], &["정말이요", "정말요"], &["정말"]),
    phrase(&[], &["진짜요"], &["진짜"]),
];

/// Those that are a sentence only when nothing stands before them.
pub(in crate::tutor) const ALONE: &[&str] = &[
    "네",
    "예",
    "응",
    "어",
    "엉",
    "웅",
    "그래",
    "아니",
    "아니요",
    "아뇨",
    "왜",
    "왜요",
    "정말",
    "진짜",
    "정말요",
    "정말이요",
    "진짜요",
    "안녕",
    "미안",
    "잘 가",
    "잘 있어",
    "잘 자",
    "잘 자요",
    "잘 잤어",
    "잘 잤어요",
    "잘 지내",
    "잘 지내요",
    "잘 지내세요",
    "어떻게 지내",
    "어떻게 지내요",
    "어떻게 지내세요",
];

/// Those that are an answer of their own only before a comma.
pub(in crate::tutor) const BEFORE_COMMA: &[&str] = &["그래"];

/// Those that are a sentence only when asked.
pub(in crate::tutor) const ASKED: &[&str] = &["정말", "진짜"];
