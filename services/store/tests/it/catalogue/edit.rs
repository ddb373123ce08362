//! Administrators change the catalogue.

use contract::store::{Item, ItemStatus, kind};
use http::StatusCode;
use http::header::{CONTENT_TYPE, IF_MATCH};
use serde_json::{Value, json};
use uuid::Uuid;

use super::shelf::{IDEMPOTENCY_KEY, PATH, Shelf, content, path};

#[tokio::test]
async fn only_administrators_change_anything() {
    let shelf = Shelf::new().await;
    let item = shelf.add("NOTE-1", json!({})).await;
    let (one, stock) = (path(&item), format!("{}/stock", path(&item)));
    let (body, delta) = (content("NOTE-2", json!({})), json!({ "delta": 5, "reason": "입고" }));
    let learner = shelf.learner();
    let patch = json!({ "price": 1 });
    for (stranger, user) in [
        (shelf.app.post(PATH).json(&body), learner.post(PATH, &body)),
        (shelf.app.put(&one).json(&body), learner.put(&one, &body)),
        (shelf.app.patch(&one).json(&patch), learner.patch(&one, &patch)),
        (shelf.app.delete(&one), learner.delete(&one)),
        (shelf.app.post(&stock).json(&delta), learner.post(&stock, &delta)),
    ] {
        let key = "k";
        let _ = stranger.header(IDEMPOTENCY_KEY, key).send().await.expect(StatusCode::UNAUTHORIZED);
        let refused = user.header(IDEMPOTENCY_KEY, key).send().await.expect(StatusCode::FORBIDDEN);
        assert_eq!(refused.json()["errorCode"], "A003");
    }
    let read: Item = shelf.app.get(&one).send().await.expect(StatusCode::OK).parsed();
    assert_eq!((read, shelf.list("").await.len()), (item, 1));
}

#[tokio::test]
async fn an_item_is_added_changed_and_taken_away_and_each_change_is_told() {
    let shelf = Shelf::new().await;
    let body = content("NOTE-1", json!({ "name": " 한지 공책 ", "imageUrl": "/pictures/note.png" }));
    let added = shelf.admin.post(PATH, &body).send().await.expect(StatusCode::CREATED);
    let item: Item = added.parsed();
    assert_eq!(added.header("location"), Some(&*path(&item)));
    assert_eq!(added.header("etag"), Some("\"1-0\""));
    assert_eq!((item.name.as_str(), item.currency.as_str(), item.stock), ("한지 공책", "KRW", 0));
    assert_eq!(item.status, ItemStatus::Active);

    let cheaper = json!({ "price": 9_000, "imageUrl": null });
    let cheaper: Item =
        shelf.admin.patch(&path(&item), &cheaper).send().await.expect(StatusCode::OK).parsed();
    assert_eq!((cheaper.price, cheaper.image_url.as_deref(), cheaper.version), (9_000, None, 2));
    assert_eq!((&cheaper.name, &cheaper.sku), (&item.name, &item.sku));

    let whole = content("NOTE-1B", json!({ "name": "공책" }));
    let whole: Item = shelf.admin.put(&path(&item), &whole).send().await.expect(StatusCode::OK).parsed();
    assert_eq!((whole.price, whole.sku.as_str(), whole.version), (12_000, "NOTE-1B", 3));
    let same = shelf.admin.patch(&path(&item), &json!({ "name": "공책" })).send().await;
    assert_eq!(same.expect(StatusCode::OK).json()["version"], 3, "nothing changed");

    for _ in 0..2 {
        let _ = shelf.admin.delete(&path(&item)).send().await.expect(StatusCode::NO_CONTENT);
    }
    let _ = shelf.app.get(&path(&item)).send().await.expect(StatusCode::NOT_FOUND);
    let told = shelf.events(kind::ITEM_CHANGED, item.id).await;
    let told: Vec<_> =
        told.iter().map(|(n, data)| (*n, data["version"].clone(), data["status"].clone())).collect();
    let states = ["ACTIVE", "ACTIVE", "ACTIVE", "DISCONTINUED"];
    let expected: Vec<_> = (1_i64..).zip(states).map(|(n, status)| (n, json!(n), json!(status))).collect();
    assert_eq!(told, expected);
}

#[tokio::test]
async fn a_sku_belongs_to_one_item() {
    let shelf = Shelf::new().await;
    let first = shelf.add("NOTE-1", json!({})).await;
    let second = shelf.add("NOTE-2", json!({})).await;
    let (taken, body) = (json!({ "sku": "NOTE-1" }), content("NOTE-1", json!({})));
    for request in [
        shelf.admin.post(PATH, &body),
        shelf.admin.put(&path(&second), &body),
        shelf.admin.patch(&path(&second), &taken),
    ] {
        assert_eq!(request.send().await.expect(StatusCode::CONFLICT).json()["errorCode"], "E002");
    }
    let _ = shelf.admin.delete(&path(&first)).send().await.expect(StatusCode::NO_CONTENT);
    let _ = shelf.admin.post(PATH, &body).send().await.expect(StatusCode::CONFLICT);
    let read: Item = shelf.admin.get(&path(&second)).send().await.expect(StatusCode::OK).parsed();
    assert_eq!(read, second);
}

