//! What a service's metrics say, and what happened between two readings. Pure.

use serde::{Deserialize, Serialize};

use super::cells::Cells;
use super::exposition::{self, Series};
use super::sample::{Service, Traffic};

/// Not counted: what operators ask, this collector among them, and feeds, which wait on purpose.
const APART: [&str; 5] = ["/actuator", "/internal/events", "/internal/sagas", "/swagger-ui", "/api-docs"];

/// Counters of one process since its start.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Totals {
    uptime: f64,
    requests: [u64; 4],
    /// Every answer that may be among the durations.
    answers: u64,
    received: u64,
    sent: u64,
    latency: Cells,
}

/// What is at this moment.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Levels {
    pub in_flight: u32,
    pub outbox: Option<Outbox>,
    pub consumers: Vec<Consumer>,
}

/// Events that a service has written and not numbered yet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Outbox {
    pub unnumbered: u64,
    pub age_ms: u64,
}

/// Who reads events of another service.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Consumer {
    pub name: String,
    pub source: String,
    /// Unknown until it has asked the source once.
    pub lag: Option<u64>,
    pub lag_ms: Option<u64>,
    pub dead_letters: Option<u64>,
}

/// Reads a service's metrics.
pub(super) fn read(text: &str) -> (Totals, Levels) {
    let mut totals = Totals::default();
    let mut levels = Levels::default();
    for series in exposition::parse(text) {
        match series.name {
            "http_server_requests_seconds_count" => totals.count(&series),
            "process_uptime_seconds" => totals.uptime = series.value,
            "process_network_receive_bytes_total" => totals.received = whole(series.value),
            "process_network_transmit_bytes_total" => totals.sent = whole(series.value),
            // The gateway's requests pass outside of its own pages.
            "http_server_in_flight_requests" | "gateway_requests_in_flight" => {
                levels.in_flight += u32::try_from(whole(series.value)).unwrap_or(u32::MAX);
            }
            _ => levels.read_events(&series),
        }
    }
    (totals, levels)
}

impl Totals {
    /// Nothing was answered since: durations are the same as well.
    pub(super) fn is_as_busy_as(&self, earlier: &Self) -> bool {
        self.answers == earlier.answers && self.uptime >= earlier.uptime
    }

    /// The durations that this reading has.
    pub(super) fn with_latency(self, latency: Cells) -> Self {
        Self { latency, ..self }
    }

    pub(super) fn latency(&self) -> &Cells {
        &self.latency
    }

    fn count(&mut self, series: &Series<'_>) {
        let uri = series.label("uri").unwrap_or_default();
        if !uri.starts_with("/actuator") && !uri.starts_with("/internal/events") {
            self.answers += whole(series.value);
        }
        if APART.iter().any(|prefix| uri.starts_with(prefix)) {
            return;
        }
        let class = match series.label("status").as_deref().and_then(|status| status.bytes().next()) {
            Some(b'3') => 1,
            Some(b'4') => 2,
            Some(b'5') => 3,
            Some(_) | None => 0,
        };
        self.requests[class] += whole(series.value);
    }

    /// What came after `earlier`; none when another process counted that: no count ever goes back.
    pub(super) fn since(&self, earlier: &Self, over_ms: u32) -> Option<(Service, Traffic)> {
        if self.uptime < earlier.uptime {
            return None;
        }
        let mut requests = [0; 4];
        for (grown, (now, before)) in requests.iter_mut().zip(self.requests.iter().zip(earlier.requests)) {
            *grown = now.checked_sub(before)?;
        }
        let traffic = Traffic {
            over_ms,
            received: self.received.checked_sub(earlier.received)?,
            sent: self.sent.checked_sub(earlier.sent)?,
        };
        let latency = self.latency.since(&earlier.latency)?.pack();
        Some((Service { over_ms, requests, latency, ..Service::default() }, traffic))
    }
}

impl Levels {
    fn read_events(&mut self, series: &Series<'_>) {
        let count = whole(series.value);
        let millis = whole(series.value * 1000.0);
        match series.name {
            "events_outbox_unnumbered" => self.outbox.get_or_insert_default().unnumbered = count,
            "events_outbox_unnumbered_age_seconds" => self.outbox.get_or_insert_default().age_ms = millis,
            "events_consumer_lag" => self.consumer(series).lag = Some(count),
            "events_consumer_lag_seconds" => self.consumer(series).lag_ms = Some(millis),
            "events_dead_letters" => self.consumer(series).dead_letters = Some(count),
            _ => {}
        }
    }

