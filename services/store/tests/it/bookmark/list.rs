//! Arrays, pages by number, and the count.

use contract::response::Page;
use contract::store::Bookmark;
use http::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use super::keeper::{FRIEND, Keeper, Store, ids, message};

async fn array(user: &Keeper, path: &str) -> Vec<Bookmark> {
    user.get(path).send().await.expect(StatusCode::OK).parsed()
}

#[tokio::test]
async fn a_room_has_an_array_whatever_is_known_of_it() {
    let store = Store::new().await;
    let (user, other) = (store.user(), store.user());
    let room = Uuid::now_v7();
    let inside = || {
        let mut sent = message();
        sent["chatroomId"] = json!(room);
        sent
    };
    let (first, second) = (user.keep(&inside()).await.id, user.keep(&inside()).await.id);
    user.keep_many(2).await;
    let others = other.keep(&inside()).await.id;
    assert_eq!(
        ids(&array(&user, &format!("/chatroom/{room}?userId={}&x=y", user.id)).await),
        [second, first]
    );
    assert_eq!(ids(&array(&other, &format!("/chatroom/{room}")).await), [others]);
    for unknown in [Uuid::now_v7().to_string(), "undefined".to_owned(), "7".to_owned()] {
        assert_eq!(
            user.get(&format!("/chatroom/{unknown}")).send().await.expect(StatusCode::OK).text(),
            "[]"
        );
    }
}

#[tokio::test]
async fn bookmarks_are_listed_by_the_bots_part_and_counted() {
    let store = Store::new().await;
    let (user, other) = (store.user(), store.user());
    let mut kept = Vec::new();
    for digit in [1, 2, 1, 4] {
        let mut sent = message();
        sent["chatbotId"] = json!(format!("22222222-2222-2222-2222-22222222222{digit}"));
        kept.push(user.keep(&sent).await.id);
    }
    other.keep_many(1).await;
    let count = async |user: &Keeper| user.get("/count").send().await.expect(StatusCode::OK).json();
    assert_eq!((count(&user).await, count(&other).await), (json!(4), json!(1)));
    assert_eq!(ids(&array(&user, "").await), [kept[3], kept[2], kept[1], kept[0]]);
    assert_eq!(ids(&array(&user, "/bot-type/friend").await), [kept[2], kept[0]]);
    assert_eq!(ids(&array(&user, "/bot-type/HONEY").await), [kept[1]]);
    assert!(array(&user, "/bot-type/coworker").await.is_empty());
    let wrong = user.get("/bot-type/enemy").send().await.expect(StatusCode::BAD_REQUEST).json();
    assert_eq!(wrong["errors"][0]["field"], "botType");
    let _ = user.delete(kept[2]).send().await.expect(StatusCode::NO_CONTENT);
    assert_eq!(count(&user).await, json!(3));
    assert_eq!(ids(&array(&user, "/bot-type/friend").await), [kept[0]]);
    assert_eq!(ids(&array(&user, "").await), [kept[3], kept[1], kept[0]]);
}

#[tokio::test]
async fn pages_by_number_go_either_way() {
    let store = Store::new().await;
    let user = store.user();
    let kept = user.keep_many(5).await;
    let page = async |query: &str| -> Page<Bookmark> {
        user.get(&format!("/page{query}")).send().await.expect(StatusCode::OK).parsed()
    };
    let first = page("").await;
    assert_eq!((ids(&first.content), first.last, first.size), (kept.clone(), true, 20));
    let second = page("?page=1&size=2&sort=createdAt,desc").await;
    assert_eq!(ids(&second.content), kept[2..4]);
    assert_eq!((second.total_elements, second.total_pages, second.number), (5, 3, 1));
    assert!(!second.first && !second.last && page("?page=2&size=2").await.last);
    let oldest = page("?size=2&sort=createdAt,asc").await;
    assert_eq!(ids(&oldest.content), [kept[4], kept[3]]);
    assert!(page("?page=9").await.content.is_empty());
    assert_eq!(page("?size=0").await.size, 1);
    assert_eq!(page("?size=1000").await.size, 100);
    for query in ["?sort=content", "?sort=createdAt,up", "?page=-1", "?size=many", "?pages=1"] {
        let _ = user.get(&format!("/page{query}")).send().await.expect(StatusCode::BAD_REQUEST);
    }
    let _ = user.get(&format!("/page?page={}&size=100", u32::MAX)).send().await.expect(StatusCode::OK);
}

#[tokio::test]
async fn nobody_reads_for_somebody_else() {
    let store = Store::new().await;
    let (user, other) = (store.user(), store.user());
    let kept = user.keep(&message()).await;
    let room = format!("/chatroom/{}", kept.chatroom_id);
    for path in ["", "/cursor", "/page", "/bot-type/friend", "/count", &room] {
        let foreign = other.get(&format!("{path}?userId={}", user.id)).send().await;
        assert_eq!(foreign.expect(StatusCode::FORBIDDEN).json()["errorCode"], "A003", "{path}");
        let _ = user.get(&format!("{path}?userId={}", user.id)).send().await.expect(StatusCode::OK);
        let anybody = store.app.get(&format!("/api/store/bookmarks{path}")).send().await;
        let _ = anybody.expect(StatusCode::UNAUTHORIZED);
    }
}

/// Rows as an earlier time left them.
async fn fill(store: &Store, user: &Keeper, rows: i32, bytes: i32) {
    sqlx::query(
        "insert into bookmark (id, user_id, message_id, chatroom_id, chatbot_id, content, ai_response, created_at)
         select gen_random_uuid(), $1, gen_random_uuid(), gen_random_uuid(), $2::uuid, '안녕',
           json_build_object('a', repeat('x', $4)), now() - n * interval '1 minute'
         from generate_series(1, $3) n",
    )
    .bind(user.id.as_uuid())
    .bind(FRIEND)
    .bind(rows)
    .bind(bytes)
    .execute(&store.db)
    .await
    .unwrap();
}

#[tokio::test]
async fn an_array_ends_with_the_thousandth_or_behind_8_mib() {
    let store = Store::new().await;
    let (many, large) = (store.user(), store.user());
    fill(&store, &many, 1005, 1).await;
    fill(&store, &large, 200, 64_000).await;
    assert_eq!(array(&many, "").await.len(), 1000);
    let some = array(&large, "").await;
    assert_eq!(some.len(), 132, "8 MiB of 64 kB");
    assert!(some.is_sorted_by_key(|bookmark| std::cmp::Reverse(bookmark.created_at)));
    let count: Value = many.get("/count").send().await.json();
    assert_eq!(count, 1005);
}

#[tokio::test]
async fn every_route_is_described() {
    let store = Store::new().await;
    let api = store.app.get("/api-docs").send().await.json();
    for (path, methods) in [
        ("", &["get", "post", "delete"][..]),
        ("/{id}", &["delete"]),
        ("/chatroom/{chatroomId}", &["get"]),
        ("/cursor", &["get"]),
        ("/page", &["get"]),
        ("/bot-type/{botType}", &["get"]),
        ("/count", &["get"]),
    ] {
        for method in methods {
            let described = &api["paths"][format!("/api/store/bookmarks{path}")][method];
            assert!(described.is_object(), "{method} {path}");
        }
    }
}
