//! Items by the page.

use std::collections::HashSet;

use contract::store::Item;
use http::StatusCode;
use http::header::IF_NONE_MATCH;
use serde_json::json;

use super::shelf::{PATH, Shelf, path};

fn skus(items: &[Item]) -> Vec<&str> {
    items.iter().map(|item| item.sku.as_str()).collect()
}

#[tokio::test]
async fn items_come_in_the_order_that_is_asked_for() {
    let shelf = Shelf::new().await;
    for (sku, name, price) in
        [("S-1", "나비", 300), ("S-2", "가위", 100), ("S-3", "다리", 200), ("S-4", "가위", 100)]
    {
        shelf.add(sku, json!({ "name": name, "price": price })).await;
    }
    for (sort, expected) in [
        ("", ["S-4", "S-3", "S-2", "S-1"]),
        ("sort=newest", ["S-4", "S-3", "S-2", "S-1"]),
        ("sort=price_asc", ["S-2", "S-4", "S-3", "S-1"]),
        ("sort=price_desc", ["S-1", "S-3", "S-4", "S-2"]),
        ("sort=name", ["S-2", "S-4", "S-1", "S-3"]),
    ] {
        assert_eq!(skus(&shelf.list(sort).await), expected, "{sort}");
        // One at a time, equal prices and names included.
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        loop {
            let (items, next) = shelf.page(&format!("{sort}&size=1{cursor}")).await;
            seen.extend(items);
            let Some(next) = next else { break };
            cursor = format!("&cursor={next}");
        }
        assert_eq!(skus(&seen), expected, "{sort} by one");
    }
}

#[tokio::test]
async fn a_category_and_a_status_choose_items() {
    let shelf = Shelf::new().await;
    shelf.add("S-1", json!({ "category": "책" })).await;
    shelf.add("S-2", json!({ "category": "문구" })).await;
    shelf.add("S-3", json!({ "status": "INACTIVE" })).await;
    let gone = shelf.add("S-4", json!({})).await;
    let _ = shelf.admin.delete(&path(&gone)).send().await.expect(StatusCode::NO_CONTENT);
    let book = "category=%EC%B1%85";
    assert_eq!(skus(&shelf.list(book).await), ["S-1"]);
    assert_eq!(skus(&shelf.list("category=x").await), [""; 0]);
    assert_eq!(skus(&shelf.list("status=ACTIVE").await), ["S-2", "S-1"]);
    for (status, sku) in [("INACTIVE", "S-3"), ("DISCONTINUED", "S-4")] {
        let list = format!("{PATH}?status={status}");
        let _ = shelf.app.get(&list).send().await.expect(StatusCode::UNAUTHORIZED);
        let refused = shelf.learner().get(&list).send().await.expect(StatusCode::FORBIDDEN);
        assert_eq!(refused.json()["errorCode"], "A003");
        let listed = shelf.admin.get(&list).send().await.expect(StatusCode::OK).json();
        assert_eq!((&listed["content"][0]["sku"], &listed["content"][1]), (&json!(sku), &json!(null)));
    }
}

#[tokio::test]
async fn a_cursor_serves_the_listing_that_it_came_from_and_no_other() {
    let shelf = Shelf::new().await;
    for n in 0..3 {
        shelf.add(&format!("S-{n}"), json!({ "name": format!("공책 {n}") })).await;
    }
    let next = async |query: &str| shelf.page(&format!("{query}&size=1")).await.1.unwrap();
    let (by_price, by_search) = (next("sort=price_asc").await, next("q=%EC%B1%85").await);
    for query in [
        format!("cursor={by_price}"),
        format!("sort=price_desc&cursor={by_price}"),
        format!("sort=price_asc&category=x&cursor={by_price}"),
        format!("sort=price_asc&q=x&cursor={by_price}"),
        format!("q=x&cursor={by_search}"),
        "cursor=".to_owned(),
        "cursor=%00".to_owned(),
        "cursor=bm8".to_owned(),
    ] {
        let refused =
            shelf.app.get(&format!("{PATH}?{query}")).send().await.expect(StatusCode::BAD_REQUEST).json();
        assert_eq!(
            (&refused["errorCode"], &refused["errors"][0]["field"]),
            (&json!("E003"), &json!("cursor"))
        );
    }
    assert_eq!(shelf.list(&format!("sort=price_asc&cursor={by_price}")).await.len(), 2);
}

#[tokio::test]
async fn conditions_that_make_no_sense_are_all_named() {
    let shelf = Shelf::new().await;
    let long = "a".repeat(101);
    let query = format!("sort=price;drop&status=x&category=%20&q={long}");
    let refused =
        shelf.app.get(&format!("{PATH}?{query}")).send().await.expect(StatusCode::BAD_REQUEST).json();
    let fields: Vec<_> = refused["errors"].as_array().unwrap().iter().map(|error| &error["field"]).collect();
    assert_eq!(fields, ["status", "category", "q", "sort"]);
    for query in ["q=", "q=%20", "q=a%00", "size=many"] {
        let _ = shelf.app.get(&format!("{PATH}?{query}")).send().await.expect(StatusCode::BAD_REQUEST);
    }
}

#[tokio::test]
async fn a_list_that_is_known_is_not_sent_again() {
    let shelf = Shelf::new().await;
    let item = shelf.add("S-1", json!({})).await;
    let first = shelf.app.get(PATH).send().await.expect(StatusCode::OK);
    let tag = first.header("etag").unwrap().to_owned();
    let ask = || shelf.app.get(PATH).header(IF_NONE_MATCH, &tag).send();
    let known = ask().await.expect(StatusCode::NOT_MODIFIED);
    assert_eq!((known.header("etag"), known.text().as_str()), (Some(&*tag), ""));
    let _ = shelf.adjust(item.id, "a", 1).send().await.expect(StatusCode::OK);
    let changed = ask().await.expect(StatusCode::OK);
    assert_ne!(changed.header("etag"), Some(&*tag), "the stock is a part of it");
}

/// Readers leaf through every order while items are added, renamed, made cheaper and taken away at all ends.
#[tokio::test]
async fn what_comes_and_goes_shows_nothing_twice_and_hides_nothing_that_stays() {
    let shelf = Shelf::new().await;
    let mut still = HashSet::new();
    for n in 0..30 {
        still.insert(
            shelf
                .add(&format!("STILL-{n}"), json!({ "price": n * 10, "name": format!("이름 {n:02}") }))
                .await
                .id,
        );
    }
    let write = async {
        for n in 0..40_i32 {
            let body = json!({ "price": (n * 37) % 300, "name": format!("이름 {:02}", (n * 7) % 30) });
            let item = shelf.add(&format!("NEW-{n}"), body).await;
            if n % 3 == 0 {
                let _ = shelf.admin.delete(&path(&item)).send().await.expect(StatusCode::NO_CONTENT);
            }
        }
    };
    let read = async |sort: &str| {
        for _ in 0..4 {
            let (mut seen, mut cursor) = (Vec::new(), String::new());
            loop {
                let (items, next) = shelf.page(&format!("sort={sort}&size=4{cursor}")).await;
                seen.extend(items.into_iter().map(|item| item.id));
                let Some(next) = next else { break };
                cursor = format!("&cursor={next}");
            }
            let once: HashSet<_> = seen.iter().copied().collect();
            assert_eq!(once.len(), seen.len(), "{sort}: shown twice");
            assert!(still.is_subset(&once), "{sort}: hidden");
        }
    };
    tokio::join!(write, read("newest"), read("price_asc"), read("price_desc"), read("name"));
}
