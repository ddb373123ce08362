//! Listening to Redis while it is stopped, paused and restarted.

use std::collections::BTreeMap;
use std::time::Duration;

use chassis::redis::{Heard, Subscription};
use chassis::{Platform, Reader};
use testkit::{TestRedis, eventually};
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(20);
const CHANNEL: &str = "news";

fn listen(redis: Option<&TestRedis>) -> (Platform, Option<Subscription>) {
    let env: BTreeMap<_, _> = redis.map(|redis| ("REDIS_URL".to_owned(), redis.url())).into_iter().collect();
    let platform = Platform::quiet(Reader::new(&env).base("auth", 8081)).unwrap();
    let subscription = platform.redis().subscribe(platform.tasks(), &[CHANNEL]);
    (platform, subscription)
}

async fn next(subscription: &mut Subscription) -> Heard {
    timeout(PATIENCE, subscription.next()).await.expect("something is heard")
}

fn news(text: &str) -> Heard {
    Heard::Message { channel: CHANNEL.to_owned(), payload: text.as_bytes().to_vec() }
}

async fn publish(redis: &TestRedis, text: &str) {
    redis.run(&format!("PUBLISH {CHANNEL} {text}")).await;
}

#[tokio::test]
async fn whoever_listens_hears_what_is_published_and_when_something_may_have_been_missed() {
    let Some(mut redis) = TestRedis::start().await else { return };
    let (_platform, subscription) = listen(Some(&redis));
    let mut subscription = subscription.unwrap();
    assert_eq!(next(&mut subscription).await, Heard::Gap, "what was published before was not heard");
    assert!(subscription.is_up());
    publish(&redis, "one").await;
    redis.run("PUBLISH other two").await;
    publish(&redis, "three").await;
    assert_eq!(next(&mut subscription).await, news("one"));
    assert_eq!(next(&mut subscription).await, news("three"));

    redis.stop();
    eventually(PATIENCE, || async { !subscription.is_up() }).await;
    redis.restart().await;
    assert_eq!(next(&mut subscription).await, Heard::Gap);
    assert!(subscription.is_up());
    publish(&redis, "four").await;
    assert_eq!(next(&mut subscription).await, news("four"));
}

#[tokio::test]
async fn a_server_that_has_stopped_to_answer_counts_as_away_until_it_answers_again() {
    let Some(redis) = TestRedis::start().await else { return };
    let (_platform, subscription) = listen(Some(&redis));
    let mut subscription = subscription.unwrap();
    assert_eq!(next(&mut subscription).await, Heard::Gap);
    redis.pause();
    eventually(PATIENCE, || async { !subscription.is_up() }).await;
    redis.resume();
    assert_eq!(next(&mut subscription).await, Heard::Gap);
    eventually(PATIENCE, || async { subscription.is_up() }).await;
    publish(&redis, "one").await;
    // While it was paused it may have taken in more than one attempt to subscribe, and each is a gap.
    let heard = loop {
        let heard = next(&mut subscription).await;
        if heard != Heard::Gap {
            break heard;
        }
    };
    assert_eq!(heard, news("one"));
}

#[tokio::test]
async fn who_does_not_take_what_is_heard_is_told_of_a_gap_instead_of_filling_memory() {
    let Some(redis) = TestRedis::start().await else { return };
    let (_platform, subscription) = listen(Some(&redis));
    let mut subscription = subscription.unwrap();
    assert_eq!(next(&mut subscription).await, Heard::Gap);
    let mut publisher = redis.connect().await;
    for _ in 0..5_000 {
        let () = redis::cmd("PUBLISH").arg(CHANNEL).arg("x").query_async(&mut publisher).await.unwrap();
    }
    let (mut heard, mut gaps) = (0, 0);
    while gaps == 0 {
        match next(&mut subscription).await {
            Heard::Gap => gaps += 1,
            Heard::Message { .. } => heard += 1,
        }
    }
    assert!(heard < 5_000, "{heard}");
    publish(&redis, "last").await;
    loop {
        match next(&mut subscription).await {
            heard if heard == news("last") => break,
            Heard::Gap | Heard::Message { .. } => {}
        }
    }
}

#[tokio::test]
async fn the_connection_ends_with_whoever_listens() {
    let Some(redis) = TestRedis::start().await else { return };
    let (_platform, subscription) = listen(Some(&redis));
    let mut subscription = subscription.unwrap();
    assert_eq!(next(&mut subscription).await, Heard::Gap);
    let look = redis.connect().await;
    let listeners = || async {
        let mut look = look.clone();
        let (_, count): (String, i64) =
            redis::cmd("PUBSUB").arg("NUMSUB").arg(CHANNEL).query_async(&mut look).await.unwrap();
        count
    };
    assert_eq!(listeners().await, 1);
    drop(subscription);
    eventually(PATIENCE, || async { listeners().await == 0 }).await;
}

#[tokio::test]
async fn without_redis_there_is_nothing_to_listen_to() {
    assert!(listen(None).1.is_none());
}
