//! One connection from its handshake to its end, whichever way it ends.

use std::pin::pin;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use axum::extract::ws::{Message as Packet, WebSocket};
use futures_util::{Sink, SinkExt as _, Stream, StreamExt as _};
use metrics::{counter, gauge};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};

use super::close::{self, Close};
use super::inbox::Inbox;
use super::outbox::{Notes, Outbox};
use super::post::Poster;
use super::sockets::{Opening, Sockets};
use super::throttle::Throttle;
use super::typing::Typist;
use crate::live::Signal;

/// Connections that are open now.
const OPEN: &str = "chat_sockets_open";
/// Connections that have ended, by the code we closed them with; 1000 is the client's own end.
const CLOSED: &str = "chat_sockets_closed_total";
/// Messages of one connection that wait to be stored. A person does not get that far.
const POSTS: usize = 32;
/// For the client's half of the farewell. Without it the close frame may not arrive.
const FAREWELL: Duration = Duration::from_secs(2);
/// For storing what came before the end.
const LAST_POSTS: Duration = Duration::from_secs(8);

/// Counts a connection for as long as it is there.
struct Counted;

impl Counted {
    fn new() -> Self {
        gauge!(OPEN).increment(1.0);
        Self
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        gauge!(OPEN).decrement(1.0);
    }
}

pub(super) async fn run(sockets: &Sockets, socket: WebSocket, opening: Opening) {
    let _counted = Counted::new();
    let present = sockets.presence.enter(opening.room, opening.who.sub);
    let (mut sink, mut stream) = socket.split();
    let (types, mut typist) = (AtomicBool::new(false), Typist::default());
    let (notes, waiting) = Notes::channel();
    let (posts, to_store) = mpsc::channel(POSTS);
    let poster = Poster {
        posting: sockets.posting.clone(),
        room: opening.room,
        user: opening.who.sub,
        language: opening.language,
    };
    let mut storing = pin!(poster.run(to_store, notes.clone()));
    let outbox = Outbox::new(&sockets.live, &opening, waiting, sockets.timing, &types);
    let inbox = Inbox {
        db: &sockets.db,
        live: &sockets.live,
        access: &sockets.access,
        opening: &opening,
        timing: sockets.timing,
        notes,
        posts,
        types: &types,
        typist: &mut typist,
        throttle: Throttle::new(Instant::now()),
    };
    // Whichever ends first drops the others, and with them the subscription and the way to the poster.
    let close = tokio::select! {
        close = inbox.run(&mut stream) => close,
        close = outbox.run(&mut sink) => close,
        // It has nothing more to do only when the reader is gone.
        () = &mut storing => None,
    };
    if typist.leave() {
        let sender = opening.who.sub.as_uuid();
        sockets.live.tell(opening.room, Signal::Typing { sender, typing: false });
    }
    drop(present);
    counter!(CLOSED, "code" => close.map_or(1000, |close| close.code).to_string()).increment(1);
    let rest = async {
        // Whose token was revoked says nothing more. Whatever is cut off here was not acknowledged.
        if close != Some(close::REVOKED) {
            let _ = timeout(LAST_POSTS, storing).await;
        }
    };
    tokio::join!(farewell(sink, stream, close), rest);
}

/// Says why, and waits a moment for the client's answer: closing with anything unread would make the system throw
/// away what is still on its way to the client.
async fn farewell(
    mut sink: impl Sink<Packet> + Unpin,
    mut stream: impl Stream<Item = Result<Packet, axum::Error>> + Unpin,
    close: Option<Close>,
) {
    let said = async {
        if let Some(close) = close
            && sink.send(close.frame()).await.is_err()
        {
            return;
        }
        while let Some(Ok(_)) = stream.next().await {}
    };
    // Who does not answer is left.
    let _ = timeout(FAREWELL, said).await;
}
