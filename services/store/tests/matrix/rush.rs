//! Many at once: for the last pieces, and with the same key.

use std::collections::BTreeSet;

use contract::store::{FailureCode, Order, OrderStatus};
use http::StatusCode;
use serde_json::{Value, json};
use testkit::eventually;
use tokio::task::JoinSet;
use uuid::Uuid;

use super::buyer::{Then, Wish};
use super::cluster::PATIENCE;
use super::scene::Scene;
use super::world::Way;

const BUYERS: usize = 100;
const PIECES: usize = 10;
const CONNECTIONS: usize = 50;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_buyers_get_the_last_ten_pieces_and_no_more() {
    let mut scene = Scene::set(Way::default()).await;
    let item = scene.world.items(1, PIECES.try_into().unwrap()).await[0];
    for n in 0..BUYERS {
        let at = vec![scene.world.stores[n % 2].url()];
        scene.send(Wish { lines: vec![(item, 1)], token: "tok_approve", then: Then::Keep, at });
    }
    let (receipts, wrongs) = scene.end().await;
    assert!(wrongs.is_empty(), "{}", wrongs.join("\n"));
    let count = |status| receipts.iter().filter(|receipt| receipt.status == status).count();
    assert_eq!((count(OrderStatus::Confirmed), count(OrderStatus::Failed)), (PIECES, BUYERS - PIECES));
    let select = "select available, held, sold from stock where item_id = $1";
    let stock: (i64, i64, i64) =
        sqlx::query_as(select).bind(item.as_uuid()).fetch_one(&scene.world.db).await.unwrap();
    assert_eq!(stock, (0, 0, 10));
    let select = "select distinct failure_code from \"order\" where status = 'FAILED'";
    let codes: Vec<String> = sqlx::query_scalar(select).fetch_all(&scene.world.db).await.unwrap();
    assert_eq!(codes, [FailureCode::OutOfStock.as_str()]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_key_from_fifty_connections_at_once_is_one_order() {
    let mut scene = Scene::set(Way::default()).await;
    let item = scene.world.items(1, 1000).await[0];
    let (user, token) = scene.world.user();
    let key = Uuid::now_v7().to_string();
    let body = json!({
        "items": [{ "itemId": item, "quantity": 1 }],
        "payment": { "method": "card", "token": "tok_approve" },
    });
    let mut asking = JoinSet::new();
    for n in 0..CONNECTIONS {
        let url = format!("{}/api/store/orders", scene.world.stores[n % 2].url());
        let (token, key, body) = (token.clone(), key.clone(), body.clone());
        asking.spawn(async move { last_answer(&url, &token, &key, &body).await });
    }
    let answers: Vec<(bool, Order)> = asking.join_all().await;
    let orders: BTreeSet<_> = answers.iter().map(|(_, order)| order.id).collect();
    assert_eq!(orders.len(), 1, "{orders:?}");
    assert!(answers.iter().all(|(_, order)| order.status == OrderStatus::Confirmed), "{answers:?}");
    let first = answers.iter().filter(|(is_replayed, _)| !is_replayed).count();
    assert!(first <= 1, "{first} answers are said to be no repetition");
    let select = "select count(*) from \"order\" where user_id = $1";
    let count: i64 =
        sqlx::query_scalar(select).bind(user.as_uuid()).fetch_one(&scene.world.db).await.unwrap();
    assert_eq!(count, 1);
    let (_, wrongs) = scene.end().await;
    assert!(wrongs.is_empty(), "{}", wrongs.join("\n"));
}

/// By a connection of its own: the answer that is not "it still runs", and whether it is said to be a repetition.
async fn last_answer(url: &str, token: &str, key: &str, body: &Value) -> (bool, Order) {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    eventually(PATIENCE, || async {
        let request = http.post(url).bearer_auth(token).header("idempotency-key", key).json(body);
        let answer = request.send().await.unwrap();
        let is_replayed = answer.headers().contains_key("idempotency-replayed");
        let (status, text) = (answer.status(), answer.text().await.unwrap());
        match status {
            StatusCode::CREATED => Ok((is_replayed, serde_json::from_str(&text).unwrap())),
            StatusCode::CONFLICT | StatusCode::SERVICE_UNAVAILABLE => Err(text),
            _ => panic!("{status} {text}"),
        }
    })
    .await
}
