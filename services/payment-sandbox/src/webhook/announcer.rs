//! From what was booked to the webhooks that tell of it.

use chassis::{Platform, Secret};
use contract::payment::{Entry, Payment, Webhook};
use metrics::counter;
use tokio::sync::mpsc;
use tracing::debug;

use super::delivery::{self, WEBHOOKS};

/// News that wait for their delivery.
const QUEUE: usize = 1024;

/// How something is told.
#[derive(Debug, Clone, Default)]
pub enum Manner {
    #[default]
    Once,
    /// Webhooks are delivered at least once, elsewhere too.
    Thrice,
    /// And then an older one: order is nowhere promised.
    WithOld(Box<Webhook>),
}

/// Takes news. Cheap to clone.
#[derive(Clone)]
pub struct Announcer {
    /// Webhooks that are sent one after the other. `None` when nobody is told.
    queue: Option<mpsc::Sender<Vec<Webhook>>>,
}

impl Announcer {
    /// Tells store from now on; nobody without a secret.
    pub fn start(platform: &Platform, secret: Option<&Secret>) -> Self {
        let queue = secret.map(|secret| {
            let (queue, news) = mpsc::channel(QUEUE);
            platform.tasks().spawn_until_drain("webhooks", delivery::deliver_all(platform, secret, news));
            queue
        });
        Self { queue }
    }

    /// Sends word of an entry, and of the payment as it is with it. Never waits.
    pub(crate) fn announce(&self, payment: &Payment, entry: &Entry, manner: Manner) {
        let Some(queue) = &self.queue else { return };
        if queue.try_send(webhooks(payment, entry, manner)).is_err() {
            counter!(WEBHOOKS, "outcome" => "dropped").increment(1);
            debug!(payment.id = %payment.id, "too many webhooks are waiting: one is not sent");
        }
    }
}

fn webhooks(payment: &Payment, entry: &Entry, manner: Manner) -> Vec<Webhook> {
    let news = Webhook {
        // The number alone would come again in the next ledger.
        event_id: format!("evt_{}_{}", payment.id.as_uuid().simple(), entry.seq),
        occurred_at: entry.at,
        payment: payment.clone(),
    };
    match manner {
        Manner::Once => vec![news],
        Manner::Thrice => vec![news; 3],
        Manner::WithOld(old) => vec![news, *old],
    }
}
