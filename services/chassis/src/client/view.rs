//! What the calls of a process look like from outside: for the actuator, and as metrics under Resilience4j's names.

use std::time::Duration;

use metrics::{counter, gauge};
use resilience::breaker::{Snapshot, State};

use super::breakers::{Breakers, Listed};
use super::switchboard::Switchboard;

/// One service that is called.
#[derive(Debug, Clone)]
pub struct TargetView {
    pub callee: &'static str,
    /// How calls ended, by Resilience4j's kinds.
    pub calls: [(&'static str, u64); 4],
    /// Retries that the budget allows right now.
    pub retries_left: u64,
    pub available: usize,
    pub max: usize,
    pub queued: usize,
    pub hedges: Hedges,
    pub endpoints: Vec<EndpointView>,
}

#[derive(Debug, Clone, Copy)]
pub struct Hedges {
    pub requests: u64,
    pub sent: u64,
    pub won: u64,
    /// After how long a second instance is asked; nothing while too little is known.
    pub delay: Option<Duration>,
}

/// One instance as the balancer sees it.
#[derive(Debug, Clone)]
pub struct EndpointView {
    pub instance: String,
    pub url: String,
    pub ejected: bool,
    /// Peak EWMA of its answers' times.
    pub estimate: Duration,
    pub in_flight: u32,
}

impl Switchboard {
    /// Every service that this process may call.
    pub fn view(&self) -> Vec<TargetView> {
        self.targets().iter().map(|target| target.view()).collect()
    }

    /// Sets the gauges and counters to what is true at this moment.
    pub(crate) fn publish(&self) {
        publish_breakers(self.breakers());
        for target in self.view() {
            let name = target.callee;
            gauge!("resilience4j_bulkhead_available_concurrent_calls", "name" => name)
                .set(float(target.available));
            gauge!("resilience4j_bulkhead_max_allowed_concurrent_calls", "name" => name)
                .set(float(target.max));
            gauge!("resilience4j_bulkhead_queued_calls", "name" => name).set(float(target.queued));
            for (kind, count) in target.calls {
                counter!("resilience4j_retry_calls_total", "name" => name, "kind" => kind).absolute(count);
            }
            for (kind, count) in [("sent", target.hedges.sent), ("won", target.hedges.won)] {
                counter!("service_client_hedges_total", "name" => name, "kind" => kind).absolute(count);
            }
        }
    }
}

fn publish_breakers(breakers: &Breakers) {
    for Listed { callee, breaker, registered } in breakers.list() {
        let (name, shot) = (breaker.name().to_owned(), breaker.snapshot());
        let gauge = |metric: &'static str, value: f64| {
            gauge!(metric, "name" => name.clone(), "callee" => callee).set(value);
        };
        gauge("resilience4j_circuitbreaker_failure_rate", f64::from(shot.failure_rate));
        gauge("resilience4j_circuitbreaker_slow_call_rate", f64::from(shot.slow_rate));
        gauge("resilience4j_circuitbreaker_in_flight_calls", f64::from(shot.in_flight));
        for state in State::ALL {
            // Nobody is called by the breaker of an instance that has left: it is in no state that matters.
            let value = if registered && shot.state == state { 1.0 } else { 0.0 };
            let state = state.as_str().to_ascii_lowercase();
            gauge!("resilience4j_circuitbreaker_state", "name" => name.clone(), "state" => state).set(value);
        }
        publish_window(&name, &shot);
        counter!("resilience4j_circuitbreaker_not_permitted_calls_total", "name" => name.clone(), "kind" => "not_permitted")
            .absolute(shot.totals.not_permitted);
        counter!("resilience4j_circuitbreaker_transitions_total", "name" => name.clone())
            .absolute(shot.totals.transitions);
        counter!("resilience4j_circuitbreaker_opened_total", "name" => name).absolute(shot.totals.opened);
    }
}

fn publish_window(name: &str, shot: &Snapshot) {
    let pairs = [
        ("resilience4j_circuitbreaker_buffered_calls", "successful", shot.successful()),
        ("resilience4j_circuitbreaker_buffered_calls", "failed", shot.failed),
        ("resilience4j_circuitbreaker_slow_calls", "successful", shot.slow - shot.slow_failed),
        ("resilience4j_circuitbreaker_slow_calls", "failed", shot.slow_failed),
    ];
    for (metric, kind, value) in pairs {
        gauge!(metric, "name" => name.to_owned(), "kind" => kind).set(f64::from(value));
    }
}

/// Places in a bulkhead are few.
fn float(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::INFINITY, f64::from)
}
