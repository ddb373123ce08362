//! Which items are listed, in which order, and where the next page begins.

use contract::store::ItemStatus;

use super::violation::Violation;

/// In characters, of what is searched for and of a category.
const LONGEST_SEARCH: usize = 100;
const LONGEST_CATEGORY: usize = 50;
/// The last microsecond that the database and RFC 3339 both can say: the end of the year 9999.
const LAST_MICROS: i64 = 253_402_300_799_999_999;

/// The order of a listing. Equal items are told apart by their ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sort {
    #[default]
    Newest,
    PriceAsc,
    PriceDesc,
    Name,
}

impl Sort {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Newest => "newest",
            Self::PriceAsc => "price_asc",
            Self::PriceDesc => "price_desc",
            Self::Name => "name",
        }
    }
}

/// Which items.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    pub status: ItemStatus,
    pub category: Option<String>,
    /// Somewhere in the name or the description, in any case of letters.
    pub search: Option<String>,
    pub sort: Sort,
}

/// The last item of a page, as far as its order is concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// Microseconds since 1970.
    Created(i64),
    Price(i64),
    Name(String),
}

/// The order that a client names.
///
/// # Errors
/// When there is no such order.
pub fn sort(word: Option<&str>) -> Result<Sort, Violation> {
    let Some(word) = word else { return Ok(Sort::default()) };
    [Sort::Newest, Sort::PriceAsc, Sort::PriceDesc, Sort::Name]
        .into_iter()
        .find(|sort| sort.as_str() == word)
        .ok_or(Violation::new(
            "sort",
            "newest, price_asc, price_desc, name 중 하나여야 합니다.",
            "One of newest, price_asc, price_desc and name.",
        ))
}

/// # Errors
/// When there is no such status.
pub fn status(word: Option<&str>) -> Result<ItemStatus, Violation> {
    let Some(word) = word else { return Ok(ItemStatus::Active) };
    word.parse().map_err(|_| {
        Violation::new(
            "status",
            "ACTIVE, INACTIVE, DISCONTINUED 중 하나여야 합니다.",
            "One of ACTIVE, INACTIVE and DISCONTINUED.",
        )
    })
}

/// What is searched for, without space around it.
///
/// # Errors
/// When it is blank or too long.
pub fn search(text: Option<&str>) -> Result<Option<String>, Violation> {
    bounded(text, LONGEST_SEARCH).map_err(|()| {
        Violation::new(
            "q",
            "검색어는 1자 이상 100자 이하여야 합니다.",
            "What is searched for has 1 to 100 characters.",
        )
    })
}

/// # Errors
/// When no item can have it.
pub fn category(text: Option<&str>) -> Result<Option<String>, Violation> {
    bounded(text, LONGEST_CATEGORY).map_err(|()| {
        Violation::new(
            "category",
            "분류는 1자 이상 50자 이하여야 합니다.",
            "A category has 1 to 50 characters.",
        )
    })
}

fn bounded(text: Option<&str>, longest: usize) -> Result<Option<String>, ()> {
    let Some(text) = text.map(str::trim) else { return Ok(None) };
    let fits = !text.is_empty() && text.chars().count() <= longest && !text.contains('\0');
    if fits { Ok(Some(text.to_owned())) } else { Err(()) }
}

impl Place {
    /// What stands in a cursor. None for what is no place in this order.
    pub fn read(sort: Sort, text: &str) -> Option<Self> {
        match sort {
            Sort::Newest => {
                let micros = text.parse().ok()?;
                (0..=LAST_MICROS).contains(&micros).then_some(Self::Created(micros))
            }
            Sort::PriceAsc | Sort::PriceDesc => text.parse().ok().map(Self::Price),
            Sort::Name => (!text.contains('\0')).then(|| Self::Name(text.to_owned())),
        }
    }

    pub fn write(&self) -> String {
        match self {
            Self::Created(number) | Self::Price(number) => number.to_string(),
            Self::Name(name) => name.clone(),
        }
    }
}

/// The pattern that finds a text wherever it stands: what `like` gives a meaning is meant as it is.
pub fn pattern(search: &str) -> String {
    let mut pattern = String::with_capacity(search.len() + 2);
    pattern.push('%');
    for character in search.chars() {
        if matches!(character, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern.push('%');
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_searched_for_is_meant_as_it_is() {
        assert_eq!(pattern("책"), "%책%");
        assert_eq!(pattern(r"100%_a\"), r"%100\%\_a\\%");
    }

    #[test]
    fn a_search_says_something_in_at_most_a_hundred_characters() {
        assert_eq!(search(None), Ok(None));
        assert_eq!(search(Some(" 책 ")), Ok(Some("책".to_owned())));
        assert!(search(Some(&"가".repeat(100))).is_ok());
        for text in ["", "  ", "a\0b", &"가".repeat(101)] {
            assert_eq!(search(Some(text)).unwrap_err().field, "q", "{text:?}");
        }
    }

    #[test]
    fn words_are_those_that_are_known() {
        assert_eq!(sort(None), Ok(Sort::Newest));
        assert_eq!(sort(Some("price_desc")), Ok(Sort::PriceDesc));
        assert_eq!(sort(Some("id; drop table store_item")).unwrap_err().field, "sort");
        assert_eq!(status(None), Ok(ItemStatus::Active));
        assert_eq!(status(Some("active")).unwrap_err().field, "status");
        assert_eq!(category(Some(" ")).unwrap_err().field, "category");
    }

    #[test]
    fn a_place_reads_as_it_was_written_and_only_in_its_order() {
        for (sort, place) in [
            (Sort::Newest, Place::Created(1_700_000_000_123_456)),
            (Sort::PriceAsc, Place::Price(12_000)),
            (Sort::PriceDesc, Place::Price(0)),
            (Sort::Name, Place::Name("한지 공책".to_owned())),
        ] {
            assert_eq!(Place::read(sort, &place.write()), Some(place));
        }
        for (sort, text) in [
            (Sort::Newest, "-1"),
            (Sort::Newest, "9223372036854775807"),
            (Sort::Newest, "책"),
            (Sort::PriceAsc, "1.5"),
            (Sort::Name, "nul\0"),
        ] {
            assert_eq!(Place::read(sort, text), None, "{text}");
        }
    }
}
