//! One fault at a time, and none before the last one is overcome: how long does each hold up the messages?

use std::sync::atomic::Ordering;

use rand::RngExt as _;
use rand::rngs::StdRng;
use testkit::eventually;

use super::client::Habit;
use super::fault::{Blow, LIMIT, Outage, Surroundings, Target, progress};
use super::world::World;

/// Before the first fault, and between two.
const CALM: u64 = 30;

pub(crate) async fn gusts(times: usize, targets: &mut [Target], around: &Surroundings, random: &mut StdRng) {
    let world = &*around.world;
    progress(world, 5 * CALM).await;
    for _ in 0..times {
        for blow in Blow::ALL {
            let target = &mut targets[random.random_range(0..3)];
            world.late.during(blow.name());
            target.strike(blow, random).await;
            overcome(world).await;
        }
        for outage in Outage::ALL {
            world.late.during(outage.name());
            around.strike(outage, random).await;
            overcome(world).await;
        }
    }
}

/// Everybody has everything that is stored by now, and a little more is stored.
async fn overcome(world: &World) {
    let heads: Vec<i64> = world.rooms.iter().map(|room| *room.head.borrow()).collect();
    eventually(LIMIT, || async {
        let mut awake = world.clients.iter().filter(|seat| seat.habit != Habit::Slow);
        world.broken.is_cancelled() || awake.all(|seat| seat.place.load(Ordering::SeqCst) >= heads[seat.room])
    })
    .await;
    progress(world, CALM).await;
}
