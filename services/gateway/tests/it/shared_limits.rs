//! Rate limits that gateways share over Redis, and what is left of them without it.

use std::collections::BTreeSet;
use std::time::Duration;

use contract::claims::AccessClaims;
use contract::gateway::RateLimit;
use contract::user::Role;
use redis::aio::MultiplexedConnection;
use reqwest::RequestBuilder;
use testkit::{TestRedis, access_claims, eventually};
use tokio::time::Instant;

use crate::fixture::{Gateway, Options};

const PATIENCE: Duration = Duration::from_secs(10);
/// For a scenario that may have to be played several times.
const REPEATS: Duration = Duration::from_mins(1);
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

/// The connections by their numbers, of which none is given twice.
async fn numbers(look: &MultiplexedConnection) -> BTreeSet<String> {
    let list: String = redis::cmd("CLIENT").arg("LIST").query_async(&mut look.clone()).await.unwrap();
    list.lines().filter_map(|line| Some(line.split_once(' ')?.0.to_owned())).collect()
}

/// What `scenario` came to when no gateway lost its connection meanwhile, with the whole seconds that it took. On a
/// busy machine Redis may answer too late; then a gateway decides by itself for at least a second, and the scenario
/// is played again with a user that nobody has counted yet. (The metric of such decisions is of no help: all gateways
/// of this process share it.)
async fn undisturbed<T>(
    redis: &TestRedis,
    count: usize,
    scenario: impl AsyncFn(&AccessClaims, &MultiplexedConnection) -> T,
) -> (T, u32) {
    let look = redis.connect().await;
    eventually(REPEATS, || async {
        connected(redis, count).await;
        let (user, before, since) =
            (access_claims(chassis::fresh_id(), Role::User), numbers(&look).await, Instant::now());
        let result = scenario(&user, &look).await;
        let took = u32::try_from(since.elapsed().as_secs()).unwrap();
        // Others that look have come and gone.
        let kept = numbers(&look).await.intersection(&before).count();
        (kept > count).then_some((result, took))
    })
    .await
}

/// Asks so often, on a connection each so that all cores take part, and counts who is let through.
async fn ask(gateway: &Gateway, count: u32) -> u32 {
    admitted(count, || gateway.get("/api/store/items")).await
}

/// The same as a user.
async fn ask_as(user: &AccessClaims, gateway: &Gateway, count: u32) -> u32 {
    let token = gateway.keys.sign(user);
    admitted(count, || gateway.get("/api/store/orders").bearer_auth(&token)).await
}

async fn admitted(count: u32, request: impl Fn() -> RequestBuilder) -> u32 {
    let mut admitted = 0;
    for _ in 0..count {
        let answer = request().header("connection", "close").send().await.unwrap();
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
    let (admitted, seconds) = undisturbed(&redis, 2 * CONNECTIONS, async |user, _| {
        let mut admitted = 0;
        for gateway in [&one, &two, &one, &two] {
            admitted += ask_as(user, gateway, 6).await;
        }
        admitted
    })
    .await;
    // One more is earned a second; alone, each would have let 10 of its 12 through.
    assert!((10..=10 + seconds).contains(&admitted), "{admitted} in {seconds} s");
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
    let ((first, unscripted, anew), seconds) = undisturbed(&redis, CONNECTIONS, async |user, look| {
        let first = ask_as(user, &gateway, 7).await;
        let () = redis::cmd("SCRIPT").arg("FLUSH").query_async(&mut look.clone()).await.unwrap();
        let unscripted = ask_as(user, &gateway, 3).await;
        let () = redis::cmd("FLUSHALL").query_async(&mut look.clone()).await.unwrap();
        (first, unscripted, ask_as(user, &gateway, 7).await)
    })
    .await;
    assert!((5..=5 + seconds).contains(&first), "{first} in {seconds} s");
    assert!(unscripted <= seconds, "scripts hold no counts: {unscripted} in {seconds} s");
    assert!((5..=5 + seconds).contains(&anew), "{anew} in {seconds} s");
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
