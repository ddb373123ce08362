//! What names may look like, and which known name a misspelt one was meant to be.

/// Unit names appear in the names of sockets, whose paths are short: see `layout.rs`.
pub(super) const LONGEST: usize = 20;

/// `[a-z][a-z0-9-]*`, also with `_` for databases; says what is wrong.
pub(super) fn check(name: &str, separator: char) -> Result<(), String> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == separator;
    if name.len() > LONGEST {
        return Err(format!("the name `{name}` is longer than {LONGEST} characters"));
    }
    if !name.starts_with(|c: char| c.is_ascii_lowercase()) || !name.chars().all(allowed) {
        return Err(format!(
            "the name `{name}` is not lower-case letters, digits and `{separator}`, a letter first"
        ));
    }
    Ok(())
}

/// The known name closest to `name`, if one is close enough to be a slip of the finger.
pub(super) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // A third of the letters may be wrong; swapped neighbours count once.
    let limit = (name.chars().count() / 3).max(1);
    let word = name.to_lowercase();
    known
        .into_iter()
        .map(|candidate| (distance(&word, candidate), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Edits between the two; a dash and an underscore are the same letter.
fn distance(word: &str, candidate: &str) -> usize {
    let same = word.replace('-', "_") == candidate.replace('-', "_");
    if same { 0 } else { strsim::damerau_levenshtein(word, candidate) }
}

/// `did you mean …?`, or all there is when that is short enough to read.
pub(crate) fn suggestion<'a>(name: &str, known: impl IntoIterator<Item = &'a str> + Clone) -> Option<String> {
    if let Some(near) = nearest(name, known.clone()) {
        return Some(format!("did you mean `{near}`?"));
    }
    let all: Vec<&str> = known.into_iter().collect();
    (!all.is_empty() && all.len() <= 20).then(|| format!("known here: {}", all.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_recognised_and_a_different_word_is_not() {
        let known = ["auth", "chat", "store", "auth_db", "stop_timeout"];
        for (word, expected) in [
            ("caht", Some("chat")),
            ("Store", Some("store")),
            ("stop-timeout", Some("stop_timeout")),
            ("auht_db", Some("auth_db")),
            ("payment", None),
            ("x", None),
        ] {
            assert_eq!(nearest(word, known), expected, "{word}");
        }
    }

    #[test]
    fn names_fit_into_sockets_and_shells() {
        for good in ["a", "payment-sandbox", "chat2"] {
            assert_eq!(check(good, '-'), Ok(()), "{good}");
        }
        for bad in ["", "2chat", "-a", "Chat", "a_b", "채팅", "a/b", "a-name-longer-than-twenty"] {
            assert!(check(bad, '-').is_err(), "{bad}");
        }
    }
}
