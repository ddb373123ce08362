//! The writing part of a connection: messages as the socket takes them, and notes from the other parts between.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::extract::ws::{Message as Packet, Utf8Bytes};
use bytes::Bytes;
use contract::chat::ServerFrame;
use contract::id::{RoomId, UserId};
use futures_util::{Sink, SinkExt as _};
use tokio::sync::mpsc;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at, sleep_until, timeout};
use uuid::Uuid;

use super::close::{self, Close};
use super::typing::{Kind, Typists};
use super::{Opening, Timing, frame};
use crate::live::{Entry, Live, Signal, Subscription, Update};
use crate::turn::Answered;

/// A bot's answer that comes before the client is ready for it is lost on some.
const REPLY_AFTER: Duration = Duration::from_millis(300);
/// Who is still connected so long after an answer was sent has got it.
const DELIVERED_AFTER: Duration = Duration::from_secs(2);
/// Answers within this time count as one when they are delivered.
const DELIVERED_TOGETHER: Duration = Duration::from_millis(100);
/// And so many at most.
const TOGETHER: usize = 64;
/// Notes that wait for the socket; whoever has one more waits too.
const WAITING: usize = 32;

/// What the other parts of a connection have for the client.
#[derive(Debug)]
pub(super) enum Note {
    Frame(Utf8Bytes),
    /// What the client sent is stored. The bot's answer waits until it knows.
    Ack {
        frame: Utf8Bytes,
        answered: Option<Answered>,
    },
    /// Messages behind this one follow.
    Resume(i64),
}

/// The way to the writer. Cheap to clone.
#[derive(Clone)]
pub(super) struct Notes(mpsc::Sender<Note>);

impl Notes {
    pub(super) fn channel() -> (Self, mpsc::Receiver<Note>) {
        let (sender, receiver) = mpsc::channel(WAITING);
        (Self(sender), receiver)
    }

    pub(super) async fn send(&self, note: Note) {
        // Without a writer the connection is over, and nobody misses the note.
        let _ = self.0.send(note).await;
    }
}

/// Why writing ended without a farewell of ours.
enum Broken {
    /// The client does not read.
    Stalled,
    /// There is no client any more.
    Gone,
}

/// What the writer knows.
pub(super) struct Outbox<'a> {
    live: Live,
    room: RoomId,
    user: UserId,
    subscription: Subscription,
    notes: mpsc::Receiver<Note>,
    timing: Timing,
    opened: Instant,
    /// Whether this client types, so that it is not told of itself.
    types: &'a AtomicBool,
    typists: Typists,
    online: Vec<UserId>,
    /// Answers that were sent, by when they count as delivered.
    sent: VecDeque<(Instant, Vec<i64>)>,
}

impl<'a> Outbox<'a> {
    pub(super) fn new(
        live: &Live,
        opening: &Opening,
        notes: mpsc::Receiver<Note>,
        timing: Timing,
        types: &'a AtomicBool,
    ) -> Self {
        Self {
            live: live.clone(),
            room: opening.room,
            user: opening.who.sub,
            subscription: live.subscribe(opening.room, opening.who.clone(), opening.after),
            notes,
            timing,
            opened: Instant::now(),
            types,
            typists: Typists::default(),
            online: Vec::new(),
            sent: VecDeque::new(),
        }
    }

    /// Until something ends the connection; answered by what to tell the client then.
    pub(super) async fn run<S>(mut self, socket: &mut S) -> Option<Close>
    where
        S: Sink<Packet> + Unpin,
    {
        let mut wire = Wire { socket, limit: self.timing.stall };
        match self.write(&mut wire).await {
            Ok(close) => Some(close),
            Err(Broken::Stalled) => Some(close::STALLED),
            Err(Broken::Gone) => None,
        }
    }

