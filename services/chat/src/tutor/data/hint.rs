//! Words that tell what an ambiguous sentence means.

/// Only somebody who is told to hears these.
pub(in crate::tutor) const URGENT: [&str; 8] =
    ["어서", "이리", "제발", "얼른", "조심히", "조심해서", "그만", "꼭꼭"];
/// What makes a command of these verbs, of others perhaps a statement: 여기 앉아, but 여기 살아.
pub(in crate::tutor) const COMMANDS: [(&str, &[&str]); 7] = [
    ("여기", &["앉다", "오다", "서다"]),
    ("여기에", &["앉다", "서다", "놓다"]),
    ("복", &["받다"]),
    ("잘", &["보내다"]),
    ("꼭", &["오다"]),
    ("조금만", &["기다리다", "참다"]),
    ("크게", &["말하다", "읽다"]),
];
/// What is so, or always is so, is no command.
pub(in crate::tutor) const STATEMENTS: [&str; 14] = [
    "매일",
    "자주",
    "항상",
    "가끔",
    "늘",
    "요즘",
    "보통",
    "날마다",
    "아직",
    "벌써",
    "종일",
    "어제",
    "평소",
    "언제나",
];
/// Adjectives that some say as commands; nobody knows whether these do.
pub(in crate::tutor) const ADVISED: [&str; 5] =
    ["조용하다", "솔직하다", "성실하다", "부지런하다", "용감하다"];

/// Verbs with a twin, and what tells that they are meant: something in a word, the end of a word.
pub(in crate::tutor) const HINTS: [(&str, &[&str], &[&str]); 13] = [
    ("걸다", &["전화", "말을", "농담"], &[]),
    ("걷다", &["공원", "산책", "까지", "혼자", "천천히", "많이"], &["길을"]),
    ("듣다", &["음악", "노래", "소리", "말을", "이야기", "얘기", "라디오", "수업", "강의", "뉴스"], &[]),
    ("들다", &["마음에", "맘에", "잠이", "돈이", "시간이", "나이가", "짐", "힘이", "손을", "감기"], &[]),
    ("피다", &["꽃"], &[]),
    ("펴다", &["책", "우산", "허리", "손"], &[]),
    ("살다", &["혼자", "같이"], &["에", "에서", "살"]),
    ("사다", &[], &["을", "를"]),
    ("묻다", &["길을", "이름", "질문", "이유", "나이", "안부"], &["에게", "한테", "께"]),
    ("묻다²", &["옷", "손에", "얼굴", "커피", "흙", "땅", "피가"], &[]),
    ("걷다²", &["소매", "빨래", "커튼", "돈을", "바지"], &[]),
    ("굽다", &[], &["을", "를"]),
    ("굽다²", &["허리", "등이"], &[]),
];
