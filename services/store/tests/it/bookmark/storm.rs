//! A reader who pages to the end while others save and delete.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};

use contract::id::{BookmarkId, MessageId};
use contract::store::Bookmark;
use http::StatusCode;
use rand::RngExt as _;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::keeper::{Keeper, Store, message};

/// What is there all the time.
const STAYING: usize = 90;
/// Messages that come and go, four times each.
const RESTLESS: usize = 60;
const TIMES: usize = 4;

/// Everything that a reader finds from the first page to the last one.
async fn walk(user: &Keeper, size: usize) -> Vec<Bookmark> {
    let (mut seen, mut after): (Vec<Bookmark>, _) = (Vec::new(), String::new());
    loop {
        let page = user.page(&format!("?lastId={after}&size={size}")).await;
        assert!(page.last || page.content.len() == size, "a page that is not the last one is full");
        seen.extend(page.content);
        if page.last {
            return seen;
        }
        after = seen.last().unwrap().id.to_string();
    }
}

/// Each message is kept and deleted, in turns, alone or in lists.
async fn stir(user: Keeper, messages: Vec<Value>) {
    for _ in 0..TIMES {
        let mut kept = Vec::new();
        for restless in &messages {
            let bookmark = user.keep(restless).await.id;
            if rand::rng().random_bool(0.5) {
                let _ = user.delete(bookmark).send().await.expect(StatusCode::NO_CONTENT);
            } else {
                kept.push(bookmark);
            }
            user.keep(&message()).await;
        }
        let _ = user.delete_many(&json!(kept)).send().await.expect(StatusCode::NO_CONTENT);
    }
}

/// What was there before is deleted one by one: a reader may stand on any of them.
async fn clear(user: Keeper, bookmarks: Vec<BookmarkId>) {
    for bookmark in bookmarks {
        let _ = user.delete(bookmark).send().await.expect(StatusCode::NO_CONTENT);
    }
}

fn check(seen: &[Bookmark], staying: &BTreeSet<BookmarkId>) {
    let places: Vec<_> = seen.iter().map(|bookmark| (bookmark.created_at, bookmark.id)).collect();
    assert!(places.is_sorted_by(|one, next| one > next), "newest first, none twice");
    let ids: BTreeSet<_> = seen.iter().map(|bookmark| bookmark.id).collect();
    assert!(staying.is_subset(&ids), "what is there all the time is missed by nobody");
    let messages: BTreeSet<MessageId> = seen.iter().map(|bookmark| bookmark.message_id).collect();
    assert_eq!(messages.len(), seen.len(), "no message twice, not even one that was kept anew");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_reader_sees_what_stays_exactly_once() {
    let store = Store::new().await;
    let user = store.user();
    let instances = [user.clone(), user.at(&store.another())];
    let (mut staying, mut going) = (BTreeSet::new(), Vec::new());
    for nth in 0..STAYING {
        staying.insert(user.keep(&message()).await.id);
        if nth % 3 == 0 {
            going.push(user.keep(&message()).await.id);
        }
    }
    let over = AtomicBool::new(false);
    let writers = async {
        let mut parts = JoinSet::new();
        for nth in 0..4 {
            let messages = (0..RESTLESS / 4).map(|_| message()).collect();
            parts.spawn(stir(instances[nth % 2].clone(), messages));
        }
        parts.spawn(clear(user.clone(), going));
        parts.join_all().await;
        over.store(true, Ordering::Release);
    };
    let reader = |nth: usize| {
        let (user, staying, over) = (&instances[nth % 2], &staying, &over);
        async move {
            let mut walks = 0;
            while !over.load(Ordering::Acquire) || walks == 0 {
                check(&walk(user, [3, 7, 20][nth]).await, staying);
                walks += 1;
            }
            walks
        }
    };
    let ((), slow, middle, fast) = tokio::join!(writers, reader(0), reader(1), reader(2));
    println!("walks during {} writes: {slow}, {middle}, {fast}", RESTLESS * TIMES * 2);
    let rest = walk(&user, 50).await;
    check(&rest, &staying);
    assert_eq!(rest.len(), STAYING + RESTLESS * TIMES, "all that was saved and not deleted");
}
