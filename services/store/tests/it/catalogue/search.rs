//! Finding items by what they are called.

use http::StatusCode;
use serde_json::json;
use sqlx::AssertSqlSafe;

use super::shelf::{PATH, Shelf};

/// Percent-encoded, as a browser does.
fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |encoded, byte| encoded + &format!("%{byte:02X}"))
}

async fn found(shelf: &Shelf, search: &str) -> Vec<String> {
    let mut skus: Vec<_> =
        shelf.list(&format!("q={}", encoded(search))).await.into_iter().map(|item| item.sku).collect();
    skus.sort();
    skus
}

async fn stocked() -> Shelf {
    let shelf = Shelf::new().await;
    for (sku, name, description) in [
        ("S-1", "한지 공책", "닥나무로 만든 종이"),
        ("S-2", "그림책", "Picture BOOK for children"),
        ("S-3", "책상", "100% 원목"),
        ("S-4", "연필_깎이", r"back\slash"),
        ("S-5", "차", "녹차 50g"),
    ] {
        shelf.add(sku, json!({ "name": name, "description": description })).await;
    }
    shelf
}

#[tokio::test]
async fn words_of_any_length_are_found_wherever_they_stand() {
    let shelf = stocked().await;
    for (search, expected) in [
        ("책", &["S-1", "S-2", "S-3"][..]),
        ("공책", &["S-1"]),
        ("차", &["S-5"]),
        (" 지 공 ", &["S-1"]),
        ("닥나무로", &["S-1"]),
        ("book", &["S-2"]),
        ("BOOK FOR", &["S-2"]),
        ("oo", &["S-2"]),
        ("책상 100", &["S-3"]),
        ("없다", &[]),
        ("책책", &[]),
    ] {
        assert_eq!(found(&shelf, search).await, expected, "{search}");
    }
    // As a Mac may send it: the syllables in parts.
    assert_eq!(found(&shelf, "\u{1100}\u{1169}\u{11bc}\u{110e}\u{1162}\u{11a8}").await, ["S-1"]);
    shelf.add("S-6", json!({ "name": "\u{1107}\u{116e}\u{11ba}" })).await;
    assert_eq!(found(&shelf, "붓").await, ["S-6"]);
}

#[tokio::test]
async fn what_means_something_to_the_database_is_meant_as_it_is() {
    let shelf = stocked().await;
    for (search, expected) in [
        ("%", &["S-3"][..]),
        ("100%", &["S-3"]),
        ("_", &["S-4"]),
        ("필_깎", &["S-4"]),
        ("\\", &["S-4"]),
        ("back\\slash", &["S-4"]),
        ("\\%", &[]),
        ("%책%", &[]),
        ("공_책", &[]),
        ("'", &[]),
        ("' or '1'='1", &[]),
        ("'; drop table store_item; --", &[]),
        ("$1", &[]),
        ("{}", &[]),
    ] {
        assert_eq!(found(&shelf, search).await, expected, "{search}");
    }
    let nasty = encoded("x' or 1=1 --");
    for query in [
        format!("category={nasty}"),
        format!("sort={nasty}"),
        format!("cursor={nasty}"),
        format!("status={nasty}"),
    ] {
        let answer = shelf.app.get(&format!("{PATH}?{query}")).send().await;
        assert!([StatusCode::OK, StatusCode::BAD_REQUEST].contains(&answer.status), "{query}");
        assert!(!answer.text().contains("S-1"), "{query}");
    }
    assert_eq!(shelf.list("").await.len(), 5, "nothing was dropped");
}

/// The words of the plan, with what the sizes of a test's tables would make of it put aside.
#[tokio::test]
async fn both_indexes_fit_the_search() {
    let shelf = stocked().await;
    for (condition, index) in [
        ("i.search like lower(normalize('%닥나무%'))", "store_item_search"),
        (
            "string_to_array(i.search, null) @> string_to_array(lower(normalize('책')), null)",
            "store_item_search_letters",
        ),
    ] {
        let mut tx = shelf.db.begin().await.unwrap();
        sqlx::query("set local enable_seqscan = off").execute(&mut *tx).await.unwrap();
        sqlx::query("set local enable_indexscan = off").execute(&mut *tx).await.unwrap();
        let explain = format!("explain select from store_item i where {condition}");
        let plan: Vec<String> = sqlx::query_scalar(AssertSqlSafe(explain)).fetch_all(&mut *tx).await.unwrap();
        let scan = format!("Bitmap Index Scan on {index} ");
        assert!(plan.iter().any(|line| line.contains(&scan)), "{plan:#?}");
    }
}
