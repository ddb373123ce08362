//! Which form of a report a caller takes, by `Accept` (RFC 9110, 12.5.1).

/// The forms that there are, the preferred first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Json,
    Csv,
}

impl Form {
    pub const ALL: [Self; 2] = [Self::Json, Self::Csv];

    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Csv => "text/csv",
        }
    }
}

/// The form that the caller likes best, none when it takes neither. Of forms that it likes as well, the first. Without
/// the header anything is taken; a range that cannot be read says nothing.
pub fn choose(accept: Option<&str>) -> Option<Form> {
    let Some(accept) = accept.filter(|accept| !accept.trim().is_empty()) else { return Some(Form::Json) };
    let ranges: Vec<_> = accept.split(',').filter_map(range).collect();
    let liked = |form: Form| {
        let fitting = ranges.iter().filter_map(|(range, quality)| Some((fits(range, form)?, *quality)));
        // The narrowest range counts, whatever a wider one says.
        fitting.max_by_key(|(narrowness, _)| *narrowness).map_or(0, |(_, quality)| quality)
    };
    // Of equals `max_by_key` takes the last.
    Form::ALL.into_iter().rev().max_by_key(|form| liked(*form)).filter(|form| liked(*form) > 0)
}

/// A range in lower case and its quality in thousandths. Other parameters tell forms apart that we do not have.
fn range(text: &str) -> Option<(String, u16)> {
    let mut parts = text.split(';').map(str::trim);
    let range = parts.next()?.to_ascii_lowercase();
    let mut quality = 1000;
    for parameter in parts {
        if let Some((name, value)) = parameter.split_once('=')
            && name.trim().eq_ignore_ascii_case("q")
        {
            quality = thousandths(value.trim())?;
        }
    }
    Some((range, quality))
}

/// `0`, `1`, or either with up to three digits behind the point.
fn thousandths(text: &str) -> Option<u16> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if fraction.len() > 3 || !fraction.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let fraction: u16 = format!("{fraction:0<3}").parse().ok()?;
    match whole {
        "0" => Some(fraction),
        "1" if fraction == 0 => Some(1000),
        _ => None,
    }
}

/// How narrow a range is that the form is within.
fn fits(range: &str, form: Form) -> Option<u8> {
    let (kind, _) = form.media_type().split_once('/')?;
    match range.split_once('/')? {
        ("*", "*") => Some(0),
        (wanted, "*") if wanted == kind => Some(1),
        _ if range == form.media_type() => Some(2),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_caller_gets_the_form_that_it_likes_best() {
        let (json, csv) = (Some(Form::Json), Some(Form::Csv));
        for (accept, expected) in [
            (None, json),
            (Some(""), json),
            (Some("*/*"), json),
            (Some("text/csv"), csv),
            (Some("Text/CSV; charset=utf-8"), csv),
            (Some("text/*"), csv),
            (Some("application/json, text/csv"), json),
            (Some("application/json;q=0.5, text/csv"), csv),
            (Some("application/json;q=0.5, text/csv;q=0.501"), csv),
            (Some("application/json;q=0, */*"), csv),
            (Some("text/csv;q=0.2, */*;q=0.1"), csv),
            (Some("text/csv;q=0, text/*"), None),
            (Some("text/csv;Q=0"), None),
            (Some("text/csv;q=2"), None),
            (Some("text/csv;q=0.1234, text/html"), None),
            (Some("text/html, application/xml"), None),
            (Some("text/html, */*;q=0.1"), json),
            (Some("csv"), None),
            (Some(","), None),
        ] {
            assert_eq!(choose(accept), expected, "{accept:?}");
        }
    }
}
