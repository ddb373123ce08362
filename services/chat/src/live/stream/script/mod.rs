//! What a stream sends, and when. Pure: it is told the time.
//!
//! The web client loses events that arrive before its POST was answered or just after it has opened its stream, and
//! it reconnects with a fresh request and no last id. So a turn's events wait until the stream has been open for a
//! while, a fresh stream gets those of turns that are owed, and a turn is owed until a stream that got it has
//! lived on.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use contract::chat::{Message, SenderType, event};
use tokio::time::Instant;

use crate::live::entry::Entry;
use crate::live::sse;
use crate::live::update::{End, Update};

/// No reply, and no owed turn, goes out before.
const SETTLED: Duration = Duration::from_millis(300);
/// What a room begins with goes out then, if its user has said nothing.
const GREETING: Duration = Duration::from_secs(1);
/// A stream that is open for so long after a reply has got it.
const GOT: Duration = Duration::from_secs(2);
/// Replies that go out within this time count as one when they are got.
const GOT_TOGETHER: Duration = Duration::from_millis(100);
/// Silence is never longer.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// Messages that wait, behind a reply that is held back, before no more are taken.
const WAITING: usize = 64;

/// What a stream begins with.
#[derive(Debug, Default)]
pub struct Opening {
    /// Messages behind this one follow.
    pub last_sequence: i64,
    /// Replies up to there that no stream got so far, oldest first.
    pub owed: Vec<Message>,
    /// The first messages of a room whose user has said nothing; none for a stream that resumes.
    pub greetings: Vec<Message>,
}

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    Send(Bytes),
    /// The stream has got the replies with these sequences.
    Got(Vec<i64>),
    /// Nothing before this moment, unless something is brought.
    Wait(Instant),
    /// End the body.
    Close,
}

/// Replies that went out shortly after each other.
#[derive(Debug)]
struct Sent {
    first: Instant,
    last: Instant,
    replies: Vec<i64>,
}

/// One stream's script.
#[derive(Debug)]
pub struct Script {
    opened: Instant,
    /// Something was sent then.
    last: Instant,
    ready: Option<i64>,
    owed: VecDeque<Message>,
    greetings: VecDeque<Message>,
    waiting: VecDeque<Arc<Entry>>,
    /// Replies that were sent.
    replies: VecDeque<Sent>,
    end: Option<End>,
    /// In milliseconds, for clients of an instance that stops; `None` once it is said.
    retry: Option<u64>,
}

impl Script {
    /// `retry` differs between streams, so that the clients of an instance that stops do not all come back at once.
    pub fn new(opening: Opening, retry: u64, now: Instant) -> Self {
        Self {
            opened: now,
            last: now,
            ready: Some(opening.last_sequence),
            owed: opening.owed.into(),
            greetings: opening.greetings.into(),
            waiting: VecDeque::new(),
            replies: VecDeque::new(),
            end: None,
            retry: Some(retry),
        }
    }

    /// Whether more should be taken from the subscription.
    pub fn takes_more(&self) -> bool {
        self.waiting.len() < WAITING && self.end.is_none()
    }

    /// Something that the subscription has brought.
    pub fn take(&mut self, update: Update) {
        match update {
            Update::Messages(entries) => {
                if entries.iter().any(|entry| entry.sender_type == SenderType::User) {
                    self.greetings.clear();
                }
                self.waiting.extend(entries);
            }
            // Of the moment, and for WebSockets.
            Update::Signal(_) => {}
            Update::Ended(end) => self.end = Some(end),
        }
    }

    /// What to do now; ask again after everything but [`Step::Wait`] and [`Step::Close`].
    pub fn step(&mut self, now: Instant) -> Step {
        if let Some(end) = self.end {
            return self.farewell(end);
        }
        if let Some(sent) = self.replies.pop_front_if(|sent| now >= sent.last + GOT) {
            return Step::Got(sent.replies);
        }
        match self.next_event(now) {
            Some(event) => {
                self.last = now;
                Step::Send(event)
            }
            None => Step::Wait(self.next_moment(now)),
        }
    }

    fn farewell(&mut self, end: End) -> Step {
        match (end, self.retry.take()) {
            (End::Stopping, Some(retry)) => Step::Send(sse::retry(retry)),
            (End::Stopping | End::Left | End::Revoked, _) => Step::Close,
        }
    }

    fn next_event(&mut self, now: Instant) -> Option<Bytes> {
        if let Some(last_sequence) = self.ready.take() {
            return Some(sse::ready(last_sequence));
        }
        let is_settled = now >= self.opened + SETTLED;
        if is_settled && let Some(reply) = self.owed.pop_front() {
            self.note_sent(now, reply.sequence_number);
            return Some(sse::turn(&reply));
        }
        if let Some(entry) = self.waiting.pop_front_if(|entry| is_settled || !entry.is_reply()) {
            if entry.is_reply() {
                self.note_sent(now, entry.seq());
            }
            return Some(entry.event());
        }
        if now >= self.opened + GREETING
            && let Some(message) = self.greetings.pop_front()
        {
            let name = match message.sender_type {
                SenderType::Bot => event::GREETING_BOT_MESSAGE,
                SenderType::System | SenderType::User => event::GREETING_GUIDE_MESSAGE,
            };
            return Some(sse::greeting(name, &message));
        }
        (now >= self.last + HEARTBEAT).then_some(sse::PING)
    }

    fn note_sent(&mut self, now: Instant, reply: i64) {
        match self.replies.back_mut() {
            Some(sent) if now < sent.first + GOT_TOGETHER => {
                sent.last = now;
                sent.replies.push(reply);
            }
            _ => self.replies.push_back(Sent { first: now, last: now, replies: vec![reply] }),
        }
    }

    fn next_moment(&self, now: Instant) -> Instant {
        let settled = (!self.owed.is_empty() || !self.waiting.is_empty()).then_some(self.opened + SETTLED);
        let greeting = (!self.greetings.is_empty()).then_some(self.opened + GREETING);
        let got = self.replies.front().map(|sent| sent.last + GOT);
        [settled, greeting, got]
            .into_iter()
            .flatten()
            .filter(|at| *at > now)
            .fold(self.last + HEARTBEAT, Instant::min)
    }
}

#[cfg(test)]
mod tests;
