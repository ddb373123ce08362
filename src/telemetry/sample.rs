//! What is known of one unit over a second or a minute. Pure: how such figures add up.

use serde::{Deserialize, Serialize};

use super::cells::Packed;

/// A part is missing when nobody could tell it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Sample {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub process: Option<Process>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub traffic: Option<Traffic>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<Box<Service>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub database: Option<Box<Database>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache: Option<Box<Cache>>,
}

/// From `/proc`, for all processes of the unit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Process {
    /// Milliseconds that the figures cover; the first look at a process covers none.
    pub over_ms: u32,
    /// Processor time within them.
    pub cpu_ms: u32,
    pub memory: u64,
    pub fds: Option<u32>,
    pub threads: u32,
    pub processes: u32,
}

/// Bytes through the unit's sockets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Traffic {
    pub over_ms: u32,
    pub received: u64,
    pub sent: u64,
}

/// From a service's own metrics.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Service {
    /// 0 when the counters have no earlier reading.
    pub over_ms: u32,
    /// Answers of 2xx and 1xx, 3xx, 4xx, 5xx.
    pub requests: [u64; 4],
    pub in_flight: u32,
    /// Age of the oldest event that has no number yet.
    pub outbox_age_ms: Option<u32>,
    /// How far the slowest consumer is behind.
    pub lag_ms: Option<u32>,
    pub dead_letters: Option<u32>,
    #[serde(skip_serializing_if = "Packed::is_empty")]
    pub latency: Packed,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Database {
    pub over_ms: u32,
    pub transactions: u64,
    pub connections: u32,
    pub max_connections: u32,
    /// Sessions that wait for a lock.
    pub waiting: u32,
    pub size: u64,
    /// Of the slowest replica; none without replicas.
    pub replication_lag_ms: Option<u32>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Cache {
    pub over_ms: u32,
    pub operations: u64,
    pub hits: u64,
    pub misses: u64,
    pub memory: u64,
    pub clients: u32,
}

impl Sample {
    /// Also the time of `later`: counts add up, of levels the highest stays.
    pub(crate) fn follow(&mut self, later: &Self) {
        follow(&mut self.process, later.process.as_ref(), Process::follow);
        follow(&mut self.traffic, later.traffic.as_ref(), |sum, next| {
            sum.over_ms += next.over_ms;
            sum.received += next.received;
            sum.sent += next.sent;
        });
        follow(&mut self.service, later.service.as_ref(), |sum, next| sum.follow(next));
        follow(&mut self.database, later.database.as_ref(), |sum, next| sum.follow(next));
        follow(&mut self.cache, later.cache.as_ref(), |sum, next| sum.follow(next));
    }

    /// Also what another replica did in the same time: everything adds up but the time.
    pub(crate) fn join(&mut self, other: &Self) {
        follow(&mut self.process, other.process.as_ref(), |sum, next| {
            sum.over_ms = sum.over_ms.max(next.over_ms);
            sum.cpu_ms += next.cpu_ms;
            sum.memory += next.memory;
            sum.fds = sum.fds.zip(next.fds).map(|(a, b)| a + b);
            sum.threads += next.threads;
            sum.processes += next.processes;
        });
        follow(&mut self.traffic, other.traffic.as_ref(), |sum, next| {
            sum.over_ms = sum.over_ms.max(next.over_ms);
            sum.received += next.received;
            sum.sent += next.sent;
        });
        follow(&mut self.service, other.service.as_ref(), |sum, next| {
            let (over, in_flight) = (sum.over_ms.max(next.over_ms), sum.in_flight + next.in_flight);
            sum.follow(next);
            (sum.over_ms, sum.in_flight) = (over, in_flight);
        });
        // Databases and caches have no replicas here.
        follow(&mut self.database, other.database.as_ref(), |sum, next| sum.follow(next));
        follow(&mut self.cache, other.cache.as_ref(), |sum, next| sum.follow(next));
    }
}

fn follow<T: Clone>(sum: &mut Option<T>, next: Option<&T>, add: impl FnOnce(&mut T, &T)) {
    match (sum.as_mut(), next) {
        (Some(sum), Some(next)) => add(sum, next),
        (None, Some(next)) => *sum = Some(next.clone()),
        (_, None) => {}
    }
}

impl Process {
    fn follow(&mut self, later: &Self) {
        self.over_ms += later.over_ms;
        self.cpu_ms += later.cpu_ms;
        self.memory = self.memory.max(later.memory);
        self.fds = self.fds.max(later.fds);
        self.threads = self.threads.max(later.threads);
        self.processes = self.processes.max(later.processes);
    }
}

impl Service {
    fn follow(&mut self, later: &Self) {
        self.over_ms += later.over_ms;
        for (sum, next) in self.requests.iter_mut().zip(later.requests) {
            *sum += next;
        }
        self.in_flight = self.in_flight.max(later.in_flight);
        self.outbox_age_ms = self.outbox_age_ms.max(later.outbox_age_ms);
        self.lag_ms = self.lag_ms.max(later.lag_ms);
        self.dead_letters = self.dead_letters.max(later.dead_letters);
        if !later.latency.is_empty() {
            let mut cells = self.latency.unpack();
            cells.add(&later.latency.unpack());
            self.latency = cells.pack();
        }
    }
}

impl Database {
    fn follow(&mut self, later: &Self) {
        self.over_ms += later.over_ms;
        self.transactions += later.transactions;
        self.connections = self.connections.max(later.connections);
        self.max_connections = self.max_connections.max(later.max_connections);
        self.waiting = self.waiting.max(later.waiting);
        self.size = self.size.max(later.size);
        self.replication_lag_ms = self.replication_lag_ms.max(later.replication_lag_ms);
    }
}

impl Cache {
    fn follow(&mut self, later: &Self) {
        self.over_ms += later.over_ms;
        self.operations += later.operations;
        self.hits += later.hits;
        self.misses += later.misses;
        self.memory = self.memory.max(later.memory);
        self.clients = self.clients.max(later.clients);
    }
}
