//! Events in metrics.

use std::time::Duration;

use chrono::Utc;
use metrics::gauge;
use sqlx::PgPool;
use tokio::time::MissedTickBehavior;

use super::status::Events;
use super::{letter, outbox};

/// Between two measurements, of three cheap queries each.
const EVERY: Duration = Duration::from_secs(5);

/// Measures until dropped.
pub(super) async fn keep_measuring(pool: PgPool, service: &'static str, events: Events) {
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        match outbox::measure(&pool, service).await {
            Ok(head) => {
                gauge!("events_outbox_position").set(float(head.last_position));
                gauge!("events_outbox_unnumbered").set(float(head.unnumbered));
                gauge!("events_outbox_unnumbered_age_seconds").set(float(head.unnumbered_age_ms) / 1000.0);
                events.measured(Ok(head));
            }
            Err(error) => events.measured(Err(error.to_string())),
        }
        // Failing is shown by the measurement before.
        if let Ok(counts) = letter::count_by_consumer(&pool).await {
            for (consumer, source, parked) in counts {
                gauge!("events_dead_letters", "consumer" => consumer, "source" => source).set(float(parked));
            }
        }
    }
}

/// What is only known at this moment: how far consumers and followers are behind.
pub(crate) fn record(events: &Events) {
    for consumer in events.consumers() {
        if let Some(lag) = consumer.progress.lag(Utc::now()) {
            let labels = [("consumer", consumer.name), ("source", consumer.source)];
            gauge!("events_consumer_lag", &labels).set(float(lag.events));
            gauge!("events_consumer_lag_seconds", &labels).set(lag.seconds);
        }
    }
    for follower in events.followers() {
        gauge!("events_follower_age_seconds", "source" => follower.source())
            .set(follower.age().as_secs_f64());
    }
}

/// Gauges are floats; exact up to 2^53.
#[expect(clippy::cast_precision_loss, reason = "a gauge needs no more digits")]
fn float(number: i64) -> f64 {
    number as f64
}
