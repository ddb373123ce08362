//! The way out that all spans of this process take. A global, as that of the metrics: spans begin everywhere.

use std::sync::OnceLock;
use std::time::Duration;

use metrics::counter;
use tokio::runtime::Handle;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::exporter::Exporter;
use super::queue::Queue;
use crate::config::Base;

static QUEUE: OnceLock<Queue> = OnceLock::new();

/// The last spans have this long to get out when the service stops.
const FAREWELL: Duration = Duration::from_secs(2);

/// Whether spans are exported.
pub fn is_on() -> bool {
    QUEUE.get().is_some()
}

/// Puts what has become of the spans where scrapers find it.
pub(crate) fn publish() {
    if let Some(queue) = queue() {
        counter!("otel_exported_spans_total").absolute(queue.exported.count());
        counter!("otel_dropped_spans_total").absolute(queue.dropped.count());
    }
}

pub(super) fn queue() -> Option<&'static Queue> {
    QUEUE.get()
}

/// The exporter of this process.
#[derive(Debug, Default)]
pub struct Spans {
    running: Mutex<Option<JoinHandle<()>>>,
    closing: CancellationToken,
}

/// Begins to export, when the configuration says where to. Only the first call of a process has an effect. Must be
/// called inside a runtime.
///
/// # Errors
/// When the HTTP client cannot be set up.
pub fn install(base: &Base) -> Result<Spans, reqwest::Error> {
    let Some(endpoint) = base.traces.as_ref().filter(|_| !is_on()) else {
        return Ok(Spans::default());
    };
    let queue = QUEUE.get_or_init(Queue::new);
    let closing = CancellationToken::new();
    let exporter = Exporter::new(queue, endpoint, base.service, &base.instance, closing.clone())?;
    // Not one of the service's tasks: it outlives them, for the last of their spans.
    let running = Handle::current().spawn(exporter.run());
    Ok(Spans { running: Mutex::new(Some(running)), closing })
}

impl Spans {
    /// Sends what waits, for a moment at most. Nothing is sent after that.
    pub async fn close(&self) {
        self.closing.cancel();
        if let Some(running) = self.running.lock().await.take() {
            // What is not out by then is lost, as the receiver would have it.
            let _ = timeout(FAREWELL, running).await;
        }
    }
}
