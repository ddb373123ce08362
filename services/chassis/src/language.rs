//! Which language an answer is in: `Accept-Language` by RFC 4647 lookup, Korean by default.

use contract::text::Language;

/// The language a caller prefers among ours. Ranges with the same quality count in order of appearance; `*`
/// means our default; a quality of 0 rules a language out.
pub fn negotiate(accept_language: Option<&str>) -> Language {
    let Some(header) = accept_language else {
        return Language::default();
    };
    let ranges: Vec<(Option<Language>, u16)> = header.split(',').filter_map(range).collect();
    let refused = |language| ranges.iter().any(|(range, quality)| *range == Some(language) && *quality == 0);
    let mut best: Option<(Language, u16)> = None;
    for (range, quality) in &ranges {
        let language = match range {
            Some(language) => *language,
            None if refused(Language::default()) => Language::English,
            None => Language::default(),
        };
        if *quality > best.map_or(0, |(_, best)| best) {
            best = Some((language, *quality));
        }
    }
    match best {
        Some((language, _)) => language,
        None if refused(Language::Korean) && !refused(Language::English) => Language::English,
        None => Language::default(),
    }
}

/// One range and its quality in thousandths; the inner `None` is `*`. Languages that we do not have, and what
/// is not valid, are skipped.
fn range(text: &str) -> Option<(Option<Language>, u16)> {
    let mut parts = text.split(';');
    let tag = parts.next()?.trim();
    let language = match tag.split('-').next()?.to_ascii_lowercase().as_str() {
        "ko" => Some(Language::Korean),
        "en" => Some(Language::English),
        "*" => None,
        _ => return None,
    };
    let mut thousandths = 1000;
    for parameter in parts {
        let (name, value) = parameter.split_once('=')?;
        if name.trim().eq_ignore_ascii_case("q") {
            thousandths = quality(value.trim())?;
        }
    }
    Some((language, thousandths))
}

/// `0`, `1`, or up to three decimals between them (RFC 9110, section 12.4.2).
fn quality(text: &str) -> Option<u16> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    if decimals.len() > 3 || !decimals.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let fraction: u16 = format!("{decimals:0<3}").parse().ok()?;
    match whole {
        "0" => Some(fraction),
        "1" if fraction == 0 => Some(1000),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Language::{English, Korean};

    #[test]
    fn the_callers_preference_decides() {
        for (header, expected) in [
            ("en", English),
            ("EN-us", English),
            ("en-US,en;q=0.9,ko;q=0.8", English),
            ("ko-KR,ko;q=0.9,en-US;q=0.8,en;q=0.7", Korean),
            ("ko;q=0.5,en;q=0.8", English),
            ("fr,en;q=0.3", English),
            ("fr", Korean),
            ("*", Korean),
            ("fr, *;q=0.1", Korean),
            ("*, ko;q=0", English),
            ("ko;q=0", English),
            ("en;q=0", Korean),
            ("en;q=0, *", Korean),
            ("en;q=abc", Korean),
            ("en;q=1.5", Korean),
            ("en;q=0.0001", Korean),
            ("english", Korean),
            ("", Korean),
            (",,;", Korean),
            ("ko,en", Korean),
            ("en,ko", English),
        ] {
            assert_eq!(negotiate(Some(header)), expected, "{header}");
        }
        assert_eq!(negotiate(None), Korean);
    }
}
