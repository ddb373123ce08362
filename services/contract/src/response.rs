//! Envelopes of success: the web client's `{success,data,…}` and pages.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// `AR<T>` of the API's description.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApiResponse<T> {
    /// Always true: errors are a [`crate::problem::Problem`].
    pub success: bool,
    pub data: T,
    pub message: String,
    /// Always null.
    #[schema(value_type = Option<String>, required)]
    pub error_code: (),
    #[serde(with = "crate::time::micros")]
    pub timestamp: DateTime<Utc>,
}

impl<T> ApiResponse<T> {
    pub fn new(data: T, message: impl Into<String>, now: DateTime<Utc>) -> Self {
        Self { success: true, data, message: message.into(), error_code: (), timestamp: now }
    }
}

/// A page by number, in the shape of Spring Data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Page<T> {
    pub content: Vec<T>,
    pub pageable: Pageable,
    pub total_elements: u64,
    pub total_pages: u64,
    pub size: u32,
    pub number: u32,
    pub first: bool,
    pub last: bool,
    pub number_of_elements: usize,
    pub empty: bool,
    pub sort: Sort,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Pageable {
    pub page_number: u32,
    pub page_size: u32,
    pub offset: u64,
    pub paged: bool,
    pub unpaged: bool,
    pub sort: Sort,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Sort {
    pub empty: bool,
    pub sorted: bool,
    pub unsorted: bool,
}

impl Sort {
    pub const SORTED: Self = Self { empty: false, sorted: true, unsorted: false };
    pub const UNSORTED: Self = Self { empty: true, sorted: false, unsorted: true };
}

/// Largest page anybody may ask for.
pub const MAX_PAGE_SIZE: u32 = 100;

impl<T> Page<T> {
    /// The page `number` (from 0) of `size` elements (at least 1), out of `total`.
    pub fn new(content: Vec<T>, number: u32, size: u32, total: u64, sort: Sort) -> Self {
        let size = size.max(1);
        let total_pages = total.div_ceil(u64::from(size));
        let number_of_elements = content.len();
        Self {
            pageable: Pageable {
                page_number: number,
                page_size: size,
                offset: u64::from(number) * u64::from(size),
                paged: true,
                unpaged: false,
                sort,
            },
            total_elements: total,
            total_pages,
            size,
            number,
            first: number == 0,
            last: u64::from(number) + 1 >= total_pages,
            number_of_elements,
            empty: content.is_empty(),
            content,
            sort,
        }
    }
}

/// A page by key: pass `nextCursor` back as `cursor`; null at the end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CursorPage<T> {
    pub content: Vec<T>,
    pub next_cursor: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_success_envelope_has_every_key() {
        let now = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        let body = serde_json::to_string(&ApiResponse::new(true, "확인", now)).unwrap();
        assert_eq!(
            body,
            r#"{"success":true,"data":true,"message":"확인","errorCode":null,"timestamp":"2023-11-14T22:13:20.000000Z"}"#
        );
        let nothing = serde_json::to_value(ApiResponse::new((), "", now)).unwrap();
        assert!(nothing.get("data").unwrap().is_null());
    }

    #[test]
    fn the_last_page_is_known() {
        let page = Page::new(vec![1], 2, 2, 5, Sort::UNSORTED);
        assert!(page.last && !page.first);
        assert_eq!((page.total_pages, page.pageable.offset, page.number_of_elements), (3, 4, 1));
        assert!(!Page::new(vec![1, 2], 1, 2, 5, Sort::UNSORTED).last);
        let empty = Page::<u8>::new(vec![], 0, 20, 0, Sort::SORTED);
        assert!(empty.first && empty.last && empty.empty);
    }
}
