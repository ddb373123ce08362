//! A second opinion for slow reads.

use std::time::Duration;

use chassis::client::{CallError, ServiceClient};
use http::{Method, StatusCode};

use super::leaf::{Leaf, Mood, client_of};

/// Long enough that a hanging instance alone would fail the test by its time limit.
const LIMIT: Duration = Duration::from_secs(20);

async fn read(client: &ServiceClient) -> Result<u8, CallError> {
    client.request(Method::GET, "/x").hedged().send().await
}

async fn warm_up(client: &ServiceClient) {
    for _ in 0..200 {
        read(client).await.unwrap();
    }
}

fn hedges(platform: &chassis::Platform) -> chassis::client::Hedges {
    platform.calls().view()[0].hedges
}

#[tokio::test]
async fn an_instance_that_hangs_delays_no_hedged_read() {
    let (one, two) = (Leaf::start(), Leaf::start());
    let (platform, client) = client_of(&[&one, &two], LIMIT);
    warm_up(&client).await;
    let before = hedges(&platform);
    one.set(Mood::Hangs);
    let mut reads = 0;
    // As long as it takes until the hanging one was asked first and the other one answered.
    while hedges(&platform).won == before.won {
        assert_eq!(read(&client).await.unwrap(), 1);
        reads += 1;
        assert!(reads < 10_000, "the hanging instance is never asked");
    }
    let after = hedges(&platform);
    assert!(after.sent * 20 <= after.requests + 20, "at most 5 % more: {after:?}");
    assert!(two.header("x-retry-attempt").contains(&Some("1".to_owned())), "a second attempt says so");
}

#[tokio::test]
async fn a_refusal_does_not_wait_for_a_second_opinion() {
    let (one, two) = (Leaf::start(), Leaf::start());
    let (_platform, client) = client_of(&[&one, &two], LIMIT);
    for leaf in [&one, &two] {
        leaf.set(Mood::Refuses);
    }
    assert_eq!(read(&client).await.unwrap_err().status(), Some(StatusCode::NOT_FOUND));
    assert_eq!(one.attempts() + two.attempts(), 1);
}

#[tokio::test]
async fn with_one_instance_nothing_is_hedged() {
    let leaf = Leaf::start();
    let (platform, client) = client_of(&[&leaf], LIMIT);
    warm_up(&client).await;
    assert_eq!((leaf.attempts(), hedges(&platform).requests), (200, 0));
}
