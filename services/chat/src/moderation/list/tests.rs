//! What is found, and what must not be.

use super::*;

const INNOCENT_TEXTS: &[&str] = &[
    "테스트입니다",
    "이곳이 우리 문화의 시발점이에요",
    "시발역에서 만나요",
    "다시 발음해 주세요",
    "다시발음해주세요",
    "그 시 발음이 어려워요",
    "역시 발전이 빠르네요",
    "혹시 발이 아파요?",
    "잠시 발표할게요",
    "오전 9시 발 기차",
    "9시발 KTX",
    "다섯 시 발 기차는 몇 시에 와요?",
    "몇 시 발이에요?",
    "새끼손가락 걸고 약속해요",
    "이 새끼 고양이 귀여워요",
    "새끼를 낳았어요",
    "솜씨발휘",
    "날씨발표",
    "아저씨 발",
    "질병신고센터",
    "보지 마세요",
    "아직 자지 마",
    "사과를 따먹었어요",
    "불이 꺼져 있어요",
    "십팔 페이지, 18쪽",
    "색소폰을 불어요",
    "유니섹스 옷",
    "배고파 죽겠어요",
    "좋아 죽겠어",
    "절대 죽고 싶지 않아요",
    "자살골을 넣었어요",
    "모기를 죽여 버릴 거예요",
    "벌레를 다시 보면 그 벌레를 죽여버릴 거예요",
    "2016년은 병신년이에요",
    "2016년 병신년 새해 복 많이 받으세요",
    "I was cutting myself a slice of cake",
    "cutting myself some slack",
    "class",
    "Scunthorpe",
    "an assassin from Sussex and Essex",
    "Charles Dickens",
    "shiitake mushrooms",
    "Niger and Nigeria",
    "a classic cocktail, a grape, a therapist",
    "I don't want to die",
    "what is your sex?",
    "b2b, h2o, mp3",
    "a b c d e f g",
    "가 나 다 라",
    "",
    "!!! ...",
    "👍🏽 ㅋㅋㅋ ㅠㅠ",
];

const REFUSED_TEXTS: &[(&str, Category)] = &[
    ("시발", Category::Insult),
    ("야 이 씨발놈아", Category::Insult),
    ("아시발 진짜", Category::Insult),
    ("시 발", Category::Insult),
    ("시.발 뭐야", Category::Insult),
    ("씨~~발", Category::Insult),
    ("시\u{200b}발", Category::Insult),
    ("시1발", Category::Insult),
    ("시시시발", Category::Insult),
    ("\u{1109}\u{1175}\u{1107}\u{1161}\u{11af}", Category::Insult),
    ("ㅅㅂㅠㅠ", Category::Insult),
    ("너 병신이야?", Category::Insult),
    ("개 새 끼", Category::Insult),
    ("이새끼야", Category::Insult),
    ("미친놈", Category::Insult),
    ("미친 새끼들", Category::Insult),
    ("완전좆같네", Category::Insult),
    ("FUCK you", Category::Insult),
    ("fuuuuck", Category::Insult),
    ("f u c k", Category::Insult),
    ("f.u.c.k!", Category::Insult),
    ("ｆｕｃｋ", Category::Insult),
    ("you b1tch", Category::Insult),
    ("a$$hole", Category::Insult),
    ("씨발fuck", Category::Insult),
    ("fuck야", Category::Insult),
    ("go kill yourself", Category::Insult),
    ("죽여버릴 거야", Category::Violence),
    ("우리 섹스할래?", Category::Sexual),
    ("야한 사진 보내 줘", Category::Sexual),
    ("send  nudes", Category::Sexual),
    ("죽고 싶어요", Category::SelfHarm),
    ("정말 죽고싶다", Category::SelfHarm),
    ("자살하고 싶어요", Category::SelfHarm),
    ("I want to die", Category::SelfHarm),
    ("i'm gonna kill\nmyself", Category::SelfHarm),
    ("씨발 죽고 싶다", Category::SelfHarm),
    ("너를 죽여 버릴 거야", Category::Violence),
    ("모기처럼 죽여 버릴 거야", Category::Violence),
    ("이 병신년아", Category::Insult),
    ("이 년은 병신년이야", Category::Insult),
    ("I keep cutting myself again and again", Category::SelfHarm),
    ("cutting myself sometimes", Category::SelfHarm),
];

#[test]
fn words_are_found_however_they_are_hidden() {
    let list = WordList::built_in();
    for (text, category) in REFUSED_TEXTS {
        assert_eq!(list.find(text), Some(*category), "{text}");
    }
}

#[test]
fn innocent_words_are_left_alone() {
    let list = WordList::built_in();
    for text in INNOCENT_TEXTS {
        assert_eq!(list.find(text), None, "{text}");
    }
}

#[test]
fn a_file_adds_words_and_exceptions() {
    let mut list = WordList::built_in();
    for line in
        ["# comment", "", "insult: 멍청이", " other :casino bonus", "allow: 멍청이들의 행진", "violence:Zap"]
    {
        list.add_line(line.trim()).unwrap();
    }
    for (text, expected) in [
        ("이 멍청이야", Some(Category::Insult)),
        ("멍청이들의 행진이라는 영화", None),
        ("CASINO-BONUS here", Some(Category::Other)),
        ("zap", Some(Category::Violence)),
        ("zapping", None),
    ] {
        assert_eq!(list.find(text), expected, "{text}");
    }
    for line in ["멍청이", "rude: x", "insult: ...", "insult:"] {
        assert!(list.add_line(line).is_err(), "{line}");
    }
}

#[test]
fn the_longest_message_and_the_longest_list_are_read_in_a_moment() {
    let mut list = WordList::built_in();
    for number in 0..MOST_LINES {
        let word: String =
            number.to_string().chars().map(|digit| char::from(digit as u8 - b'0' + b'a')).collect();
        list.add_line(&format!("other: x{word}")).unwrap();
    }
    let started = std::time::Instant::now();
    for text in ["시".repeat(10_000), "시 ".repeat(5_000), "x".repeat(10_000), "자살 ".repeat(3_333)] {
        assert_eq!(list.find(&text), None);
    }
    // Loose: it is milliseconds, and what grows with the square of the length would be minutes.
    assert!(started.elapsed() < std::time::Duration::from_secs(20));
}
