//! The official examples of the rules, and words of every day.

use super::*;

/// The official examples of the rules, then words of every day.
const EXAMPLES: &[(&str, &str)] = &[
    ("구미", "gumi"),
    ("영동", "yeongdong"),
    ("백암", "baegam"),
    ("옥천", "okcheon"),
    ("합덕", "hapdeok"),
    ("호법", "hobeop"),
    ("월곶", "wolgot"),
    ("벚꽃", "beotkkot"),
    ("한밭", "hanbat"),
    ("구리", "guri"),
    ("설악", "seorak"),
    ("칠곡", "chilgok"),
    ("임실", "imsil"),
    ("울릉", "ulleung"),
    ("대관령", "daegwallyeong"),
    ("백마", "baengma"),
    ("신문로", "sinmunno"),
    ("종로", "jongno"),
    ("왕십리", "wangsimni"),
    ("별내", "byeollae"),
    ("신라", "silla"),
    ("학여울", "hangnyeoul"),
    ("알약", "allyak"),
    ("해돋이", "haedoji"),
    ("같이", "gachi"),
    ("굳히다", "guchida"),
    ("좋고", "joko"),
    ("놓다", "nota"),
    ("잡혀", "japyeo"),
    ("낳지", "nachi"),
    ("묵호", "mukho"),
    ("집현전", "jiphyeonjeon"),
    ("압구정", "apgujeong"),
    ("낙동강", "nakdonggang"),
    ("죽변", "jukbyeon"),
    ("낙성대", "nakseongdae"),
    ("합정", "hapjeong"),
    ("팔당", "paldang"),
    ("샛별", "saetbyeol"),
    ("울산", "ulsan"),
    ("광희문", "gwanghuimun"),
    ("독립문", "dongnimmun"),
    ("촉석루", "chokseongnu"),
    ("속리산", "songnisan"),
    ("경복궁", "gyeongbokgung"),
    ("한국말", "hangungmal"),
    ("한국어", "hangugeo"),
    ("안녕하세요", "annyeonghaseyo"),
    ("감사합니다", "gamsahamnida"),
    ("없어요", "eopseoyo"),
    ("읽어요", "ilgeoyo"),
    ("읽고", "ilgo"),
    ("읽는", "ingneun"),
    ("닭과", "dakgwa"),
    ("값", "gap"),
    ("많다", "manta"),
    ("많아요", "manayo"),
    ("싫어요", "sireoyo"),
    ("않는", "anneun"),
    ("좋아요", "joayo"),
    ("괜찮아요", "gwaenchanayo"),
    ("생각하다", "saenggakada"),
    ("축하", "chukha"),
    ("못하다", "motada"),
    ("따뜻하다", "ttatteutada"),
    ("입학", "iphak"),
    ("전화", "jeonhwa"),
    ("결혼", "gyeolhon"),
    ("편리", "pyeolli"),
    ("연락", "yeollak"),
    ("설날", "seollal"),
    ("음료", "eumnyo"),
    ("판단력", "pandannyeok"),
    ("맛있다", "masitda"),
    ("맛없다", "madeopda"),
    ("붙여요", "buchyeoyo"),
    ("앉아요", "anjayo"),
    ("의사", "uisa"),
    ("십육", "sibyuk"),
    ("강아지", "gangaji"),
    ("닫혀", "dachyeo"),
    ("앉히다", "anchida"),
    ("넓다", "neolda"),
    ("괜찮습니다", "gwaenchanseumnida"),
    ("좋습니다", "joseumnida"),
    ("핥이다", "halchida"),
    ("책을 읽다", "chaegeul ikda"),
    ("BTS 노래!", "bts norae!"),
];

#[test]
fn korean_is_written_as_the_official_examples_are() {
    let wrong: Vec<_> = EXAMPLES
        .iter()
        .map(|&(korean, expected)| (korean, expected, romanise(korean)))
        .filter(|(_, expected, written)| expected != written)
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_pair_of_syllable_ends_and_beginnings_is_written() {
    for last in 0..28 {
        for first in 0..19 {
            let syllable = |number: u32| char::from_u32(0xAC00 + number).unwrap();
            let word: String = [syllable(last), syllable(first * 588)].into_iter().collect();
            let written = romanise(&word);
            assert!(written.len() >= 3 && written.is_ascii(), "{word} {written}");
        }
    }
}
