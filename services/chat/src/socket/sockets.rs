//! The open connections of this instance.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use axum::extract::ws::WebSocketUpgrade;
use axum::response::Response;
use chassis::Platform;
use chassis::identity::TokenVerifier;
use chassis::shutdown::{Drain, Hold};
use chassis::spawn::TaskSet;
use contract::claims::AccessClaims;
use contract::id::RoomId;
use contract::text::Language;
use futures_util::FutureExt as _;
use http::HeaderValue;
use sqlx::PgPool;
use tracing::error;

use super::connection;
use super::inbox::MAX_FRAME;
use super::presence::{Pace, Presence};
use super::{Offer, Timing};
use crate::live::Live;
use crate::posting::Posting;

/// A frame that is only too long is read to its end, so that its sender gets to know; a longer one breaks the
/// connection.
const MAX_READ: usize = 4 * MAX_FRAME;
/// An idle connection keeps this, so it is small.
const READ_BUFFER: usize = 4 * 1024;
/// Frames go out together up to here.
const WRITE_BUFFER: usize = 16 * 1024;
/// No message comes near it; a client that does not read is waited for, so nothing piles up.
const MAX_WRITE_BUFFER: usize = 4 * 1024 * 1024;

/// Who comes in where.
#[derive(Debug, Clone)]
pub struct Opening {
    pub room: RoomId,
    pub who: Arc<AccessClaims>,
    /// Messages behind this one follow.
    pub after: i64,
    /// Of what is said to the client.
    pub language: Language,
}

/// Cheap to clone.
#[derive(Clone)]
pub struct Sockets {
    pub(super) db: PgPool,
    pub(super) live: Live,
    pub(super) posting: Posting,
    pub(super) access: TokenVerifier,
    pub(super) presence: Presence,
    pub(super) timing: Timing,
    tasks: TaskSet,
    drain: Drain,
}

impl Sockets {
    /// Starts what tells the rooms who is here.
    pub fn start(
        platform: &Platform,
        db: PgPool,
        live: Live,
        posting: Posting,
        timing: Timing,
        pace: Pace,
    ) -> Self {
        Self {
            presence: Presence::start(platform, db.clone(), live.clone(), pace),
            access: platform.identity().access.clone(),
            tasks: platform.tasks().clone(),
            drain: platform.drain().clone(),
            db,
            live,
            posting,
            timing,
        }
    }

    pub fn presence(&self) -> &Presence {
        &self.presence
    }

    /// Answers the handshake; the connection lives in a task of its own from then on.
    pub fn open(&self, upgrade: WebSocketUpgrade, offer: &Offer<'_>, opening: Opening) -> Response {
        let mut upgrade = upgrade
            .max_frame_size(MAX_READ)
            .max_message_size(MAX_READ)
            .read_buffer_size(READ_BUFFER)
            .write_buffer_size(WRITE_BUFFER)
            .max_write_buffer_size(MAX_WRITE_BUFFER);
        if let Some(protocol) = offer.answer().and_then(|protocol| HeaderValue::from_str(protocol).ok()) {
            upgrade.set_selected_protocol(protocol);
        }
        // From here on: the server does not count connections that were upgraded.
        let hold: Hold = self.drain.hold();
        let sockets = self.clone();
        upgrade.on_upgrade(async move |socket| {
            let tasks = sockets.tasks.clone();
            tasks.spawn("socket", async move {
                let connection = AssertUnwindSafe(connection::run(&sockets, socket, opening));
                // As with a request: what one client brings about is not the end of the service.
                if connection.catch_unwind().await.is_err() {
                    error!("a connection panicked");
                }
                drop(hold);
            });
        })
    }
}
