//! Writes down which replies streams have got, many by one statement.

use std::collections::BTreeSet;

use contract::id::RoomId;
use sqlx::{PgConnection, PgPool};
use tokio::sync::mpsc;
use tracing::warn;

use super::persist::{Question, persistently};
use crate::repository::live::mark_delivered;

/// Lists of replies that wait to be written down. What comes on top is dropped: the turn stays owed and is told again.
const WAITING: usize = 4096;
/// Lists of one statement.
const TOGETHER: usize = 512;

#[derive(Clone)]
pub(super) struct Delivered {
    replies: mpsc::Sender<(RoomId, Vec<i64>)>,
}

pub(super) struct Marking {
    replies: mpsc::Receiver<(RoomId, Vec<i64>)>,
}

pub(super) fn channel() -> (Delivered, Marking) {
    let (sender, replies) = mpsc::channel(WAITING);
    (Delivered { replies: sender }, Marking { replies })
}

impl Delivered {
    pub(super) fn add(&self, room: RoomId, replies: Vec<i64>) {
        // Full is as good as lost, see above.
        let _ = self.replies.try_send((room, replies));
    }
}

struct Marks(Vec<(RoomId, i64)>);

impl Question for Marks {
    type Answer = ();

    async fn ask(&self, db: &mut PgConnection) -> Result<(), sqlx::Error> {
        mark_delivered(db, &self.0).await
    }
}

impl Marking {
    /// Ends when nobody can add any more.
    pub(super) async fn keep_marking(mut self, db: PgPool) {
        let mut taken = Vec::with_capacity(TOGETHER);
        while self.replies.recv_many(&mut taken, TOGETHER).await > 0 {
            // In order, so that two instances rarely wait for each other; several streams may have got the same.
            let got: BTreeSet<(RoomId, i64)> = taken
                .drain(..)
                .flat_map(|(room, replies)| replies.into_iter().map(move |seq| (room, seq)))
                .collect();
            let marks = Marks(got.into_iter().collect());
            // Not written down is as good as lost, see above.
            if let Err(error) = persistently("marking turns as delivered", &db, &marks).await {
                warn!("turns stay owed, marking them failed: {error}");
            }
        }
    }
}
