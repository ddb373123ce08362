//! Rate limits that gateways share over Redis, and what is left of them without it.

use std::time::Duration;

use contract::gateway::RateLimit;
use testkit::{TestRedis, eventually};

use crate::fixture::{Gateway, Options, client};

const PATIENCE: Duration = Duration::from_secs(10);
/// Of a gateway: its platform's, and one for each of its two cores.
const CONNECTIONS: usize = 3;

/// Gateways that share limits over `redis`, all of their cores connected; the limits are so slow to refill that a
/// test sees little of it.
async fn gateways<const N: usize>(redis: &TestRedis, burst: u32) -> [Gateway; N] {
    let mut gateways = Vec::new();
    for _ in 0..N {
        let mut options = Options { redis: Some(redis.url()), ..Options::default() };
        for route in &mut options.routes.routes {
            route.rate_limit = RateLimit { per_second: 1, burst };
        }
        gateways.push(Gateway::with(options).await);
    }
    connected(redis, N * CONNECTIONS).await;
    gateways.try_into().ok().expect("as many as asked for")
}

async fn connected(redis: &TestRedis, count: usize) {
    let look = redis.connect().await;
    eventually(PATIENCE, || async {
        let list: String = redis::cmd("CLIENT").arg("LIST").query_async(&mut look.clone()).await.unwrap();
        // And the one that looks.
        list.lines().count() > count
    })
    .await;
}

/// Asks so often, on a connection each so that all cores take part, and counts who is let through.
async fn ask(gateway: &Gateway, count: u32) -> u32 {
    let mut admitted = 0;
    for _ in 0..count {
        let answer = client().get(gateway.url("/api/store/items")).send().await.unwrap();
        assert!([200, 429].contains(&answer.status().as_u16()), "{}", answer.status());
        assert!(answer.headers().contains_key("x-ratelimit-remaining"));
        admitted += u32::from(answer.status() == 200);
    }
    admitted
}

#[tokio::test]
async fn gateways_share_the_limits() {
    let Some(redis) = TestRedis::start().await else { return };
    let [one, two] = gateways(&redis, 10).await;
    let admitted = ask(&one, 6).await + ask(&two, 6).await + ask(&one, 6).await + ask(&two, 6).await;
    // One more is earned a second; alone, each would have let 10 of its 12 through.
    assert!((10..=14).contains(&admitted), "{admitted}");
}

#[tokio::test]
async fn a_gateway_whose_redis_is_stopped_limits_alone_and_gives_nobody_a_second_burst() {
    let Some(mut redis) = TestRedis::start().await else { return };
    let [gateway] = gateways(&redis, 10).await;
    assert_eq!(ask(&gateway, 6).await, 6);
    redis.stop();
    let admitted = ask(&gateway, 12).await;
    assert!((4..=7).contains(&admitted), "what was used before counts: {admitted}");
    redis.restart().await;
    connected(&redis, CONNECTIONS).await;
    assert!(ask(&gateway, 3).await <= 3);
}

#[tokio::test]
async fn a_gateway_whose_redis_stands_still_answers_all_the_same() {
    let Some(redis) = TestRedis::start().await else { return };
    let [gateway] = gateways(&redis, 10).await;
    assert_eq!(ask(&gateway, 6).await, 6);
    redis.pause();
    let admitted = ask(&gateway, 12).await;
    assert!((4..=7).contains(&admitted), "what was used before counts: {admitted}");
    redis.resume();
    connected(&redis, CONNECTIONS).await;
    assert!(ask(&gateway, 12).await <= 7, "and what Redis counted counts again");
}

#[tokio::test]
async fn a_flushed_redis_begins_to_count_anew() {
    let Some(redis) = TestRedis::start().await else { return };
    let [gateway] = gateways(&redis, 5).await;
    assert!((5..=6).contains(&ask(&gateway, 7).await));
    redis.run("SCRIPT FLUSH").await;
    assert!(ask(&gateway, 3).await <= 1, "scripts hold no counts");
    redis.run("FLUSHALL").await;
    assert!((5..=6).contains(&ask(&gateway, 7).await));
}

#[tokio::test]
async fn a_redis_that_was_never_there_is_not_missed() {
    let mut options = Options { redis: Some("redis://127.0.0.1:1".to_owned()), ..Options::default() };
    for route in &mut options.routes.routes {
        route.rate_limit = RateLimit { per_second: 1, burst: 5 };
    }
    let gateway = Gateway::with(options).await;
    assert!((5..=6).contains(&ask(&gateway, 8).await));
    let health: serde_json::Value =
        gateway.get("/actuator/health").send().await.unwrap().json().await.unwrap();
    assert_eq!((&health["status"], &health["components"]["redis"]["status"]), (&"UP".into(), &"DOWN".into()));
}
