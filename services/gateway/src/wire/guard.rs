//! The socket as hyper sees it: screened on the way in, watched for progress both ways.

use std::cell::Cell;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Instant;

use chassis::traffic;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::framer::{Fed, Framer};
use super::head::{Refusal, find_header};
use crate::tunnel::Entrance;

/// What a client may send behind a head that asks for an upgrade before that is answered. One read more at most.
const MAX_EARLY: usize = 16 * 1024;

/// What the guard, the request handler and the connection's clock know of one connection.
pub(crate) struct Wire {
    /// A request is being answered.
    busy: Cell<bool>,
    /// Requests so far, this one included.
    requests: Cell<u64>,
    /// Which of them asks to speak WebSocket from then on.
    upgrade: Cell<Option<u64>>,
    /// Where the connection leads when that was answered with a yes.
    tunnel: Cell<Option<Entrance>>,
    /// When the connection last became idle or, with part of a head there, when that began to arrive.
    waiting_since: Cell<Instant>,
    /// Part of a head has arrived.
    partial: Cell<bool>,
    /// The client has not taken anything since.
    stalled_since: Cell<Option<Instant>>,
    /// Who wants to know when the answer has ended.
    after_answer: Cell<Option<Waker>>,
}

/// What a connection is waiting for, and since when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Waiting {
    Request(Instant),
    RestOfHead(Instant),
    ClientToRead(Instant),
    Answer,
}

impl Wire {
    pub(crate) fn new(now: Instant) -> Rc<Self> {
        Rc::new(Self {
            busy: Cell::new(false),
            requests: Cell::new(0),
            upgrade: Cell::new(None),
            tunnel: Cell::default(),
            waiting_since: Cell::new(now),
            partial: Cell::new(false),
            stalled_since: Cell::new(None),
            after_answer: Cell::default(),
        })
    }

    pub(crate) fn request_begins(&self) {
        self.busy.set(true);
        self.requests.set(self.requests.get() + 1);
    }

    /// Whether the request that is being answered is one to speak WebSocket. Nothing behind its head is HTTP.
    pub(crate) fn upgrade_is_asked(&self) -> bool {
        self.upgrade.get() == Some(self.requests.get())
    }

    /// Says that the answer in progress switches protocols.
    pub(crate) fn open_tunnel(&self, entrance: Entrance) {
        self.tunnel.set(Some(entrance));
    }

    pub(crate) fn take_tunnel(&self) -> Option<Entrance> {
        self.tunnel.take()
    }

    pub(crate) fn answer_ends(&self) {
        self.busy.set(false);
        self.waiting_since.set(Instant::now());
        if let Some(waker) = self.after_answer.take() {
            waker.wake();
        }
    }

    /// Part of an answer is still on its way to the client.
    fn is_answering(&self) -> bool {
        self.busy.get() || self.stalled_since.get().is_some()
    }

    pub(crate) fn waiting(&self) -> Waiting {
        let since = self.waiting_since.get();
        match (self.stalled_since.get(), self.busy.get(), self.partial.get()) {
            (Some(stalled), ..) => Waiting::ClientToRead(stalled),
            (None, true, _) => Waiting::Answer,
            (None, false, true) => Waiting::RestOfHead(since),
            (None, false, false) => Waiting::Request(since),
        }
    }
}

pub(crate) struct Guard {
    stream: TcpStream,
    framer: Framer,
    /// Passed by the framer and not yet taken by hyper.
    ready: Vec<u8>,
    wire: Rc<Wire>,
}

impl Guard {
    pub(crate) fn new(stream: TcpStream, wire: Rc<Wire>) -> Self {
        Self { stream, framer: Framer::new(), ready: Vec::new(), wire }
    }

    /// Why the connection cannot go on, once everything before that was answered.
    pub(crate) fn refusal(&self) -> Option<Refusal> {
        self.framer.refusal()
    }

    /// A header of the head that was refused or never finished.
    pub(crate) fn held_header(&self, name: &str) -> Option<&[u8]> {
        find_header(self.framer.held(), name)
    }

    pub(crate) fn into_stream(self) -> TcpStream {
        self.stream
    }

    /// The socket, and what the client sent behind a head that asks for an upgrade.
    pub(crate) fn into_tunnel(self) -> (TcpStream, Vec<u8>) {
        (self.stream, self.framer.into_held())
    }

    fn hand_out(&mut self, buf: &mut ReadBuf<'_>) {
        let count = self.ready.len().min(buf.remaining());
        buf.put_slice(&self.ready[..count]);
        self.ready.drain(..count);
    }

    fn note_arrival(&self) {
        let upgrade = self.framer.upgrade();
        self.wire.upgrade.set(upgrade);
        let partial = upgrade.is_none() && !self.framer.held().is_empty();
        if partial && !self.wire.partial.get() && !self.wire.busy.get() {
            self.wire.waiting_since.set(Instant::now());
        }
        self.wire.partial.set(partial);
    }

    fn note_progress(&self, written: &Poll<io::Result<usize>>) {
        if let Poll::Ready(Ok(bytes)) = written {
            traffic::sent(*bytes);
        }
        let stalled = &self.wire.stalled_since;
        match written {
            Poll::Ready(_) => stalled.set(None),
            Poll::Pending => stalled.set(stalled.get().or_else(|| Some(Instant::now()))),
        }
    }
}

impl AsyncRead for Guard {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        loop {
            if !this.ready.is_empty() {
                this.hand_out(buf);
                return Poll::Ready(Ok(()));
            }
            if this.framer.refusal().is_some() {
                // An error now would cut the answer in progress.
                return if this.wire.is_answering() {
                    this.wire.after_answer.set(Some(cx.waker().clone()));
                    Poll::Pending
                } else {
                    Poll::Ready(Err(io::ErrorKind::InvalidData.into()))
                };
            }
            // hyper only looks whether the client is still there; that can wait for the answer.
            if this.framer.upgrade().is_some() && this.framer.held().len() >= MAX_EARLY {
                return Poll::Pending;
            }
            let before = buf.filled().len();
            ready!(Pin::new(&mut this.stream).poll_read(cx, buf))?;
            if buf.filled().len() == before {
                return Poll::Ready(Ok(()));
            }
            traffic::received(buf.filled().len() - before);
            match this.framer.feed(&buf.filled()[before..]) {
                Fed::Pass(count) => buf.set_filled(before + count),
                Fed::Release(bytes) => {
                    buf.set_filled(before);
                    this.ready = bytes;
                }
            }
            this.note_arrival();
            if buf.filled().len() > before {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

impl AsyncWrite for Guard {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write(cx, bytes);
        this.note_progress(&written);
        written
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write_vectored(cx, slices);
        this.note_progress(&written);
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    /// Closing is the connection's business: it may have an answer of its own to send first.
    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
