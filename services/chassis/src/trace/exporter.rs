//! Sends spans as OTLP over HTTP. What cannot be sent is dropped and counted; whether that is so is said once when
//! it begins, and once when it ends. Runs outside of any request, so it never traces itself.

use std::time::Duration;

use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use opentelemetry_proto::tonic::resource::v1::Resource;
use prost::Message as _;
use reqwest::{Client, Url};
use resilience::retry::{Budget, Terms};
use thiserror::Error;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::endpoint::Endpoint;
use super::otlp;
use super::queue::{BATCH, Queue};
use super::span::SpanData;
use crate::outside;

/// A span waits this long for others to go with.
const INTERVAL: Duration = Duration::from_millis(500);
/// One request, from its connection to the end of its answer.
const LIMIT: Duration = Duration::from_secs(2);
/// Before the same is sent once more.
const PAUSE: Duration = Duration::from_millis(100);
/// Between two attempts to reach a receiver that is away.
const COOL_DOWN: Duration = Duration::from_secs(1);
/// An answer has a few bytes; nothing more of it is read.
const LONGEST_ANSWER: usize = 16 * 1024;

pub(super) struct Exporter {
    queue: &'static Queue,
    http: Client,
    url: Url,
    headers: HeaderMap,
    resource: Resource,
    retries: Budget,
    closing: CancellationToken,
    /// Whether the last batch did not get through.
    away: bool,
}

/// Why a batch did not get through. Without the URL: it may have a key in it.
#[derive(Debug, Error)]
enum Lost {
    #[error("it cannot be reached")]
    Unreachable,
    #[error("it does not answer within {LIMIT:?}")]
    TooSlow,
    #[error("it answers {0}")]
    Refused(StatusCode),
}

impl Lost {
    /// As the protocol says (OTLP specification, failures).
    const fn may_repeat(&self) -> bool {
        match self {
            Self::Unreachable | Self::TooSlow => true,
            Self::Refused(status) => matches!(status.as_u16(), 429 | 502 | 503 | 504),
        }
    }
}

impl Exporter {
    pub(super) fn new(
        queue: &'static Queue,
        endpoint: &Endpoint,
        service: &str,
        instance: &str,
        closing: CancellationToken,
    ) -> Result<Self, reqwest::Error> {
        Ok(Self {
            queue,
            http: outside::http_client(&endpoint.url, LIMIT, |client| client.timeout(LIMIT))?,
            url: endpoint.url.clone(),
            headers: endpoint.headers.clone(),
            resource: otlp::resource(service, instance),
            retries: Budget::new(Terms { requests_per_extra: 5, floor_per_second: 1 }),
            closing,
            away: false,
        })
    }

    /// Until it is closed; then sends what is left.
    pub(super) async fn run(mut self) {
        let closing = self.closing.clone();
        loop {
            let pause = if self.away { COOL_DOWN } else { INTERVAL };
            tokio::select! {
                () = closing.cancelled() => break,
                // While the receiver is away the pause is kept.
                () = self.queue.filled(), if !self.away => {}
                () = sleep(pause) => {}
            }
            self.send_what_waits().await;
        }
        self.send_what_waits().await;
    }

    /// Everything that was there when it began, unless the receiver is away.
    pub(super) async fn send_what_waits(&mut self) {
        loop {
            let batch = self.queue.take();
            let count = batch.len();
            if count == 0 {
                return;
            }
            match self.deliver(batch).await {
                Ok(refused) => self.got_through(count, refused),
                Err(lost) => return self.got_lost(count, &lost),
            }
            if count < BATCH {
                return;
            }
        }
    }

    fn got_through(&mut self, count: usize, refused: usize) {
        self.queue.count_exported(count - refused);
        self.queue.count_dropped(refused);
        if self.away {
            self.away = false;
            self.queue.open();
            info!("the receiver of traces works again");
        }
    }

    fn got_lost(&mut self, count: usize, lost: &Lost) {
        self.queue.count_dropped(count);
        self.queue.close();
        if !self.away {
            self.away = true;
            warn!("the receiver of traces is of no use: {lost}; until it is, spans are dropped");
        }
    }

    /// How many of them the receiver refused.
    async fn deliver(&self, batch: Vec<SpanData>) -> Result<usize, Lost> {
        let count = batch.len();
        // Encoded once for both attempts.
        let body = axum::body::Bytes::from(otlp::request(&self.resource, batch).encode_to_vec());
        self.retries.deposit();
        let refused = match self.post(body.clone()).await {
            Err(lost) if lost.may_repeat() && !self.away && self.retries.withdraw() => {
                sleep(PAUSE).await;
                self.post(body).await?
            }
            result => result?,
        };
        Ok(refused.min(count))
    }

    async fn post(&self, body: axum::body::Bytes) -> Result<usize, Lost> {
        let request = self
            .http
            .post(self.url.clone())
            .headers(self.headers.clone())
            .header(CONTENT_TYPE, "application/x-protobuf")
            .body(body);
        let mut answer = request.send().await.map_err(|error| lost(&error))?;
        if !answer.status().is_success() {
            return Err(Lost::Refused(answer.status()));
        }
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|error| lost(&error))? {
            if body.len() + chunk.len() > LONGEST_ANSWER {
                return Ok(0);
            }
            body.extend_from_slice(&chunk);
        }
        // What cannot be read says nothing of refused spans.
        let partial =
            ExportTraceServiceResponse::decode(&*body).ok().and_then(|answer| answer.partial_success);
        Ok(partial.map_or(0, |partial| usize::try_from(partial.rejected_spans).unwrap_or(0)))
    }
}

fn lost(error: &reqwest::Error) -> Lost {
    if error.is_timeout() { Lost::TooSlow } else { Lost::Unreachable }
}