#[tokio::test]
async fn an_edit_happens_on_top_of_what_was_read_whatever_was_sold_meanwhile() {
    let shelf = Shelf::new().await;
    let item = shelf.add("NOTE-1", json!({})).await;
    let edit = |price: i64, tag: &str| {
        shelf.admin.patch(&path(&item), &json!({ "price": price })).header(IF_MATCH, tag).send()
    };
    let _ = shelf.adjust(item.id, "a", 9).send().await.expect(StatusCode::OK);
    let first = edit(1, "\"1-0\"").await.expect(StatusCode::OK);
    assert_eq!(first.header("etag"), Some("\"2-9\""), "the stock of the tag does not matter");
    for tag in ["\"1-9\"", "W/\"2-9\"", "\"2-x\"", "2-9", "\"\""] {
        let stale = edit(2, tag).await.expect(StatusCode::PRECONDITION_FAILED);
        assert_eq!(stale.json()["errorCode"], "E002", "{tag}");
    }
    let put = shelf.admin.put(&path(&item), &content("NOTE-1", json!({}))).header(IF_MATCH, "\"1-9\"");
    let _ = put.send().await.expect(StatusCode::PRECONDITION_FAILED);
    let delete = shelf.admin.delete(&path(&item)).header(IF_MATCH, "\"1-9\"");
    let _ = delete.send().await.expect(StatusCode::PRECONDITION_FAILED);
    for (price, tag) in [(3, "*"), (4, "\"3\""), (5, "\"1-0\", \"4-9\"")] {
        let _ = edit(price, tag).await.expect(StatusCode::OK);
    }
}

#[tokio::test]
async fn of_editors_who_read_the_same_one_wins() {
    let shelf = Shelf::new().await;
    let item = shelf.add("NOTE-1", json!({})).await;
    for round in 1..=5_i64 {
        let tag = format!("\"{round}-0\"");
        let edit = |price: i64| {
            shelf.admin.patch(&path(&item), &json!({ "price": price })).header(IF_MATCH, &tag).send()
        };
        let (one, two, three) =
            tokio::join!(edit(round * 10 + 1), edit(round * 10 + 2), edit(round * 10 + 3));
        let mut statuses = [one.status, two.status, three.status];
        statuses.sort();
        let lost = StatusCode::PRECONDITION_FAILED;
        assert_eq!(statuses, [StatusCode::OK, lost, lost]);
    }
    assert_eq!(shelf.events(kind::ITEM_CHANGED, item.id).await.len(), 6);
}

#[tokio::test]
async fn what_is_wrong_with_an_item_is_said_in_both_languages() {
    let shelf = Shelf::new().await;
    let item = shelf.add("NOTE-1", json!({})).await;
    let body = content("note", json!({ "name": " ", "price": -1, "imageUrl": "//evil.example.com/a.png" }));
    for (language, message) in [("ko", "이름은 1자"), ("en", "The name is a line")] {
        let language = language.parse::<http::HeaderValue>().unwrap();
        let refused = shelf
            .admin
            .post(PATH, &body)
            .header(http::header::ACCEPT_LANGUAGE, language.to_str().unwrap())
            .send()
            .await
            .expect(StatusCode::BAD_REQUEST)
            .json();
        assert_eq!(refused["errorCode"], "E003");
        let fields: Vec<_> = refused["errors"].as_array().unwrap().iter().map(|e| &e["field"]).collect();
        assert_eq!(fields, ["sku", "name", "price", "imageUrl"]);
        assert!(refused["errors"][1].to_string().contains(message), "{refused}");
    }
    let null = |field: &str| json!({ field: Value::Null });
    for body in [null("name"), null("price"), null("status"), json!({ "stock": 5 }), json!({ "version": 9 })]
    {
        let _ = shelf.admin.patch(&path(&item), &body).send().await.expect(StatusCode::BAD_REQUEST);
    }
    let broken = json!({ "price": -1 });
    let refused = shelf.admin.patch(&path(&item), &broken).send().await.expect(StatusCode::BAD_REQUEST);
    assert_eq!(refused.json()["errors"][0]["field"], "price");
    let extra = content("NOTE-9", json!({ "id": Uuid::now_v7() }));
    let _ = shelf.admin.post(PATH, &extra).send().await.expect(StatusCode::BAD_REQUEST);
    let form = shelf.admin.post(PATH, &body).header(CONTENT_TYPE, "text/plain");
    let _ = form.send().await.expect(StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let nobody = format!("{PATH}/{}", Uuid::now_v7());
    let _ = shelf.admin.patch(&nobody, &json!({ "price": 1 })).send().await.expect(StatusCode::NOT_FOUND);
    let _ = shelf.admin.delete(&nobody).send().await.expect(StatusCode::NOT_FOUND);
    assert_eq!(shelf.list("").await, [item]);
}
