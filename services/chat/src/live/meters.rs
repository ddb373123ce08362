//! What is measured of streams.

use metrics::{Counter, Gauge, counter, gauge};

use super::hub::Stats;

/// Open streams, by kind.
const OPEN: &str = "chat_streams_open";
/// Messages handed to streams.
const DELIVERIES: &str = "chat_stream_deliveries_total";
/// Statements for streams that were behind their room's window.
const CATCH_UP: &str = "chat_stream_catch_up_reads_total";
/// Rooms with streams here that had something new, by the way in which that was heard.
const WAKES: &str = "chat_stream_wakes_total";
/// Rooms with open streams.
const ROOMS: &str = "chat_stream_rooms";
/// What is held of them, in bytes.
const WINDOW_BYTES: &str = "chat_stream_window_bytes";

/// Cheap to clone.
#[derive(Clone)]
pub(super) struct Meters {
    pub(super) deliveries: Counter,
    pub(super) catch_up_reads: Counter,
    pub(super) woken_by_redis: Counter,
    pub(super) woken_by_postgres: Counter,
    pub(super) woken_by_poll: Counter,
    rooms: Gauge,
    window_bytes: Gauge,
}

impl Meters {
    pub(super) fn new() -> Self {
        Self {
            deliveries: counter!(DELIVERIES),
            catch_up_reads: counter!(CATCH_UP),
            woken_by_redis: counter!(WAKES, "way" => "redis"),
            woken_by_postgres: counter!(WAKES, "way" => "postgres"),
            woken_by_poll: counter!(WAKES, "way" => "poll"),
            rooms: gauge!(ROOMS),
            window_bytes: gauge!(WINDOW_BYTES),
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    pub(super) fn update(&self, stats: Stats) {
        self.rooms.set(stats.rooms as f64);
        self.window_bytes.set(stats.bytes as f64);
    }
}

/// Counts an open stream for as long as it lives.
#[derive(Debug)]
pub struct Open {
    kind: &'static str,
}

impl Open {
    /// `kind` is a word for the metric, e.g. `sse`.
    pub fn new(kind: &'static str) -> Self {
        gauge!(OPEN, "kind" => kind).increment(1.0);
        Self { kind }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        gauge!(OPEN, "kind" => self.kind).decrement(1.0);
    }
}