    async fn write<S>(&mut self, wire: &mut Wire<'_, S>) -> Result<Close, Broken>
    where
        S: Sink<Packet> + Unpin,
    {
        let last_sequence = self.subscription.cursor();
        wire.frame(frame::write(&ServerFrame::Ready { last_sequence })).await?;
        let mut pings = pings(self.timing.ping);
        loop {
            wire.flush().await?;
            tokio::select! {
                Some(note) = self.notes.recv() => self.note(wire, note).await?,
                update = self.subscription.next() => match update {
                    Update::Messages(messages) => self.messages(wire, &messages).await?,
                    Update::Signal(signal) => self.signal(wire, &signal).await?,
                    Update::Ended(end) => return Ok(end.into()),
                },
                _ = pings.tick() => wire.send(Packet::Ping(Bytes::new())).await?,
                () = until(self.typists.due()) => {
                    for sender in self.typists.expired(Instant::now()) {
                        wire.frame(typing(sender, false)).await?;
                    }
                }
                () = until(self.sent.front().map(|(due, _)| *due)) => {
                    if let Some((_, answers)) = self.sent.pop_front() {
                        self.live.delivered(self.room, answers);
                    }
                }
            }
        }
    }

    async fn note<S>(&mut self, wire: &mut Wire<'_, S>, note: Note) -> Result<(), Broken>
    where
        S: Sink<Packet> + Unpin,
    {
        match note {
            Note::Frame(frame) => wire.frame(frame).await,
            Note::Ack { frame, answered } => {
                wire.frame(frame).await?;
                wire.flush().await?;
                drop(answered);
                Ok(())
            }
            Note::Resume(after) => {
                self.subscription.resume(after);
                Ok(())
            }
        }
    }

    async fn messages<S>(&mut self, wire: &mut Wire<'_, S>, messages: &[Arc<Entry>]) -> Result<(), Broken>
    where
        S: Sink<Packet> + Unpin,
    {
        for message in messages {
            if message.is_reply() && self.opened.elapsed() < REPLY_AFTER {
                wire.flush().await?;
                sleep_until(self.opened + REPLY_AFTER).await;
            }
            // Who has said it does not type it any more.
            if let Some(sender) = message.sender_id
                && self.typists.hear(sender, self.kind(sender), false, Instant::now())
            {
                wire.frame(typing(sender, false)).await?;
            }
            wire.frame(message.frame()).await?;
            if message.is_reply() {
                self.note_sent(message.seq());
            }
        }
        Ok(())
    }

    async fn signal<S>(&mut self, wire: &mut Wire<'_, S>, signal: &Signal) -> Result<(), Broken>
    where
        S: Sink<Packet> + Unpin,
    {
        let frame = match *signal {
            Signal::Typing { sender, typing: types } => {
                let own = sender == self.user.as_uuid() && self.types.load(Ordering::Relaxed);
                if own || !self.typists.hear(sender, self.kind(sender), types, Instant::now()) {
                    return Ok(());
                }
                typing(sender, types)
            }
            Signal::Read { user, sequence } => frame::write(&ServerFrame::Read { user_id: user, sequence }),
            Signal::Presence { ref online } if self.online == *online => return Ok(()),
            Signal::Presence { ref online } => {
                self.online.clone_from(online);
                frame::write(&ServerFrame::Presence { online: online.clone() })
            }
        };
        wire.frame(frame).await
    }

    fn kind(&self, sender: Uuid) -> Kind {
        if sender == self.user.as_uuid() { Kind::Learner } else { Kind::Bot }
    }

    fn note_sent(&mut self, sequence: i64) {
        let due = Instant::now() + DELIVERED_AFTER;
        match self.sent.back_mut() {
            Some((last, answers)) if answers.len() < TOGETHER && due - *last < DELIVERED_TOGETHER => {
                *last = due;
                answers.push(sequence);
            }
            _ => self.sent.push_back((due, vec![sequence])),
        }
    }
}

fn typing(sender: Uuid, typing: bool) -> Utf8Bytes {
    frame::write(&ServerFrame::Typing { sender_id: sender, typing })
}

fn pings(every: Duration) -> Interval {
    let mut pings = interval_at(Instant::now() + every, every);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    pings
}

/// Never, without a time.
pub(super) async fn until(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due).await,
        None => std::future::pending().await,
    }
}

/// The socket, which may take its time, but not forever.
struct Wire<'a, S> {
    socket: &'a mut S,
    limit: Duration,
}

impl<S: Sink<Packet> + Unpin> Wire<'_, S> {
    async fn frame(&mut self, text: Utf8Bytes) -> Result<(), Broken> {
        self.send(Packet::Text(text)).await
    }

    /// Into the socket's buffer, once that has room.
    async fn send(&mut self, packet: Packet) -> Result<(), Broken> {
        within(self.limit, self.socket.feed(packet)).await
    }

    async fn flush(&mut self) -> Result<(), Broken> {
        within(self.limit, self.socket.flush()).await
    }
}

async fn within<E>(limit: Duration, work: impl Future<Output = Result<(), E>>) -> Result<(), Broken> {
    match timeout(limit, work).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) => Err(Broken::Gone),
        Err(_elapsed) => Err(Broken::Stalled),
    }
}
