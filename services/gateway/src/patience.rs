//! How long an answer's body may take, and where a stream of events may end.

use std::pin::Pin;
use std::task::Context;
use std::time::Duration;

use chassis::shutdown::Drain;
use tokio::time::Instant;

/// How long a service may take for its answer's body.
pub(crate) enum Patience {
    /// All of it comes by then.
    Until(Instant),
    /// It has no end to wait for.
    Events(Events),
}

pub(crate) struct Events {
    pause: Duration,
    /// When the gateway stops, the stream ends behind an event: the client asks the next gateway for the rest.
    leaving: Pin<Box<dyn Future<Output = ()>>>,
    /// The last bytes that came: an event may come in pieces.
    tail: [u8; 4],
}

impl Events {
    /// Something comes at least every `pause`.
    pub(crate) fn new(pause: Duration, drain: Drain) -> Self {
        Self { pause, leaving: Box::pin(async move { drain.begun().await }), tail: *b"\n\n\n\n" }
    }

    pub(crate) fn pause(&self) -> Duration {
        self.pause
    }

    pub(crate) fn follow(&mut self, data: &[u8]) {
        for byte in &data[data.len().saturating_sub(self.tail.len())..] {
            self.tail.rotate_left(1);
            self.tail[3] = *byte;
        }
    }

    /// Whether the stream ends here, because the gateway stops and no event is in progress.
    pub(crate) fn end(&mut self, cx: &mut Context<'_>) -> bool {
        self.is_between_events() && self.leaving.as_mut().poll(cx).is_ready()
    }

    /// An empty line ends an event; lines end as HTML's section 9.2.5 allows.
    fn is_between_events(&self) -> bool {
        [&b"\n\n"[..], b"\r\n\r\n", b"\r\r"].iter().any(|end| self.tail.ends_with(end))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_ends_with_an_empty_line_however_it_comes() {
        for (pieces, between) in [
            (&[][..], true),
            (&["data: 1\n\n"], true),
            (&["data: 1\n", "\n"], true),
            (&["data: 1\r\n", "\r", "\n"], true),
            (&["data: 1\r\r"], true),
            (&["data: 1\n"], false),
            (&["data: 1\n\ndata: 2"], false),
            (&["data: 1\n\n", "d"], false),
            (&["data: 1\r\n\r"], false),
        ] {
            let mut events = Events::new(Duration::ZERO, Drain::new(Duration::ZERO));
            for piece in pieces {
                events.follow(piece.as_bytes());
            }
            assert_eq!(events.is_between_events(), between, "{pieces:?}");
        }
    }
}
