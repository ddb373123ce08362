//! Who is connected to which room, on any instance. Each instance counts its own connections and keeps its rows
//! alive by a heartbeat; when it dies, its lease runs out, and whoever sees that first removes them.
//!
//! Best effort: a database that is away is caught up with when it is back, and never costs a connection.

mod keeper;
mod registry;

use std::time::Duration;

use chassis::Platform;
use contract::id::{RoomId, UserId};
use sqlx::PgPool;

pub use registry::Present;

use crate::live::Live;
use keeper::Keeper;
use registry::Registry;

/// How fast things are noticed.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// Between two signs of life of an instance.
    pub beat: Duration,
    /// An instance that gave none for so long is dead.
    pub lease: Duration,
    /// Changes are gathered for so long before they are told.
    pub debounce: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            beat: Duration::from_secs(5),
            lease: Duration::from_secs(15),
            debounce: Duration::from_millis(200),
        }
    }
}

/// Cheap to clone.
#[derive(Clone)]
pub struct Presence {
    registry: Registry,
}

impl Presence {
    /// Starts the heartbeat, which costs nothing while nobody is connected.
    pub fn start(platform: &Platform, db: PgPool, live: Live, pace: Pace) -> Self {
        let registry = Registry::default();
        // A process that was started again is another one: what the last one left behind is not its own.
        let instance = format!("{}/{}", platform.base().instance, chassis::fresh_id::<uuid::Uuid>().simple());
        let drain = platform.drain().clone();
        let hold = drain.hold();
        let keeper = Keeper::new(instance, db, live, registry.clone(), pace);
        platform.tasks().spawn("presence", async move {
            keeper.run(drain).await;
            drop(hold);
        });
        Self { registry }
    }

    /// The user is here for as long as the answer lives.
    pub fn enter(&self, room: RoomId, user: UserId) -> Present {
        self.registry.enter(room, user)
    }
}
