//! Items over a Redis that replicas share, that is stopped and lied to; and without one.

use std::time::Duration;

use contract::id::ItemId;
use contract::store::Item;
use http::StatusCode;
use redis::aio::MultiplexedConnection;
use serde_json::json;
use store::repository::item;
use testkit::{TestApp, TestRedis, eventually};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::shelf::{PATH, Shelf, path};

const PATIENCE: Duration = Duration::from_secs(10);

async fn name(app: &TestApp, id: ItemId) -> String {
    app.get(&format!("{PATH}/{id}")).send().await.expect(StatusCode::OK).parsed::<Item>().name
}

/// A look into Redis.
struct Kept(MultiplexedConnection);

impl Kept {
    async fn of(&self, id: ItemId) -> Option<String> {
        let key = format!("store:v1:item:{id}");
        redis::cmd("GET").arg(key).query_async(&mut self.0.clone()).await.unwrap()
    }

    async fn has(&self, id: ItemId) -> bool {
        self.of(id).await.is_some_and(|kept| kept.starts_with('V'))
    }
}

async fn connected(platform: &chassis::Platform) {
    let link = platform.redis().link().unwrap();
    eventually(PATIENCE, || async { link.is_up() }).await;
}

#[tokio::test]
async fn a_change_is_seen_at_every_instance_at_once() {
    let Some(redis) = TestRedis::start().await else { return };
    let url = redis.url();
    for environment in [&[][..], &[("REDIS_URL", &*url)]] {
        let shelf = Shelf::with(environment).await;
        let (other, platform) = shelf.another(environment).await;
        let item = shelf.add("NOTE-1", json!({})).await;
        if !environment.is_empty() {
            connected(&shelf.platform).await;
            connected(&platform).await;
            let kept = Kept(redis.connect().await);
            eventually(PATIENCE, || async {
                name(&other, item.id).await;
                kept.has(item.id).await
            })
            .await;
            let json = kept.of(item.id).await.unwrap();
            assert!(!json.contains("stock"), "the stock is never kept: {json}");
        }
        for n in 0..20 {
            let renamed = format!("이름 {n}");
            let patch = shelf.admin.patch(&path(&item), &json!({ "name": renamed }));
            let _ = patch.send().await.expect(StatusCode::OK);
            assert_eq!(
                (name(&other, item.id).await, name(&shelf.app, item.id).await),
                (renamed.clone(), renamed)
            );
            let sold = shelf.adjust(item.id, &format!("k{n}"), 1).send().await.expect(StatusCode::OK);
            let read = other.get(&path(&item)).send().await.expect(StatusCode::OK);
            assert_eq!(read.header("etag"), sold.header("etag"));
        }
    }
}

/// What Redis was not told to forget: the process that changed the item died, or Redis was away.
#[tokio::test]
async fn what_the_cache_has_is_not_shown_when_it_is_old() {
    let Some(mut redis) = TestRedis::start().await else { return };
    let shelf = Shelf::with(&[("REDIS_URL", &redis.url())]).await;
    connected(&shelf.platform).await;
    let item = shelf.add("NOTE-1", json!({})).await;
    let kept = Kept(redis.connect().await);
    eventually(PATIENCE, || async {
        name(&shelf.app, item.id).await;
        kept.has(item.id).await
    })
    .await;
    sqlx::query("update store_item set name = '새 이름', version = 2").execute(&shelf.db).await.unwrap();
    assert_eq!(name(&shelf.app, item.id).await, "새 이름");
    redis.stop();
    assert_eq!(name(&shelf.app, item.id).await, "새 이름");
    let _ = shelf.admin.patch(&path(&item), &json!({ "name": "셋째" })).send().await.expect(StatusCode::OK);
    assert_eq!(name(&shelf.app, item.id).await, "셋째");
    redis.restart().await;
    for _ in 0..5 {
        assert_eq!(name(&shelf.app, item.id).await, "셋째");
    }
}

/// Items that somebody asked for before they were there.
#[tokio::test]
async fn a_new_item_is_there_at_once() {
    let Some(redis) = TestRedis::start().await else { return };
    let shelf = Shelf::with(&[("REDIS_URL", &redis.url())]).await;
    connected(&shelf.platform).await;
    let id: ItemId = chassis::fresh_id();
    let look = || async { shelf.app.get(&format!("{PATH}/{id}")).send().await.status };
    assert_eq!(look().await, StatusCode::NOT_FOUND);
    sqlx::query(
        "with item as (
           insert into store_item (id, sku, name, category, price) values ($1, 'X-1', '붓', '문구', 1) returning id
         )
         insert into stock (item_id, initial, available) select id, 0, 0 from item",
    )
    .bind(id.as_uuid())
    .execute(&shelf.db)
    .await
    .unwrap();
    assert_eq!(look().await, StatusCode::OK);
}

/// An instance that hears of the change by its event alone.
#[tokio::test]
async fn the_event_of_a_change_has_it_forgotten() {
    let Some(redis) = TestRedis::start().await else { return };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let feed = format!("http://{}", listener.local_addr().unwrap());
    let shelf = Shelf::with(&[("REDIS_URL", &redis.url()), ("DORAN_STORE_URLS", &feed)]).await;
    let router = shelf.router.clone();
    let mut serving = JoinSet::new();
    serving.spawn(async move { axum::serve(listener, router).await });
    connected(&shelf.platform).await;
    let item = shelf.add("NOTE-1", json!({})).await;
    let kept = Kept(redis.connect().await);
    eventually(PATIENCE, || async {
        name(&shelf.app, item.id).await;
        kept.has(item.id).await
    })
    .await;
    let mut tx = shelf.db.begin().await.unwrap();
    let record = item::lock(&mut tx, item.id).await.unwrap().unwrap();
    let content = store::domain::item::Content { name: "새 이름".to_owned(), ..record.content() };
    let changed = item::update(&mut tx, item.id, &content).await.unwrap();
    store::catalogue::changed(&mut tx, &changed).await.unwrap();
    tx.commit().await.unwrap();
    eventually(PATIENCE, || async { !kept.has(item.id).await }).await;
}