    fn consumer(&mut self, series: &Series<'_>) -> &mut Consumer {
        let name = series.label("consumer").unwrap_or_default();
        let source = series.label("source").unwrap_or_default();
        let known = self.consumers.iter().position(|known| known.name == name && known.source == source);
        let index = known.unwrap_or_else(|| {
            let (name, source) = (name.into_owned(), source.into_owned());
            self.consumers.push(Consumer { name, source, ..Consumer::default() });
            self.consumers.len() - 1
        });
        &mut self.consumers[index]
    }

    /// The part of it that is kept.
    pub(super) fn note(&self, sample: &mut Service) {
        let small = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
        sample.in_flight = self.in_flight;
        sample.outbox_age_ms = self.outbox.map(|outbox| small(outbox.age_ms));
        sample.lag_ms = self.consumers.iter().filter_map(|consumer| consumer.lag_ms).max().map(small);
        let letters = self.consumers.iter().filter_map(|consumer| consumer.dead_letters);
        sample.dead_letters = letters.reduce(|sum, next| sum + next).map(small);
    }
}

/// Counters are whole numbers; what is none, or negative, counts as nothing.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates")]
pub(super) fn whole(value: f64) -> u64 {
    value.round() as u64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(uptime: f64, ok: u64, bytes: u64) -> Totals {
        let text = format!(
            "process_uptime_seconds {uptime}\n\
             http_server_requests_seconds_count{{method=\"GET\",uri=\"/a/{{id}}\",status=\"200\"}} {ok}\n\
             http_server_requests_seconds_count{{method=\"PUT\",uri=\"UNKNOWN\",status=\"404\"}} 2\n\
             http_server_requests_seconds_count{{method=\"GET\",uri=\"/actuator/health\",status=\"503\"}} 9\n\
             http_server_requests_seconds_count{{method=\"GET\",uri=\"/internal/events\",status=\"200\"}} 7\n\
             process_network_receive_bytes_total {bytes}\nprocess_network_transmit_bytes_total {bytes}\n"
        );
        read(&text).0
    }

    #[test]
    fn requests_are_counted_by_class_without_the_operators() {
        assert_eq!(at(1.0, 5, 0).requests, [5, 0, 2, 0]);
        let (service, traffic) = at(2.0, 8, 70).since(&at(1.0, 5, 20), 1000).unwrap();
        assert_eq!((service.requests, service.over_ms), ([3, 0, 0, 0], 1000));
        assert_eq!((traffic.received, traffic.sent, traffic.over_ms), (50, 50, 1000));
    }

    #[test]
    fn a_process_that_began_anew_has_no_first_difference() {
        assert_eq!(at(0.5, 1, 1).since(&at(100.0, 5, 20), 1000), None);
        // It has served more within its first second than the one before in its whole life.
        assert_eq!(at(0.5, 900, 900).since(&at(100.0, 5, 20), 1000), None);
        // Its uptime is not told, and it counts from 0.
        assert_eq!(at(0.0, 1, 1).since(&at(0.0, 5, 20), 1000), None);
    }

    #[test]
    fn the_state_of_events_is_read_by_consumer() {
        let text = "events_outbox_unnumbered 3\nevents_outbox_unnumbered_age_seconds 1.5\n\
                    events_consumer_lag{consumer=\"members\",source=\"user\"} 12\n\
                    events_consumer_lag_seconds{consumer=\"members\",source=\"user\"} 0.25\n\
                    events_dead_letters{consumer=\"members\",source=\"user\"} 1\n\
                    http_server_in_flight_requests 4\n";
        let levels = read(text).1;
        assert_eq!(levels.outbox, Some(Outbox { unnumbered: 3, age_ms: 1500 }));
        let consumer = &levels.consumers[0];
        assert_eq!((consumer.lag, consumer.lag_ms, consumer.dead_letters), (Some(12), Some(250), Some(1)));
        let mut sample = Service::default();
        levels.note(&mut sample);
        assert_eq!((sample.lag_ms, sample.dead_letters, sample.in_flight), (Some(250), Some(1), 4));
    }

    proptest! {
        /// Whatever a series of readings with restarts looks like: what is told never exceeds what was counted.
        #[test]
        fn rates_are_never_negative_and_never_more_than_was_counted(
            lives in prop::collection::vec(prop::collection::vec(0_u64..50, 1..8), 1..5)
        ) {
            let (mut last, mut told, mut counted) = (None::<Totals>, 0, 0);
            for life in lives {
                let mut total = 0;
                for (second, requests) in (1_u32..).zip(life) {
                    total += requests;
                    counted += requests;
                    let now = at(f64::from(second), total, total);
                    if let Some((service, _)) = last.as_ref().and_then(|last| now.since(last, 1000)) {
                        told += service.requests[0];
                    }
                    last = Some(now);
                }
            }
            prop_assert!(told <= counted);
        }
    }
}
