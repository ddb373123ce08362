//! Messages that arrive twice, and answers that never do.

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use testkit::free_port;

use super::between::{Between, Fault};
use super::plot::By;
use super::scene::Scene;
use super::tell::tell;
use super::world::{Route, Way};

/// Enough to meet every step with every fault.
const ORDERS: usize = 60;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_message_may_arrive_twice() {
    let counts = through(Fault::Twice).await;
    report("twice", counts);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_may_be_lost_after_the_deed() {
    let counts = through(Fault::Lost(25)).await;
    report("lost", counts);
}

/// Orders of all kinds, with the fault between buyers and store, store and provider, provider and store.
async fn through(fault: Fault) -> [(u64, u64); 3] {
    let (provider, store) = (free_port(), free_port());
    let to_provider = Between::start(provider, fault).await;
    let webhooks = Between::start(store, fault).await;
    let doors = Between::start(store, fault).await;
    let route = Route { to_provider: to_provider.url(), to_store: webhooks.url(), provider, store };
    let mut scene = Scene::set(Way { route: Some(route), ..Way::default() }).await;
    let mut random = StdRng::seed_from_u64(rand::random());
    let items = scene.world.items(6, 1000).await;
    for n in 0..ORDERS {
        let by = By::ALL[n % By::ALL.len()];
        let second = scene.world.stores[1].url();
        let at = if random.random_bool(0.8) { vec![doors.url()] } else { vec![doors.url(), second] };
        let wish = by.wish(&items[random.random_range(0..3)..][..3], &mut random, at);
        scene.send(wish);
    }
    let (receipts, wrongs) = scene.end().await;
    assert!(wrongs.is_empty(), "{}", wrongs.join("\n"));
    assert_eq!(receipts.len(), ORDERS);
    [doors.counts(), to_provider.counts(), webhooks.counts()]
}

fn report(how: &str, [buyers, provider, webhooks]: [(u64, u64); 3]) {
    for (whose, (requests, hit)) in [("buyers", buyers), ("the store", provider), ("the provider", webhooks)]
    {
        assert!(hit > 0, "none of {requests} requests of {whose} was {how}");
        tell(&format!("{hit} of {requests} requests of {whose}: {how}"));
    }
}
