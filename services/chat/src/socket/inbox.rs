//! The reading part of a connection: what the client says, within the limits of what it may.

use std::sync::atomic::{AtomicBool, Ordering};

use axum::extract::ws::Message as Packet;
use chassis::ApiError;
use chassis::identity::{TokenError, TokenVerifier};
use contract::code::ErrorCode;
use contract::text::{Language, Text};
use futures_util::{Stream, StreamExt as _};
use sqlx::PgPool;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tokio::time::{Instant, sleep_until};

use super::close::{self, Close};
use super::frame::{self, Command, Refused};
use super::outbox::{Note, Notes, until};
use super::post::{Post, on_behalf};
use super::throttle::{Throttle, Verdict};
use super::typing::Typist;
use super::{Opening, Timing};
use crate::error::Error;
use crate::live::{Live, Signal};
use crate::repository::{read_mark, room};

/// The longest frame: ten thousand characters of any kind, escaped in any way that is not wanton.
pub(super) const MAX_FRAME: usize = 64 * 1024;

/// What the reader knows.
pub(super) struct Inbox<'a> {
    pub(super) db: &'a PgPool,
    pub(super) live: &'a Live,
    pub(super) access: &'a TokenVerifier,
    pub(super) opening: &'a Opening,
    pub(super) timing: Timing,
    pub(super) notes: Notes,
    pub(super) posts: mpsc::Sender<Post>,
    /// Shared with the writer.
    pub(super) types: &'a AtomicBool,
    pub(super) typist: &'a mut Typist,
    pub(super) throttle: Throttle,
}

impl Inbox<'_> {
    /// Until the client is gone, or has to go; answered by what to tell it then.
    pub(super) async fn run<S>(mut self, socket: &mut S) -> Option<Close>
    where
        S: Stream<Item = Result<Packet, axum::Error>> + Unpin,
    {
        let mut heard = Instant::now();
        loop {
            let packet = tokio::select! {
                // What has come counts before the time that has passed: the reader may have been kept.
                biased;
                packet = socket.next() => packet,
                () = sleep_until(heard + self.timing.idle) => return Some(close::SILENT),
                () = until(self.typist.due()) => {
                    let told = self.typist.step(Instant::now());
                    self.types(told);
                    continue;
                }
            };
            heard = Instant::now();
            let text = match packet? {
                Ok(Packet::Text(text)) if text.len() <= MAX_FRAME => text,
                Ok(Packet::Text(_)) => return Some(close::TOO_BIG),
                Ok(Packet::Binary(_)) => return Some(close::BINARY),
                Ok(Packet::Close(_)) => return None,
                Ok(Packet::Ping(_) | Packet::Pong(_)) => match self.throttle.take(heard) {
                    Verdict::Pass | Verdict::Refuse => continue,
                    Verdict::Cut => return Some(close::ABUSE),
                },
                Err(error) => return close::of_error(error),
            };
            if let Some(close) = self.take(&text).await {
                return Some(close);
            }
        }
    }

    async fn take(&mut self, text: &str) -> Option<Close> {
        match self.throttle.take(Instant::now()) {
            Verdict::Pass => {}
            Verdict::Refuse => {
                let error = ApiError::new(ErrorCode::RateLimited);
                self.refuse(Refused { error, client_message_id: frame::message_id(text) }).await;
                return None;
            }
            Verdict::Cut => return Some(close::ABUSE),
        }
        // The streams hear of a revocation, too, but nothing may be done in the meantime.
        if let Err(TokenError::Invalid(_)) = self.access.recheck(&self.opening.who).await {
            return Some(close::REVOKED);
        }
        match frame::read(text) {
            Ok(command) => self.obey(command).await,
            Err(refused) => self.refuse(*refused).await,
        }
        None
    }

    async fn obey(&mut self, command: Command) {
        let done = match command {
            Command::Send(post) => return self.post(post).await,
            Command::Typing(typing) => {
                let told = self.typist.say(typing, Instant::now());
                self.types(told);
                Ok(())
            }
            Command::Read(sequence) => {
                on_behalf("websocket read", self.language(), self.mark(sequence)).await
            }
            Command::Resume(after) => {
                on_behalf("websocket resume", self.language(), self.resume(after)).await
            }
        };
        if let Err(error) = done {
            self.refuse(Refused { error: error.into(), client_message_id: None }).await;
        }
    }

    async fn post(&mut self, post: Post) {
        let refused = match self.posts.try_send(post) {
            // Closed: the connection ends anyway.
            Ok(()) | Err(TrySendError::Closed(_)) => return,
            Err(TrySendError::Full(post)) => post.client_message_id,
        };
        let error = ApiError::new(ErrorCode::RateLimited).text(Text::new(
            "아직 저장되지 않은 메시지가 너무 많습니다. 잠시 후 다시 시도해 주세요.",
            "Too many messages wait to be stored. Please try again shortly.",
        ));
        self.refuse(Refused { error, client_message_id: refused }).await;
    }

    /// Streams of the room hear of a mark that has moved.
    async fn mark(&self, sequence: i64) -> Result<(), Error> {
        let (room, user) = (self.opening.room, self.opening.who.sub);
        let mut db = self.db.acquire().await?;
        if let Some(sequence) = read_mark::advance(&mut db, room, user, sequence).await? {
            self.live.tell(room, Signal::Read { user, sequence });
        }
        Ok(())
    }

    /// A client cannot have got what does not exist: it would wait for ever.
    async fn resume(&self, after: i64) -> Result<(), Error> {
        let mut db = self.db.acquire().await?;
        let room = room::find(&mut db, self.opening.room).await?.ok_or(Error::RoomNotFound)?;
        self.notes.send(Note::Resume(after.min(room.last_seq))).await;
        Ok(())
    }

    fn types(&self, told: Option<bool>) {
        self.types.store(self.typist.is_typing(), Ordering::Relaxed);
        if let Some(typing) = told {
            let sender = self.opening.who.sub.as_uuid();
            self.live.tell(self.opening.room, Signal::Typing { sender, typing });
        }
    }

    async fn refuse(&self, refused: Refused) {
        let frame = frame::refusal(&refused.error, refused.client_message_id, self.language());
        self.notes.send(Note::Frame(frame)).await;
    }

    fn language(&self) -> Language {
        self.opening.language
    }
}
