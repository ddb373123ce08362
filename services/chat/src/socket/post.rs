//! Storing what a connection sends: one after the other, so that its order is that of the room.

use chassis::ApiError;
use chassis::context::{self, RequestContext};
use chassis::trace::{Kind, Span, TraceContext};
use contract::id::{RoomId, UserId};
use contract::text::Language;
use tokio::sync::mpsc::Receiver;

use super::frame;
use super::outbox::{Note, Notes};
use crate::domain::message::Composed;
use crate::posting::{New, Posting};

/// What a `send` frame asks for.
#[derive(Debug)]
pub(super) struct Post {
    pub(super) composed: Composed,
    /// As the client wrote it, for the answer.
    pub(super) client_message_id: Option<String>,
    pub(super) turn: bool,
}

/// Where posts go.
pub(super) struct Poster {
    pub(super) posting: Posting,
    pub(super) room: RoomId,
    pub(super) user: UserId,
    pub(super) language: Language,
}

impl Poster {
    /// Until nobody sends any more. What was taken is stored even if its sender is gone by then.
    pub(super) async fn run(self, mut posts: Receiver<Post>, notes: Notes) {
        while let Some(Post { composed, client_message_id, turn }) = posts.recv().await {
            let new = New { room: self.room, sender: self.user, composed, turn };
            let posted = on_behalf("websocket send", self.language, self.posting.post(new)).await;
            let note = match posted {
                Ok(posted) => Note::Ack {
                    frame: frame::ack(client_message_id.as_deref(), &posted.message),
                    answered: posted.answered,
                },
                Err(error) => {
                    Note::Frame(frame::refusal(&ApiError::from(error), client_message_id, self.language))
                }
            };
            notes.send(note).await;
        }
    }
}

/// Each frame has a trace and the time of a request of its own.
pub(super) async fn on_behalf<T, E>(
    name: &'static str,
    language: Language,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    let mut trace = TraceContext::start();
    let mut span = Span::own(Kind::Server, name, &mut trace);
    span.set("network.protocol.name", "websocket");
    let context = RequestContext { language, ..RequestContext::of_our_own(trace) };
    // A refusal is a good answer; what failed below has a span that says so.
    let done = Box::pin(context::scope(context, work)).await;
    span.end();
    done
}
