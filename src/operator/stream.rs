//! A stream of events that a service sends as long as it has something to say.

use std::collections::VecDeque;
use std::time::Duration;

use anyhow::Context as _;
use reqwest::Response;
use tokio::time::{Instant, timeout_at};

use super::decoder::{Decoder, Event};

/// Services send a comment at least every 15 s: who says nothing for this long is gone.
const SILENCE: Duration = Duration::from_secs(40);

pub(crate) struct EventStream {
    answer: Response,
    decoder: Decoder,
    events: VecDeque<Event>,
    heard: Instant,
}

impl EventStream {
    pub(super) fn of(answer: Response) -> Self {
        Self { answer, decoder: Decoder::default(), events: VecDeque::new(), heard: Instant::now() }
    }

    /// The next event; none when the service has ended the stream.
    ///
    /// # Errors
    /// When the connection breaks, or nothing was heard for too long.
    pub(crate) async fn next(&mut self) -> anyhow::Result<Option<Event>> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Ok(Some(event));
            }
            let piece = timeout_at(self.heard + SILENCE, self.answer.chunk()).await;
            let piece = piece.context("nothing was heard for too long")?;
            let Some(bytes) = piece.map_err(reqwest::Error::without_url).context("read the stream")? else {
                return Ok(None);
            };
            self.heard = Instant::now();
            self.events.extend(self.decoder.push(&bytes)?);
        }
    }
}
