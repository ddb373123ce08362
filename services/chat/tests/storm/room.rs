//! A room, as its clients and writers know it.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use contract::id::{RoomId, UserId};
use tokio::sync::watch;

use super::authority::Token;
use super::sheet::Sheet;

pub(crate) struct Room {
    pub(crate) id: RoomId,
    pub(crate) user: UserId,
    pub(crate) sheet: Sheet,
    /// Messages that were acknowledged, in no particular order.
    pub(crate) acknowledged: Mutex<Vec<Acknowledged>>,
    /// The greatest number that was acknowledged.
    pub(crate) head: watch::Sender<i64>,
    token: Mutex<Token>,
    /// Rises with every new login.
    logins: AtomicU64,
}

/// A message as its writer knows it to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Acknowledged {
    pub(crate) seq: i64,
    pub(crate) id: String,
    pub(crate) content: String,
    /// Whether the bot has to answer.
    pub(crate) respond: bool,
}

impl Room {
    pub(crate) fn new(id: RoomId, user: UserId, token: Token) -> Self {
        Self {
            id,
            user,
            sheet: Sheet::default(),
            acknowledged: Mutex::default(),
            head: watch::Sender::new(0),
            token: Mutex::new(token),
            logins: AtomicU64::new(0),
        }
    }

    /// The token of the newest login, and which one that is.
    pub(crate) fn token(&self) -> (u64, String) {
        let token = self.token.lock().unwrap();
        (self.logins.load(Ordering::SeqCst), token.text.clone())
    }

    /// What was the token until now.
    pub(crate) fn log_in(&self, token: Token) -> Token {
        let mut current = self.token.lock().unwrap();
        self.logins.fetch_add(1, Ordering::SeqCst);
        std::mem::replace(&mut current, token)
    }

    pub(crate) fn acknowledge(&self, message: Acknowledged) {
        self.head.send_if_modified(|head| {
            let rises = message.seq > *head;
            *head = message.seq.max(*head);
            rises
        });
        self.acknowledged.lock().unwrap().push(message);
    }
}
