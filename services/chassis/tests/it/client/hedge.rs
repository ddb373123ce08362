//! A second opinion for slow reads.

use std::time::Duration;

use chassis::client::{CallError, Reason, ServiceClient};
use http::{Method, StatusCode};
use testkit::eventually;

use super::leaf::{Leaf, Mood, client_of};

/// Long enough that a hanging instance alone would fail the test by its time limit.
const LIMIT: Duration = Duration::from_secs(20);
const PATIENCE: Duration = Duration::from_mins(1);

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
    // A warm-up on a busy machine may have spent what second attempts are made of: then reads of the hanging one
    // end by their limit, until the others have earned it again.
    let client = platform.client("auth", Duration::from_secs(1));
    let before = hedges(&platform);
    one.set(Mood::Hangs);
    // As long as it takes until the hanging one was asked first and the other one answered. One that was found
    // hanging is left alone for a while.
    eventually(PATIENCE, || async {
        for _ in 0..20 {
            match read(&client).await {
                Ok(answer) => assert_eq!(answer, 1),
                Err(error) => assert_eq!(error.reason(), Reason::Timeout, "{error}"),
            }
        }
        hedges(&platform).won > before.won
    })
    .await;
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
