//! Deleted bookmarks go for good when nobody pages behind them any more, and answers when nobody repeats the request.

use store::upkeep::UPKEEP;
use testkit::eventually;

use super::keeper::{Keeper, Store};
use crate::LIMIT;

/// Bookmarks deleted so many days ago, or not at all.
async fn clutter(store: &Store, user: &Keeper, rows: i32, days: Option<i32>) {
    sqlx::query(
        "insert into bookmark
           (id, user_id, message_id, chatroom_id, chatbot_id, content, created_at, deleted_at)
         select gen_random_uuid(), $1, gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), '옛말',
           now() - interval '90 days' - n * interval '1 second', now() - make_interval(days => $3)
         from generate_series(1, $2) n",
    )
    .bind(user.id.as_uuid())
    .bind(rows)
    .bind(days)
    .execute(&store.db)
    .await
    .unwrap();
}

async fn rows(store: &Store) -> i64 {
    sqlx::query_scalar("select count(*) from bookmark").fetch_one(&store.db).await.unwrap()
}

#[tokio::test]
async fn what_was_deleted_a_month_ago_goes_and_nothing_else() {
    let store = Store::new().await;
    let user = store.user();
    clutter(&store, &user, 2500, Some(31)).await;
    clutter(&store, &user, 3, Some(29)).await;
    clutter(&store, &user, 4, None).await;
    assert_eq!(UPKEEP.round(&store.db).await.unwrap(), 2500);
    assert_eq!(rows(&store).await, 7);
    assert_eq!(UPKEEP.round(&store.db).await.unwrap(), 0);
    assert_eq!(user.page("").await.total_elements, 4);
}

#[tokio::test]
async fn keys_of_requests_go_when_they_have_expired() {
    let store = Store::new().await;
    sqlx::query(
        "insert into idempotency_key (scope, key, request_hash, state, status, body, expires_at)
         select 'orders', n::text, sha256('x'), 'DONE', 201, '{}',
           now() + case when n = 0 then interval '1 minute' else interval '-1 minute' end
         from generate_series(0, 1500) n",
    )
    .execute(&store.db)
    .await
    .unwrap();
    assert_eq!(UPKEEP.round(&store.db).await.unwrap(), 1500);
    let left: i64 =
        sqlx::query_scalar("select count(*) from idempotency_key").fetch_one(&store.db).await.unwrap();
    assert_eq!(left, 1);
}

#[tokio::test]
async fn one_instance_works_and_the_others_leave_it_alone() {
    let store = Store::new().await;
    let metrics = chassis::metrics::install();
    clutter(&store, &store.user(), 1500, Some(40)).await;
    let mut other = store.db.begin().await.unwrap();
    sqlx::query("select pg_advisory_xact_lock(hashtextextended('store-upkeep', 0))")
        .execute(&mut *other)
        .await
        .unwrap();
    assert_eq!(UPKEEP.round(&store.db).await.unwrap(), 0);
    // Other tests of this process measure too: only that the name is there can be said for sure.
    assert!(metrics.render().contains("store_upkeep_overdue_seconds{what=\"bookmarks\"}"));
    other.rollback().await.unwrap();
    let (one, two, three) =
        tokio::join!(UPKEEP.round(&store.db), UPKEEP.round(&store.db), UPKEEP.round(&store.db));
    let done: u64 = [one, two, three].into_iter().map(Result::unwrap).sum();
    assert_eq!(done + UPKEEP.round(&store.db).await.unwrap(), 1500, "each row once, whoever took it");
}

#[tokio::test]
async fn an_instance_begins_with_it() {
    let store = Store::new().await;
    clutter(&store, &store.user(), 3, Some(31)).await;
    let platform = store.start().await;
    eventually(LIMIT, || async { rows(&store).await == 0 }).await;
    platform.drain().end();
}
