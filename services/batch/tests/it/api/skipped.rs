//! Items that a job went on without, and their second chances.

use contract::batch::{ExecutionStatus, Redriven, SkippedList, SkippedState, path};
use contract::id::ExecutionId;
use http::StatusCode;
use serde_json::json;
use testkit::eventually;

use super::desk::{Desk, LIMIT, problem};

impl Desk {
    async fn skipped(&self, id: ExecutionId, query: &str) -> SkippedList {
        self.get(&format!("{}?{query}", path::skipped(id))).send().await.expect(StatusCode::OK).parsed()
    }

    async fn redrive(&self, id: ExecutionId) -> Redriven {
        self.post(&path::redrive(id)).send().await.expect(StatusCode::OK).parsed()
    }
}

const fn done(redriven: i64, failed: i64) -> Redriven {
    Redriven { redriven, failed, remaining: 0 }
}

#[tokio::test]
async fn skipped_items_are_listed_with_what_went_wrong() {
    let desk = Desk::open().await;
    let id = desk.complete().await.id;
    let all = desk.skipped(id, "").await;
    let keys: Vec<_> = all.content.iter().map(|item| &*item.key).collect();
    assert_eq!((keys, all.next_after), (vec!["bad-0", "bad-1", "bad-2"], None));
    let first = desk.skipped(id, "size=2").await;
    let rest = desk.skipped(id, &format!("size=2&after={}", first.next_after.unwrap())).await;
    assert_eq!((&*rest.content[0].key, rest.content.len(), rest.next_after), ("bad-2", 1, None));
    let mut shown = desk.ask(&format!("{}?size=1", path::skipped(id))).await["content"][0].take();
    shown["createdAt"].take();
    let expected = json!({
        "id": all.content[0].id,
        "executionId": id,
        "step": "write",
        "phase": "WRITE",
        "key": "bad-0",
        "error": "it is bad",
        "state": "SKIPPED",
        "createdAt": null,
    });
    assert_eq!(shown, expected);
    problem(desk.get(&path::skipped(chassis::fresh_id())).send().await, StatusCode::NOT_FOUND, "E002");
    let refused = desk.get(&format!("{}?after=x", path::skipped(id))).send().await;
    problem(refused, StatusCode::BAD_REQUEST, "E002");
}

#[tokio::test]
async fn what_fails_again_stays_and_what_works_is_done_with() {
    let desk = Desk::open().await;
    let id = desk.complete().await.id;
    desk.work.second_chances(100);
    assert_eq!(desk.redrive(id).await, done(2, 1));
    assert_eq!(desk.work.tried(), ["bad-0", "bad-1", "bad-2"]);
    let items = desk.skipped(id, "").await.content;
    let states: Vec<_> = items.iter().map(|item| (item.state, &*item.error)).collect();
    let expected = [
        (SkippedState::Redriven, "it is bad"),
        (SkippedState::Redriven, "it is bad"),
        (SkippedState::Skipped, "it is bad for good"),
    ];
    assert_eq!(states, expected);
    let note: String = sqlx::query_scalar("select message from log order by id desc limit 1")
        .fetch_one(&desk.db)
        .await
        .unwrap();
    let by = format!("user:{}", desk.admin);
    assert_eq!(note, format!("{by} had skipped items tried again: 2 worked, 1 failed"));
    assert_eq!(desk.redrive(id).await, done(0, 1), "only what is left is tried once more");
    sqlx::query("update skipped_item set item = null where state = 'SKIPPED'")
        .execute(&desk.db)
        .await
        .unwrap();
    assert_eq!(desk.redrive(id).await, done(0, 1), "nothing is left to try with");
}

/// The items have one permit each: a third attempt at one of them would wait for ever.
#[tokio::test]
async fn two_requests_at_once_never_try_the_same_item() {
    let desk = Desk::open().await;
    let id = desk.complete().await.id;
    let (first, second, ()) = tokio::join!(desk.redrive(id), desk.redrive(id), async {
        // Both of them hold an item before any is tried.
        let held = "select count(*) from skipped_item where held_until > now()";
        eventually(LIMIT, || async {
            let held: i64 = sqlx::query_scalar(held).fetch_one(&desk.db).await.unwrap();
            if held == 2 { Ok(()) } else { Err(held) }
        })
        .await;
        desk.work.second_chances(3);
    });
    assert_eq!((first.redriven + second.redriven, first.failed + second.failed), (2, 1));
    assert_eq!(desk.work.tried(), ["bad-0", "bad-1", "bad-2"]);
}

#[tokio::test]
async fn items_that_somebody_holds_are_left_to_them_for_a_while() {
    let desk = Desk::open().await;
    let id = desk.complete().await.id;
    desk.work.second_chances(100);
    let hold = "update skipped_item set held_until = now() + $1::interval where item_key = 'bad-0'";
    sqlx::query(hold).bind("10 minutes").execute(&desk.db).await.unwrap();
    assert_eq!(desk.redrive(id).await, done(1, 1));
    sqlx::query(hold).bind("-1 second").execute(&desk.db).await.unwrap();
    assert_eq!(desk.redrive(id).await, done(1, 1), "whoever held it is gone");
}

#[tokio::test]
async fn nothing_is_tried_again_while_the_execution_runs() {
    let desk = Desk::open().await;
    let id = desk.run().await;
    desk.work.allow(1);
    eventually(LIMIT, || async { desk.read(id).await.progress.skipped == 1 }).await;
    problem(desk.post(&path::redrive(id)).send().await, StatusCode::CONFLICT, "B002");
    problem(desk.post(&path::redrive(chassis::fresh_id())).send().await, StatusCode::NOT_FOUND, "E002");
    desk.work.allow(2);
    desk.until(id, ExecutionStatus::Completed).await;
    assert_eq!(desk.work.tried(), [""; 0]);
}
