//! Bodies on their way through: bounded going up, timed coming down, never collected.

use std::cell::Cell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use thiserror::Error;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::endpoint::Lease;
use crate::metrics::{InFlight, Meter};
use crate::patience::Patience;
use crate::wire::Wire;

#[derive(Debug, Error)]
pub(crate) enum BodyFault {
    #[error("the request's body exceeds the limit")]
    TooLarge,
    #[error("the client broke off its body")]
    Client(#[source] hyper::Error),
    #[error("the service broke off its answer")]
    Upstream(#[source] hyper::Error),
    #[error("the service's answer took too long")]
    TooSlow,
    #[error("the gateway's own answer broke off")]
    Local(#[source] axum::Error),
}

/// How far a request's body has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Upload {
    Flowing,
    /// We wait for the client to send more.
    Awaited,
    Done,
    TooLarge,
    Broken,
}

/// A request's body, at most as long as allowed.
pub(crate) struct RequestBody {
    incoming: Option<Incoming>,
    left: u64,
    upload: Rc<Cell<Upload>>,
}

impl RequestBody {
    pub(crate) fn new(incoming: Incoming, limit: u64) -> Self {
        let incoming = (!incoming.is_end_stream()).then_some(incoming);
        let state = if incoming.is_some() { Upload::Flowing } else { Upload::Done };
        Self { incoming, left: limit, upload: Rc::new(Cell::new(state)) }
    }

    pub(crate) fn empty() -> Self {
        Self { incoming: None, left: 0, upload: Rc::new(Cell::new(Upload::Done)) }
    }

    pub(crate) fn upload(&self) -> Rc<Cell<Upload>> {
        Rc::clone(&self.upload)
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = BodyFault;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyFault>>> {
        let this = self.get_mut();
        let Some(incoming) = &mut this.incoming else {
            return Poll::Ready(None);
        };
        let Poll::Ready(frame) = Pin::new(incoming).poll_frame(cx) else {
            this.upload.set(Upload::Awaited);
            return Poll::Pending;
        };
        let (state, out) = match frame {
            // Trailers could smuggle in headers that were removed from the head.
            None => (Upload::Done, None),
            Some(Ok(frame)) => match frame.into_data() {
                Err(_trailers) => (Upload::Done, None),
                Ok(data) if data.len() as u64 > this.left => {
                    (Upload::TooLarge, Some(Err(BodyFault::TooLarge)))
                }
                Ok(data) => {
                    this.left -= data.len() as u64;
                    let done = this.incoming.as_ref().is_some_and(Incoming::is_end_stream);
                    (if done { Upload::Done } else { Upload::Flowing }, Some(Ok(Frame::data(data))))
                }
            },
            Some(Err(error)) => (Upload::Broken, Some(Err(BodyFault::Client(error)))),
        };
        this.upload.set(state);
        Poll::Ready(out)
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.as_ref().is_none_or(Incoming::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}

/// The body of a service's answer.
pub(crate) struct Streamed {
    incoming: Incoming,
    patience: Patience,
    timer: Option<Pin<Box<Sleep>>>,
    ended: bool,
    /// Goes back to the pool when the answer was read to its end.
    lease: Option<Lease>,
}

impl Streamed {
    pub(crate) fn new(incoming: Incoming, patience: Patience, lease: Lease) -> Self {
        Self { incoming, patience, timer: None, ended: false, lease: Some(lease) }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyFault>>> {
        match Pin::new(&mut self.incoming).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) if frame.is_data() => {
                if let (Patience::Events(events), Some(data)) = (&mut self.patience, frame.data_ref()) {
                    self.timer = None;
                    events.follow(data);
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(error))) => Poll::Ready(Some(Err(BodyFault::Upstream(error)))),
            // Trailers stay here: they may name anything.
            Poll::Ready(Some(Ok(_)) | None) => {
                self.ended = true;
                Poll::Ready(None)
            }
            Poll::Pending => {
                let until = match &mut self.patience {
                    Patience::Until(deadline) => *deadline,
                    Patience::Events(events) => {
                        if events.end(cx) {
                            return Poll::Ready(None);
                        }
                        Instant::now() + events.pause()
                    }
                };
                let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(until)));
                ready!(timer.as_mut().poll(cx));
                Poll::Ready(Some(Err(BodyFault::TooSlow)))
            }
        }
    }
}

impl Drop for Streamed {
    fn drop(&mut self) {
        if let Some(lease) = self.lease.take()
            && (self.ended || self.incoming.is_end_stream())
        {
            lease.give_back();
        }
    }
}

enum Source {
    Held(Option<Bytes>),
    Streamed(Box<Streamed>),
    Local(axum::body::Body),
}

/// The body of an answer, whoever made it. Its end is the end of the request.
pub(crate) struct AnswerBody {
    source: Source,
    end: Option<End>,
}

/// What is told when an answer has ended.
pub(crate) struct End {
    pub(crate) wire: Rc<Wire>,
    /// Absent when somebody else counts the request.
    pub(crate) meter: Option<Meter>,
    /// Absent when somebody else counts the request.
    pub(crate) in_flight: Option<InFlight>,
}

impl AnswerBody {
    pub(crate) fn held(bytes: Bytes) -> Self {
        Self { source: Source::Held(Some(bytes).filter(|bytes| !bytes.is_empty())), end: None }
    }

    pub(crate) fn streamed(body: Streamed) -> Self {
        Self { source: Source::Streamed(Box::new(body)), end: None }
    }

    pub(crate) fn local(body: axum::body::Body) -> Self {
        Self { source: Source::Local(body), end: None }
    }

    pub(crate) fn on_end(&mut self, end: End) {
        self.end = Some(end);
    }

    /// The bytes of an answer that the gateway made itself.
    pub(crate) fn held_bytes(&self) -> &[u8] {
        match &self.source {
            Source::Held(Some(bytes)) => bytes,
            Source::Held(None) | Source::Streamed(_) | Source::Local(_) => &[],
        }
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = BodyFault;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyFault>>> {
        match &mut self.get_mut().source {
            Source::Held(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Source::Streamed(body) => body.poll(cx),
            Source::Local(body) => {
                let frame = ready!(Pin::new(body).poll_frame(cx));
                Poll::Ready(frame.map(|frame| frame.map_err(BodyFault::Local)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.source {
            Source::Held(bytes) => bytes.is_none(),
            Source::Streamed(body) => body.incoming.is_end_stream(),
            Source::Local(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            Source::Held(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Source::Streamed(body) => body.incoming.size_hint(),
            Source::Local(body) => body.size_hint(),
        }
    }
}

impl Drop for AnswerBody {
    fn drop(&mut self) {
        if let Some(End { wire, meter, in_flight: _counted }) = self.end.take() {
            wire.answer_ends();
            if let Some(meter) = meter {
                meter.record();
            }
        }
    }
}
