//! What waits for each room's writer.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use contract::id::{RoomId, UserId};

use super::Waiting;
use crate::error::Error;

/// The most messages that one statement stores.
const BATCH: usize = 64;
/// The most that wait for one writer: beyond, the sender is told to come again.
const QUEUE: usize = 256;

/// Who writes where. Only a room's owner gets beyond the statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) room: RoomId,
    pub(super) sender: UserId,
}

/// Whether somebody writes already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pushed {
    /// Nobody does: the caller has to see to it.
    First,
    Behind,
}

/// A room is in the map while it has a writer.
#[derive(Clone, Default)]
pub(super) struct Queues {
    rooms: Arc<Mutex<HashMap<Key, VecDeque<Waiting>>>>,
}

impl Queues {
    pub(super) fn push(&self, key: Key, waiting: Waiting) -> Result<Pushed, Error> {
        let mut rooms = self.lock();
        if let Some(queue) = rooms.get_mut(&key) {
            if queue.len() >= QUEUE {
                return Err(Error::Crowded);
            }
            queue.push_back(waiting);
            return Ok(Pushed::Behind);
        }
        rooms.insert(key, VecDeque::from([waiting]));
        Ok(Pushed::First)
    }

    /// What is to be stored next, at least one message; `None` ends the writer.
    pub(super) fn take(&self, key: Key) -> Option<Vec<Waiting>> {
        let mut rooms = self.lock();
        let queue = rooms.get_mut(&key)?;
        // Nobody was told that these are stored, and nobody waits to hear it.
        queue.retain(|waiting| !waiting.told.is_closed());
        let batch: Vec<_> = queue.drain(..batch_length(queue)).collect();
        if batch.is_empty() {
            rooms.remove(&key);
            return None;
        }
        Some(batch)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, VecDeque<Waiting>>> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A message that opens a turn is the last of its batch, because nothing may stand between it and the answer; and
/// no id of the client's is there twice, because the second one is a resend of the first.
fn batch_length(queue: &VecDeque<Waiting>) -> usize {
    let mut length = 0;
    for waiting in queue.iter().take(BATCH) {
        let id = &waiting.composed.client_message_id;
        if id.is_some() && queue.iter().take(length).any(|before| before.composed.client_message_id == *id) {
            break;
        }
        length += 1;
        if waiting.turn.is_some() {
            break;
        }
    }
    length
}

#[cfg(test)]
mod tests {
    use contract::chat::ContentType;
    use tokio::sync::oneshot;
    use tokio::time::Instant;
    use uuid::Uuid;

    use chassis::ApiError;

    use super::*;
    use crate::domain::message::Composed;
    use crate::posting::Posted;

    fn key() -> Key {
        Key { room: Uuid::from_u128(1).into(), sender: Uuid::from_u128(2).into() }
    }

    type Told = oneshot::Receiver<Result<Posted, ApiError>>;

    fn waiting(client_id: Option<&str>, turn: bool) -> (Waiting, Told) {
        let (told, hears) = oneshot::channel();
        let waiting = Waiting {
            id: Uuid::now_v7().into(),
            composed: Composed {
                content: "안녕".to_owned(),
                content_type: ContentType::Text,
                client_message_id: client_id.map(str::to_owned),
            },
            turn: turn.then(Uuid::nil),
            since: Instant::now(),
            told,
        };
        (waiting, hears)
    }

    fn lengths(messages: impl IntoIterator<Item = (Waiting, Told)>) -> Vec<usize> {
        let queues = Queues::default();
        let mut hearers = Vec::new();
        for (nth, (message, hears)) in messages.into_iter().enumerate() {
            hearers.push(hears);
            let pushed = queues.push(key(), message).unwrap();
            assert_eq!(pushed == Pushed::First, nth == 0);
        }
        std::iter::from_fn(|| queues.take(key())).map(|batch| batch.len()).collect()
    }

    #[test]
    fn what_gathers_is_taken_at_once_up_to_a_limit() {
        assert_eq!(lengths((0..150).map(|_| waiting(None, false))), [64, 64, 22]);
    }

    #[test]
    fn a_message_that_opens_a_turn_ends_its_batch() {
        assert_eq!(lengths([false, true, true, false].map(|turn| waiting(None, turn))), [2, 1, 1]);
    }

    #[test]
    fn a_resend_waits_for_the_batch_behind() {
        let ids = [Some("a"), None, Some("b"), Some("a"), Some("c"), None];
        assert_eq!(lengths(ids.map(|id| waiting(id, false))), [3, 3]);
    }

    #[test]
    fn a_room_that_nobody_writes_to_is_forgotten_and_a_crowd_is_turned_away() {
        let queues = Queues::default();
        let (messages, _hearers): (Vec<_>, Vec<_>) = (0..QUEUE).map(|_| waiting(None, false)).unzip();
        for message in messages {
            queues.push(key(), message).unwrap();
        }
        assert!(matches!(queues.push(key(), waiting(None, false).0), Err(Error::Crowded)));
        while queues.take(key()).is_some() {}
        assert!(queues.lock().is_empty());
        assert_eq!(queues.push(key(), waiting(None, false).0).unwrap(), Pushed::First);
    }

    #[test]
    fn a_message_whose_sender_has_gone_is_not_stored() {
        let queues = Queues::default();
        let (first, _stays) = waiting(None, false);
        let (second, goes) = waiting(None, false);
        let ids = [first.id];
        queues.push(key(), first).unwrap();
        queues.push(key(), second).unwrap();
        drop(goes);
        let batch = queues.take(key()).unwrap();
        assert_eq!(batch.iter().map(|waiting| waiting.id).collect::<Vec<_>>(), ids);
    }
}
