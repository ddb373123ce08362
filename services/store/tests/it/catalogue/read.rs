//! One item, as anybody reads it.

use contract::store::{Item, ItemStatus};
use http::StatusCode;
use http::header::IF_NONE_MATCH;
use serde_json::json;
use uuid::Uuid;

use super::shelf::{PATH, Shelf, path};

#[tokio::test]
async fn anybody_reads_what_is_for_sale_and_only_administrators_the_rest() {
    let shelf = Shelf::new().await;
    let item = shelf.add("NOTE-1", json!({ "description": "닥나무" })).await;
    let read = shelf.app.get(&path(&item)).send().await.expect(StatusCode::OK);
    assert_eq!(read.parsed::<Item>(), item);
    assert_eq!((read.header("etag"), read.header("cache-control")), (Some("\"1-0\""), Some("no-cache")));
    let hidden = shelf.add("NOTE-2", json!({ "status": "INACTIVE" })).await;
    let learner = shelf.learner();
    for request in [shelf.app.get(&path(&hidden)), learner.get(&path(&hidden))] {
        let refused = request.send().await.expect(StatusCode::NOT_FOUND);
        assert_eq!(refused.json()["errorCode"], "S001");
    }
    let shown: Item = shelf.admin.get(&path(&hidden)).send().await.expect(StatusCode::OK).parsed();
    assert_eq!(shown.status, ItemStatus::Inactive);
    let nobody = format!("{PATH}/{}", Uuid::now_v7());
    assert_eq!(
        shelf.admin.get(&nobody).send().await.expect(StatusCode::NOT_FOUND).json()["errorCode"],
        "S001"
    );
    let _ = shelf.app.get(&format!("{PATH}/1'--")).send().await.expect(StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn what_is_known_is_not_sent_again_until_it_or_its_stock_changes() {
    let shelf = Shelf::new().await;
    let item = shelf.add("NOTE-1", json!({})).await;
    let ask = |tag: &str| shelf.app.get(&path(&item)).header(IF_NONE_MATCH, tag).send();
    for tag in ["\"1-0\"", "W/\"1-0\"", "\"x\", \"1-0\"", "*"] {
        let known = ask(tag).await.expect(StatusCode::NOT_MODIFIED);
        assert_eq!((known.header("etag"), known.text().as_str()), (Some("\"1-0\""), ""), "{tag}");
    }
    for tag in ["\"1-1\"", "1-0", "\"1\""] {
        let _ = ask(tag).await.expect(StatusCode::OK);
    }
    let _ = shelf.adjust(item.id, "a", 7).send().await.expect(StatusCode::OK);
    let read = ask("\"1-0\"").await.expect(StatusCode::OK);
    assert_eq!((read.header("etag"), &read.json()["stock"]), (Some("\"1-7\""), &json!(7)));
    let renamed = shelf.admin.patch(&path(&item), &json!({ "name": "공책" })).send().await;
    assert_eq!(renamed.expect(StatusCode::OK).header("etag"), Some("\"2-7\""));
    assert_eq!(ask("\"1-7\"").await.expect(StatusCode::OK).json()["name"], "공책");
}
