//! All faults at once, each in its own rhythm.

use rand::RngExt as _;
use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;

use super::fault::{Blow, Outage, Surroundings, Target, progress};
use super::world::Dice;

/// How often each instance gets each of its blows, in a storm of one round.
pub(crate) const BLOWS: usize = 7;
/// How often each of the rest happens.
pub(crate) const OUTAGES: usize = 21;
/// An instance is spared until it has brought up to so many messages.
const SPARED: u64 = 150;
/// Between two outages so many messages are acknowledged at most.
const PAUSE: u64 = 40;

pub(crate) async fn tempest(rounds: usize, targets: &mut [Target], around: &Surroundings, dice: &Dice) {
    let world = &*around.world;
    world.late.during("everything at once");
    let [first, second, third] = targets else { panic!("there are three instances") };
    let redis = [Outage::RedisKilled, Outage::RedisFrozen];
    tokio::join!(
        beat(first, BLOWS * rounds, dice.next()),
        beat(second, BLOWS * rounds, dice.next()),
        beat(third, BLOWS * rounds, dice.next()),
        blow(around, &redis, OUTAGES * rounds, dice.next()),
        blow(around, &[Outage::DatabaseCut], OUTAGES * rounds, dice.next()),
        blow(around, &[Outage::LogOut], OUTAGES * rounds, dice.next()),
    );
}

async fn beat(target: &mut Target, times: usize, mut random: StdRng) {
    for blow in shuffled(&Blow::ALL, times, &mut random) {
        target.works(random.random_range(0..SPARED)).await;
        target.strike(blow, &mut random).await;
    }
}

async fn blow(around: &Surroundings, outages: &[Outage], times: usize, mut random: StdRng) {
    for outage in shuffled(outages, times, &mut random) {
        progress(&around.world, random.random_range(0..PAUSE)).await;
        around.strike(outage, &mut random).await;
    }
}

/// Each of them so many times.
fn shuffled<T: Copy>(all: &[T], times: usize, random: &mut StdRng) -> Vec<T> {
    let mut faults = all.repeat(times);
    faults.shuffle(random);
    faults
}
