//! What the storm was like.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sqlx::PgPool;

use super::fault::{Blow, Outage};
use super::proof::GUSTS;
use super::scene::INSTANCES;
use super::tempest::{BLOWS, OUTAGES};
use super::world::World;

/// A debug build needs far less, and a leak of what the storm brings would be more.
const MEMORY_LIMIT: u64 = 256 << 20;

pub(crate) struct Figures {
    seed: u64,
    rounds: usize,
    stormed: Duration,
    took: Duration,
    /// The most that one instance has had, in bytes.
    memory: u64,
    messages: i64,
    answers: i64,
    /// Turns that had to be taken over.
    taken_over: i64,
}

impl Figures {
    pub(crate) async fn gather(
        db: &PgPool,
        seed: u64,
        rounds: usize,
        stormed: Duration,
        took: Duration,
        memory: u64,
    ) -> Self {
        let select = "select
                        (select count(*) from message),
                        (select count(*) from message where sender_type = 'bot'),
                        (select count(*) from turn where attempt > 1)";
        let (messages, answers, taken_over) = sqlx::query_as(select).fetch_one(db).await.unwrap();
        Self { seed, rounds, stormed, took, memory, messages, answers, taken_over }
    }

    /// Faults that meet nothing under way would prove nothing.
    pub(crate) fn require_a_storm(&self, world: &World) {
        let counts = &world.counts;
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        assert!(read(&counts.again) > 50, "writes have to be hit");
        assert!(read(&counts.opened) > 5 * world.clients.len() as u64, "streams have to be hit");
        assert!(self.taken_over > 0, "turns have to be hit");
        assert!(self.memory < MEMORY_LIMIT, "an instance has had {} bytes", self.memory);
    }

    #[expect(clippy::print_stderr, reason = "the figures of the proof")]
    pub(crate) fn report(&self, world: &World) {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let counts = &world.counts;
        let mut text = format!(
            "storm of {:.1?}, {:.1?} with the checks, seed {}\n\
             messages: {} stored, {} of them answers of bots ({} turns taken over), {} acknowledged to writers, \
             {} after more than one attempt, {} attempts unanswered\n\
             deliveries: {} to {} clients, {} streams opened, {} refused or not ready, {} turns owed to fresh \
             clients, {} messages before a resume was heard\n\
             most memory of an instance: {} MiB\n",
            self.stormed,
            self.took,
            self.seed,
            self.messages,
            self.answers,
            self.taken_over,
            read(&counts.acknowledged),
            read(&counts.again),
            read(&counts.unanswered),
            read(&counts.delivered),
            world.clients.len(),
            read(&counts.opened),
            read(&counts.refused),
            read(&counts.owed),
            read(&counts.known),
            self.memory / (1 << 20),
        );
        text.push_str("longest time from storing a message to a client that reads:\n");
        for (what, longest) in world.late.longest() {
            let _ = writeln!(text, "  {:>7.3} s  {what}{}", longest.as_secs_f64(), self.times(what));
        }
        let freeze = world.late.longest_freeze();
        let _ = writeln!(text, "longest time that an instance was frozen: {:.3} s", freeze.as_secs_f64());
        let _ = writeln!(text, "who waited longest: {}", world.late.tale());
        eprint!("{text}");
    }

    fn times(&self, what: &str) -> String {
        if Blow::ALL.iter().any(|blow| blow.name() == what) {
            format!(" ({GUSTS} alone, {} in the storm)", BLOWS * INSTANCES * self.rounds)
        } else if Outage::ALL.iter().any(|outage| outage.name() == what) {
            format!(" ({GUSTS} alone, {} in the storm)", OUTAGES * self.rounds)
        } else {
            String::new()
        }
    }
}
