//! Paging behind the last bookmark that was read.

use chassis::fresh_id;
use contract::id::BookmarkId;
use contract::store::Bookmark;
use http::StatusCode;
use serde_json::Value;
use sqlx::PgConnection;
use testkit::eventually;

use super::keeper::{Keeper, Store, ids, message};
use crate::LIMIT;

#[tokio::test]
async fn pages_follow_each_other_and_the_last_one_says_so() {
    let store = Store::new().await;
    let user = store.user();
    let empty = user.page("").await;
    assert!(empty.last && empty.first && empty.empty);
    let kept = user.keep_many(6).await;
    for (size, pages) in [(1, 6), (2, 3), (3, 2), (4, 2), (6, 1), (7, 1)] {
        let (mut seen, mut after) = (Vec::new(), String::new());
        for nth in 1..=pages {
            // As the web client asks for the first page: with an empty `lastId`.
            let page = user.page(&format!("?lastId={after}&size={size}&sort=none")).await;
            assert_eq!((page.last, page.first, page.size), (nth == pages, nth == 1, size));
            assert_eq!((page.total_elements, page.number_of_elements), (6, page.content.len()));
            seen.extend(ids(&page.content));
            after = seen.last().unwrap().to_string();
        }
        assert_eq!(seen, kept, "by {size}");
    }
    assert!(user.page(&format!("?lastId={}", kept[5])).await.empty, "behind the oldest one is nothing");
    assert_eq!((user.page("?size=0").await.size, user.page("?size=500").await.size), (1, 100));
    assert_eq!(user.page("").await.size, 20);
}

#[tokio::test]
async fn a_bookmark_that_was_deleted_still_is_a_place() {
    let store = Store::new().await;
    let user = store.user();
    let kept = user.keep_many(4).await;
    let first = user.page("?size=2").await;
    let _ = user.delete(kept[1]).send().await.expect(StatusCode::NO_CONTENT);
    let _ = user.delete(kept[2]).send().await.expect(StatusCode::NO_CONTENT);
    let second = user.page(&format!("?lastId={}&size=2", first.content[1].id)).await;
    assert_eq!((ids(&second.content), second.last), (vec![kept[3]], true));
}

#[tokio::test]
async fn behind_what_the_user_never_had_is_nothing() {
    let store = Store::new().await;
    let (user, other) = (store.user(), store.user());
    user.keep_many(2).await;
    let foreign = other.keep(&message()).await.id;
    let unknown: BookmarkId = fresh_id();
    for id in [foreign.to_string(), unknown.to_string(), "undefined".to_owned(), "7".to_owned()] {
        let page = user.page(&format!("?lastId={id}")).await;
        assert!(page.empty && page.last && page.content.is_empty(), "{id}");
    }
}

async fn take_lock(db: &mut PgConnection, user: &Keeper) {
    sqlx::query("select pg_advisory_xact_lock(hashtextextended('bookmarks of ' || $1::uuid, 0))")
        .bind(user.id.as_uuid())
        .execute(db)
        .await
        .unwrap();
}

#[tokio::test]
async fn who_is_stored_later_stands_in_front_although_it_began_earlier() {
    let store = Store::new().await;
    let user = store.user();
    let mut other = store.db.begin().await.unwrap();
    take_lock(&mut other, &user).await;
    let waits = "select exists (
        select from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock' and wait_event = 'advisory'
    )";
    let early = message();
    let earlier = async { user.keep(&early).await };
    let meanwhile = async {
        eventually(LIMIT, || async {
            sqlx::query_scalar::<_, bool>(waits).fetch_one(&store.db).await.unwrap()
        })
        .await;
        let id: BookmarkId = fresh_id();
        sqlx::query(
            "insert into bookmark (id, user_id, message_id, chatroom_id, chatbot_id, content, created_at)
             values ($1, $2, gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), '먼저', clock_timestamp())",
        )
        .bind(id.as_uuid())
        .bind(user.id.as_uuid())
        .execute(&mut *other)
        .await
        .unwrap();
        other.commit().await.unwrap();
        id
    };
    let (earlier, meanwhile): (Bookmark, _) = tokio::join!(earlier, meanwhile);
    assert_eq!(ids(&user.page("").await.content), [earlier.id, meanwhile]);
}

#[tokio::test]
async fn a_clock_that_was_set_back_puts_nobody_behind_what_was_read() {
    let store = Store::new().await;
    let user = store.user();
    let ahead = user.keep(&message()).await;
    sqlx::query("update bookmark set created_at = now() + interval '1 hour' where id = $1")
        .bind(ahead.id.as_uuid())
        .execute(&store.db)
        .await
        .unwrap();
    let next = user.keep(&message()).await;
    assert_eq!(ids(&user.page("").await.content), [next.id, ahead.id]);
    let unaffected = store.user().keep(&message()).await;
    assert!(unaffected.created_at < next.created_at);
}

#[tokio::test]
async fn the_page_has_the_keys_of_a_page() {
    let store = Store::new().await;
    let user = store.user();
    user.keep_many(1).await;
    let page: Value = user.get("/cursor").send().await.expect(StatusCode::OK).json();
    for key in ["content", "last", "first", "size", "number", "totalElements", "pageable", "sort", "empty"] {
        assert!(!page[key].is_null(), "{key}: {page}");
    }
}
