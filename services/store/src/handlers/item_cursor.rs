//! Where a listing of items goes on: behind a place in its own order, and in no other.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use contract::id::ItemId;
use contract::store::Item;
use serde::{Deserialize, Serialize};

use crate::domain::listing::{Choice, Place, Sort};
use crate::domain::violation::Violation;

/// Longer than any that was ever given out: a name of 200 characters of four bytes each, twice over.
const LONGEST: usize = 4096;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Cursor {
    /// Of the listing that it belongs to.
    list: String,
    at: String,
    id: ItemId,
}

/// The cursor of the page behind `last`.
pub(super) fn write(choice: &Choice, last: &Item) -> Result<String, serde_json::Error> {
    let place = match choice.sort {
        Sort::Newest => Place::Created(last.created_at.timestamp_micros()),
        Sort::PriceAsc | Sort::PriceDesc => Place::Price(last.price),
        Sort::Name => Place::Name(last.name.clone()),
    };
    let cursor = Cursor { list: fingerprint(choice), at: place.write(), id: last.id };
    Ok(URL_SAFE_NO_PAD.encode(serde_json::to_vec(&cursor)?))
}

/// # Errors
/// When it is none, or of another listing.
pub(super) fn read(choice: &Choice, text: &str) -> Result<(Place, ItemId), Violation> {
    let parse = || {
        let json = URL_SAFE_NO_PAD.decode(Some(text).filter(|text| text.len() <= LONGEST)?).ok()?;
        let cursor: Cursor = serde_json::from_slice(&json).ok()?;
        let place = Place::read(choice.sort, &cursor.at)?;
        (cursor.list == fingerprint(choice)).then_some((place, cursor.id))
    };
    parse().ok_or(Violation::new(
        "cursor",
        "같은 조건으로 받은 이전 응답의 nextCursor가 아닙니다.",
        "This is no nextCursor of a listing with the same conditions.",
    ))
}

/// Tells listings apart: the order, and what is listed.
fn fingerprint(choice: &Choice) -> String {
    let Choice { status, category, search, sort } = choice;
    // Lengths, so that no two choices read the same.
    let part = |text: &Option<String>| text.as_ref().map(|text| format!("{}:{text}", text.len()));
    let all = format!("{sort:?} {status} {:?} {:?}", part(category), part(search));
    URL_SAFE_NO_PAD.encode(&digest(&SHA256, all.as_bytes()).as_ref()[..8])
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use contract::store::ItemStatus;

    use super::*;

    fn choice(sort: Sort) -> Choice {
        Choice { status: ItemStatus::Active, category: None, search: None, sort }
    }

    fn item() -> Item {
        let at = DateTime::from_timestamp_micros(1_700_000_000_123_456).unwrap();
        Item {
            id: chassis::fresh_id(),
            sku: "NOTE-1".to_owned(),
            name: "한지 공책".to_owned(),
            description: String::new(),
            category: "문구".to_owned(),
            price: 12_000,
            currency: "KRW".to_owned(),
            stock: 3,
            status: ItemStatus::Active,
            image_url: None,
            version: 1,
            created_at: at,
            updated_at: at,
        }
    }

    #[test]
    fn a_cursor_reads_as_it_was_written() {
        let item = item();
        for (sort, place) in [
            (Sort::Newest, Place::Created(1_700_000_000_123_456)),
            (Sort::PriceAsc, Place::Price(12_000)),
            (Sort::PriceDesc, Place::Price(12_000)),
            (Sort::Name, Place::Name("한지 공책".to_owned())),
        ] {
            let choice = choice(sort);
            assert_eq!(read(&choice, &write(&choice, &item).unwrap()).unwrap(), (place, item.id));
        }
    }

    #[test]
    fn a_cursor_of_another_listing_is_none() {
        let newest = choice(Sort::Newest);
        let cursor = write(&newest, &item()).unwrap();
        let category = |text: &str| Some(text.to_owned());
        for other in [
            choice(Sort::Name),
            choice(Sort::PriceAsc),
            Choice { status: ItemStatus::Inactive, ..newest.clone() },
            Choice { category: category("문구"), ..newest.clone() },
            Choice { search: category("문구"), ..newest.clone() },
        ] {
            assert_eq!(read(&other, &cursor).unwrap_err().field, "cursor", "{other:?}");
        }
        let ascending = write(&choice(Sort::PriceAsc), &item()).unwrap();
        assert!(read(&choice(Sort::PriceDesc), &ascending).is_err());
        for text in ["", "x", "e30", &"A".repeat(5000), &cursor[1..]] {
            assert!(read(&newest, text).is_err(), "{text}");
        }
    }
}
