//! What instances say to each other, as JSON small enough for a notification of PostgreSQL. Pure.

use contract::id::RoomId;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::live::update::Signal;

/// PostgreSQL takes less than 8000 bytes.
pub(super) const MAX_BYTES: usize = 7500;

/// One publication. Unknown keys are ignored, so that versions can run beside each other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Parcel {
    /// The instance that says so, by a number of its own making: names may be configured twice.
    pub(super) from: Uuid,
    /// More has happened than could be remembered: look at every room.
    #[serde(default)]
    pub(super) everything: bool,
    /// Rooms with new messages, and the newest one's sequence.
    #[serde(default)]
    pub(super) rooms: Vec<(RoomId, i64)>,
    /// Rooms that have changed otherwise.
    #[serde(default)]
    pub(super) changed: Vec<RoomId>,
    #[serde(default)]
    pub(super) signals: Vec<(RoomId, Signal)>,
}

impl Parcel {
    pub(super) const fn new(from: Uuid) -> Self {
        Self { from, everything: false, rooms: Vec::new(), changed: Vec::new(), signals: Vec::new() }
    }

    pub(super) fn encode(&self) -> String {
        serde_json::to_string(self).expect("a parcel has string keys only")
    }

    /// `None` for what no instance has written.
    pub(super) fn decode(payload: &[u8]) -> Option<Self> {
        serde_json::from_slice(payload).ok()
    }
}

/// What a signal adds to a parcel, in bytes.
pub(super) fn size_of(signal: &Signal) -> usize {
    // Beside the signal: the room's id, quotes, brackets, commas.
    serde_json::to_vec(signal).map_or(MAX_BYTES, |json| json.len()) + 45
}

/// What a room adds to a parcel at most, in bytes: its id and a number, quotes, brackets, commas.
pub(super) const ROOM: usize = 36 + 20 + 6;

/// An empty parcel, in bytes, rounded up.
pub(super) const EMPTY: usize = 150;
