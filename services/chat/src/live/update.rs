//! What a subscription brings.

use std::sync::Arc;

use contract::id::UserId;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::entry::Entry;

/// What is told to those who listen right now, and lost to everybody else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum Signal {
    Typing {
        sender: Uuid,
        typing: bool,
    },
    Read {
        user: UserId,
        sequence: i64,
    },
    /// The users with a connection; the set has changed.
    Presence {
        online: Vec<UserId>,
    },
}

#[derive(Debug, Clone)]
pub enum Update {
    /// The next messages of the room, in order; at least one.
    Messages(Vec<Arc<Entry>>),
    Signal(Arc<Signal>),
    /// Nothing more will come, however often it is asked for.
    Ended(End),
}

/// Why a stream ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The room was left.
    Left,
    /// The token was revoked.
    Revoked,
    /// This instance stops: reconnect to another one.
    Stopping,
}
