//! Rate limits as callers meet them.

use std::time::Instant;

use contract::gateway::{GatewayConfig, RateLimit};
use contract::user::Role;
use http::Method;
use serde_json::Value;
use testkit::access_claims;

use crate::fixture::{Gateway, Options};

/// So slow to refill that a test sees none of it.
fn tight(burst: u32) -> Options {
    let mut options = Options::default();
    for route in &mut options.routes.routes {
        route.rate_limit = RateLimit { per_second: 1, burst };
    }
    options
}

#[tokio::test]
async fn every_answer_of_a_route_says_what_is_left() {
    let gateway = Gateway::with(tight(30)).await;
    let first = gateway.get("/api/store/items").send().await.unwrap();
    let headers = first.headers();
    assert_eq!(headers["x-ratelimit-remaining"], "29");
    assert_eq!(headers["x-ratelimit-burst-capacity"], "30");
    assert_eq!(headers["x-ratelimit-replenish-rate"], "1");
    assert_eq!(headers["ratelimit"], "\"default\";r=29;t=1");
    assert_eq!(headers["ratelimit-policy"], "\"default\";q=30;w=30");
    let unauthorised = gateway.get("/api/store/orders").send().await.unwrap();
    assert_eq!(unauthorised.status(), 401);
    assert_eq!(unauthorised.headers()["x-ratelimit-remaining"], "28");
}

#[tokio::test]
async fn who_asks_too_often_is_told_when_to_come_back() {
    let gateway = Gateway::with(tight(2)).await;
    for _ in 0..2 {
        assert_eq!(gateway.get("/api/store/items").send().await.unwrap().status(), 200);
    }
    let refused =
        gateway.get("/api/store/items").header("origin", "http://localhost:1").send().await.unwrap();
    assert_eq!(refused.status(), 429);
    assert_eq!(refused.headers()["retry-after"], "1");
    assert_eq!(refused.headers()["x-ratelimit-remaining"], "0");
    assert_eq!(refused.headers()["access-control-allow-origin"], "http://localhost:1");
    assert_eq!(refused.json::<Value>().await.unwrap()["errorCode"], "G001");
    assert_eq!(gateway.upstream.seen(), 2);
    assert_eq!(gateway.get("/api/users/health").send().await.unwrap().status(), 200, "another route");
}

#[tokio::test]
async fn users_are_counted_by_themselves_wherever_they_are() {
    let gateway = Gateway::with(tight(1)).await;
    let user = access_claims(chassis::fresh_id(), Role::User);
    let mut second_login = user.clone();
    second_login.jti = uuid::Uuid::now_v7().into();
    let ask = |token: String| gateway.get("/api/store/orders").bearer_auth(token).send();
    assert_eq!(ask(gateway.keys.sign(&user)).await.unwrap().status(), 200);
    assert_eq!(ask(gateway.keys.sign(&second_login)).await.unwrap().status(), 429, "the same user");
    assert_eq!(ask(gateway.keys.somebody(Role::User)).await.unwrap().status(), 200, "another user");
}

#[tokio::test]
async fn a_preflight_is_never_counted() {
    let gateway = Gateway::with(tight(1)).await;
    for _ in 0..3 {
        let request = gateway
            .client
            .request(Method::OPTIONS, gateway.url("/api/store/items"))
            .header("origin", "http://localhost:1")
            .header("access-control-request-method", "GET");
        assert_eq!(request.send().await.unwrap().status(), 204);
    }
    assert_eq!(gateway.get("/api/store/items").send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn the_forwarded_address_counts_only_when_a_trusted_proxy_says_it() {
    let ask = async |gateway: &Gateway, forwarded: &str| {
        let request = gateway.get("/api/store/items").header("x-forwarded-for", forwarded);
        request.send().await.unwrap().status().as_u16()
    };
    let gateway = Gateway::with(tight(1)).await;
    assert_eq!(ask(&gateway, "198.51.100.1").await, 200);
    assert_eq!(ask(&gateway, "198.51.100.2").await, 429, "a stranger's word");
    let mut options = tight(1);
    options.routes.trusted_proxies = vec!["127.0.0.0/8".into()];
    let behind_proxy = Gateway::with(options).await;
    assert_eq!(ask(&behind_proxy, "198.51.100.1").await, 200);
    assert_eq!(ask(&behind_proxy, "198.51.100.2").await, 200);
    assert_eq!(ask(&behind_proxy, "6.6.6.6, 198.51.100.1").await, 429, "the right-most hop counts");
    let told = behind_proxy.get("/api/users/health").header("x-forwarded-for", "6.6.6.6, 198.51.100.1");
    let echo: Value = told.send().await.unwrap().json().await.unwrap();
    let headers = echo["headers"].as_array().unwrap();
    assert!(headers.contains(&serde_json::json!(["x-real-ip", "198.51.100.1"])), "services learn it: {echo}");
}

#[tokio::test]
async fn cores_share_the_limits() {
    let gateway = Gateway::with(tight(5)).await;
    let (mut admitted, begun) = (0, Instant::now());
    for _ in 0..20 {
        // A connection each, so that both cores take part.
        let answer = crate::fixture::client().get(gateway.url("/api/store/items")).send().await.unwrap();
        admitted += u32::from(answer.status() == 200);
    }
    // One more is earned a second.
    let earned = u32::try_from(begun.elapsed().as_secs()).unwrap();
    assert!((5..=6 + earned).contains(&admitted), "{admitted}, {earned} of them earned");
    assert!(GatewayConfig::standard().routes.iter().all(|route| route.rate_limit.burst > 5));
}
