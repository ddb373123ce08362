//! Deleting.

use chassis::fresh_id;
use contract::id::BookmarkId;
use futures_util::future::join_all;
use http::StatusCode;
use serde_json::json;

use super::keeper::{PATH, Store, message};

#[tokio::test]
async fn a_bookmark_is_deleted_once_and_by_its_owner() {
    let store = Store::new().await;
    let (user, other) = (store.user(), store.user());
    let kept = user.keep(&message()).await.id;
    assert_eq!(other.delete(kept).send().await.expect(StatusCode::FORBIDDEN).json()["errorCode"], "A003");
    let claiming = format!("{PATH}/{kept}?userId={}", other.id);
    let _ = store.app.delete(&claiming).bearer(&user.token).send().await.expect(StatusCode::FORBIDDEN);
    let _ = store.app.delete(&format!("{PATH}/{kept}")).send().await.expect(StatusCode::UNAUTHORIZED);
    assert!(user.delete(kept).send().await.expect(StatusCode::NO_CONTENT).body.is_empty());
    for user in [&user, &other] {
        let gone = user.delete(kept).send().await.expect(StatusCode::NOT_FOUND).json();
        assert_eq!((&gone["success"], &gone["errorCode"]), (&json!(false), &json!("E002")));
    }
    let unknown: BookmarkId = fresh_id();
    let _ = user.delete(unknown).send().await.expect(StatusCode::NOT_FOUND);
    let malformed = store.app.delete(&format!("{PATH}/7")).bearer(&user.token).send().await;
    let _ = malformed.expect(StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn many_are_deleted_at_once_and_strangers_are_skipped() {
    let store = Store::new().await;
    let (user, other) = (store.user(), store.user());
    let kept = user.keep_many(4).await;
    let others = other.keep(&message()).await.id;
    let gone = user.keep(&message()).await.id;
    let _ = user.delete(gone).send().await.expect(StatusCode::NO_CONTENT);
    let unknown: BookmarkId = fresh_id();
    let list = json!([kept[0], others, unknown, "temp-1", "", gone, kept[2], kept[0]]);
    assert!(user.delete_many(&list).send().await.expect(StatusCode::NO_CONTENT).body.is_empty());
    let left: Vec<_> = user.page("").await.content.iter().map(|bookmark| bookmark.id).collect();
    assert_eq!(left, [kept[1], kept[3]]);
    assert_eq!(other.page("").await.content[0].id, others);
    for list in [json!([]), list] {
        let _ = user.delete_many(&list).send().await.expect(StatusCode::NO_CONTENT);
    }
    let most = json!(vec![unknown; 1000]);
    let _ = user.delete_many(&most).send().await.expect(StatusCode::NO_CONTENT);
    for (wrong, code) in
        [(json!(vec![unknown; 1001]), "E003"), (json!({ "ids": [] }), "E002"), (json!([7]), "E002")]
    {
        let problem = user.delete_many(&wrong).send().await.expect(StatusCode::BAD_REQUEST).json();
        assert_eq!(problem["errorCode"], code);
    }
    assert_eq!(user.page("").await.content.len(), 2);
}

#[tokio::test]
async fn lists_that_overlap_are_deleted_at_once_without_a_mishap() {
    let store = Store::new().await;
    let user = store.user();
    let kept = user.keep_many(30).await;
    let instances = [user.clone(), user.at(&store.another())];
    let deletions = (0..12_usize).map(|nth| {
        let mut list = kept.clone();
        list.rotate_left(nth);
        if nth % 2 == 0 {
            list.reverse();
        }
        instances[nth % 2].delete_many(&json!(list)).send()
    });
    for answer in join_all(deletions).await {
        let _ = answer.expect(StatusCode::NO_CONTENT);
    }
    let count = user.get("/count").send().await.json();
    assert_eq!(count, 0);
}
