//! Delivers webhooks, again if need be, and gives up.

use std::time::Duration;

use chassis::client::{CallError, ServiceClient};
use chassis::{Platform, Secret};
use chrono::Utc;
use contract::payment::path::WEBHOOK;
use contract::payment::{SIGNATURE_HEADER, Webhook};
use futures_util::StreamExt as _;
use http::{HeaderName, Method, StatusCode};
use metrics::counter;
use resilience::retry::{Backoff, Budget, Policy, Terms};
use serde_json::value::to_raw_value;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};
use tokio_stream::wrappers::ReceiverStream;
use tracing::debug;

use super::signature::Signer;

/// Webhooks by how their delivery ended.
pub(super) const WEBHOOKS: &str = "payment_sandbox_webhooks_total";
/// One attempt.
const LIMIT: Duration = Duration::from_secs(3);
/// All of them; store's own sweep has asked by then.
const PATIENCE: Duration = Duration::from_secs(30);
/// Deliveries at once.
const AT_ONCE: usize = 16;
const RETRIES: Policy = Policy {
    max_attempts: 6,
    backoff: Backoff { base: Duration::from_millis(250), max: Duration::from_secs(5), jitter: 0.5 },
};

/// Who delivers.
struct Courier {
    store: ServiceClient,
    signer: Signer,
    retries: Budget,
}

/// Until nobody has news any more.
pub(super) fn deliver_all(
    platform: &Platform,
    secret: &Secret,
    news: mpsc::Receiver<Vec<Webhook>>,
) -> impl Future<Output = ()> + use<> {
    let courier = Courier {
        store: platform.client("store", LIMIT),
        signer: Signer::new(secret),
        retries: Budget::new(Terms::RETRIES),
    };
    async move {
        let courier = &courier;
        ReceiverStream::new(news)
            .for_each_concurrent(AT_ONCE, |webhooks| async move {
                for webhook in webhooks {
                    courier.deliver(&webhook).await;
                }
            })
            .await;
    }
}

impl Courier {
    async fn deliver(&self, webhook: &Webhook) {
        self.retries.deposit();
        let (since, mut made) = (Instant::now(), 0);
        let outcome = loop {
            let Err(error) = self.send(webhook).await else { break "delivered" };
            made += 1;
            let left = PATIENCE.saturating_sub(since.elapsed());
            let pause = RETRIES.pause(made, left, &self.retries, &mut rand::rng());
            match pause {
                Ok(pause) if may_repeat(&error) => sleep(pause).await,
                _ => {
                    debug!(event.id = webhook.event_id, "gave up a webhook after {made} attempts: {error}");
                    break "given_up";
                }
            }
        };
        counter!(WEBHOOKS, "outcome" => outcome).increment(1);
    }

    async fn send(&self, webhook: &Webhook) -> Result<(), CallError> {
        // Written once, so that what is signed is what is sent.
        let body = to_raw_value(webhook).expect("a webhook has only strings and numbers");
        let signature = self.signer.sign(body.get(), Utc::now());
        let header = HeaderName::from_static(SIGNATURE_HEADER);
        self.store.request(Method::POST, WEBHOOK).header(header, &signature).json(&body).send_unread().await
    }
}

/// Who says that it is wrong will say so again.
fn may_repeat(error: &CallError) -> bool {
    error.status().is_none_or(|status| {
        status.is_server_error()
            || matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT)
    })
}
