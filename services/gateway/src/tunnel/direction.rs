//! One way through a tunnel: what is read on one side is written on the other, before anything more is read.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use tokio::io::{AsyncRead as _, AsyncWrite as _, ReadBuf};
use tokio::net::tcp::{ReadHalf, WriteHalf};

/// Reads of one poll. Together with the writes of both directions well below the 128 operations that a task has
/// before it must give way, so that its clock and the drain are heard, too.
const ROUNDS: usize = 16;

pub(super) struct Direction {
    state: State,
    /// Read and not yet taken by the other side: never more than one read. No memory is held unless that side is slow.
    held: Vec<u8>,
    /// How much of that was taken.
    taken: usize,
    moved_at: Instant,
    blocked_since: Option<Instant>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    /// Nothing is read any more: what is held goes on, then its end.
    Ending,
    Ended,
}

/// Which side of a direction broke.
#[derive(Debug)]
pub(super) enum Broken {
    Source(io::Error),
    Sink(io::Error),
}

/// What passes of the bytes that were read.
pub(super) enum Passing {
    All,
    /// The first ones, then these, then nothing any more.
    Last(usize, &'static [u8]),
}

impl Direction {
    /// `early` has been read already.
    pub(super) fn open(early: Vec<u8>, now: Instant) -> Self {
        Self { state: State::Open, held: early, taken: 0, moved_at: now, blocked_since: None }
    }

    pub(super) fn is_open(&self) -> bool {
        self.state == State::Open
    }

    pub(super) fn has_ended(&self) -> bool {
        self.state == State::Ended
    }

    /// When a byte was last read or written.
    pub(super) fn moved_at(&self) -> Instant {
        self.moved_at
    }

    /// Since when the other side has not taken what is held.
    pub(super) fn blocked_since(&self) -> Option<Instant> {
        self.blocked_since
    }

    /// Reads no more; `last` goes out behind what is held.
    pub(super) fn end_with(&mut self, last: &[u8]) {
        if self.state == State::Open {
            self.held.extend_from_slice(last);
            self.state = State::Ending;
        }
    }

    /// Neither reads nor writes any more.
    pub(super) fn stop(&mut self) {
        self.held = Vec::new();
        self.blocked_since = None;
        self.state = State::Ended;
    }

    /// Moves bytes until this ends. `look` sees all of them in their order.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        (from, to): (&mut ReadHalf<'_>, &mut WriteHalf<'_>),
        scratch: &mut [u8],
        mut look: impl FnMut(&[u8]) -> Passing,
    ) -> Poll<Result<(), Broken>> {
        for _ in 0..ROUNDS {
            ready!(self.flush(cx, to)).map_err(Broken::Sink)?;
            match self.state {
                State::Open => {}
                State::Ending => {
                    ready!(Pin::new(&mut *to).poll_shutdown(cx)).map_err(Broken::Sink)?;
                    self.state = State::Ended;
                    return Poll::Ready(Ok(()));
                }
                State::Ended => return Poll::Ready(Ok(())),
            }
            let mut buffer = ReadBuf::new(scratch);
            ready!(Pin::new(&mut *from).poll_read(cx, &mut buffer)).map_err(Broken::Source)?;
            let bytes = buffer.filled();
            if bytes.is_empty() {
                self.state = State::Ending;
                continue;
            }
            self.moved_at = Instant::now();
            match look(bytes) {
                Passing::All => self.pass(cx, to, bytes)?,
                Passing::Last(count, last) => {
                    self.pass(cx, to, &bytes[..count])?;
                    self.end_with(last);
                }
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Writes what can be written at once and holds the rest.
    fn pass(&mut self, cx: &mut Context<'_>, to: &mut WriteHalf<'_>, bytes: &[u8]) -> Result<(), Broken> {
        let written = match Pin::new(to).poll_write(cx, bytes) {
            Poll::Ready(written) => written.map_err(Broken::Sink)?,
            Poll::Pending => 0,
        };
        self.held.extend_from_slice(&bytes[written..]);
        Ok(())
    }

    fn flush(&mut self, cx: &mut Context<'_>, to: &mut WriteHalf<'_>) -> Poll<io::Result<()>> {
        while self.taken < self.held.len() {
            let Poll::Ready(written) = Pin::new(&mut *to).poll_write(cx, &self.held[self.taken..]) else {
                self.blocked_since.get_or_insert_with(Instant::now);
                return Poll::Pending;
            };
            self.taken += written?;
            self.moved_at = Instant::now();
            self.blocked_since = None;
        }
        if !self.held.is_empty() {
            (self.held, self.taken) = (Vec::new(), 0);
        }
        Poll::Ready(Ok(()))
    }
}
