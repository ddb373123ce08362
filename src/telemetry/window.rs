//! What moments come to over a stretch of time. Pure.

use super::cells::Cells;
use super::history::Moment;
use super::sample::Sample;
use super::view::{CacheRow, DatabaseRow, Figures};

/// A level that is older says nothing about now.
pub(crate) const FRESH_MS: i64 = 3000;

/// The sum of some replicas' samples.
#[derive(Default)]
pub(super) struct Window {
    sum: Sample,
    latency: Cells,
    /// The newest sample and its time.
    last: Option<(i64, Sample)>,
}

impl Window {
    /// Everything that these units did.
    pub(super) fn of<'a>(moments: impl Iterator<Item = &'a Moment>, units: &[&str]) -> Self {
        let mut window = Self::default();
        for moment in moments {
            let mut samples = units.iter().filter_map(|unit| moment.unit(unit));
            let Some(first) = samples.next() else { continue };
            let mut joined = first.clone();
            samples.for_each(|sample| joined.join(sample));
            window.add(moment.at, joined);
        }
        window
    }

    fn add(&mut self, at: i64, mut sample: Sample) {
        if let Some(service) = &mut sample.service {
            // Percentiles come from one histogram, which is not packed in between.
            self.latency.add(&std::mem::take(&mut service.latency).unpack());
        }
        self.sum.follow(&sample);
        self.last = Some((at, sample));
    }

    /// `now` is when levels are asked for; none for a stretch of the past.
    pub(super) fn figures(&self, now: Option<i64>) -> Figures {
        let mut figures = self.rates();
        let Some(level) = self.level(now) else { return figures };
        if let Some(process) = level.process {
            figures.memory_bytes = Some(process.memory);
            figures.fds = process.fds;
            figures.threads = Some(process.threads);
            figures.processes = Some(process.processes);
        }
        figures.in_flight = level.service.as_ref().map(|service| service.in_flight);
        figures
    }

    pub(super) fn database(&self, now: i64) -> Option<DatabaseRow> {
        let database = self.level(Some(now))?.database.as_ref()?;
        Some(DatabaseRow {
            connections: database.connections,
            max_connections: database.max_connections,
            waiting: database.waiting,
            size_bytes: database.size,
            replication_lag_ms: database.replication_lag_ms,
        })
    }

    pub(super) fn cache(&self, now: i64) -> Option<CacheRow> {
        let cache = self.level(Some(now))?.cache.as_ref()?;
        let (hits, misses) = self.sum.cache.as_ref().map(|sum| (sum.hits, sum.misses))?;
        Some(CacheRow {
            hit_percent: share(hits, hits + misses),
            used_bytes: cache.memory,
            clients: cache.clients,
        })
    }

    /// For the past the highest, for now what is true now.
    fn level(&self, now: Option<i64>) -> Option<&Sample> {
        match now {
            None => Some(&self.sum),
            Some(now) => self.last.as_ref().filter(|(at, _)| now - at <= FRESH_MS).map(|(_, sample)| sample),
        }
    }

    fn rates(&self) -> Figures {
        let mut figures = Figures::default();
        if let Some(process) = self.sum.process {
            figures.cpu_percent =
                per_second(u64::from(process.cpu_ms) * 100, process.over_ms).map(|ms| ms / 1000.0);
        }
        if let Some(traffic) = self.sum.traffic {
            figures.received_per_second = per_second(traffic.received, traffic.over_ms);
            figures.sent_per_second = per_second(traffic.sent, traffic.over_ms);
        }
        if let Some(service) = self.sum.service.as_ref().filter(|service| service.over_ms > 0) {
            let all = service.requests.iter().sum();
            figures.per_second = per_second(all, service.over_ms);
            figures.percent_4xx = share(service.requests[2], all);
            figures.percent_5xx = share(service.requests[3], all);
            figures.timed_requests = Some(self.latency.count());
            figures.p50_ms = self.latency.percentile_ms(50.0);
            figures.p95_ms = self.latency.percentile_ms(95.0);
            figures.p99_ms = self.latency.percentile_ms(99.0);
        }
        if let Some(database) = &self.sum.database {
            figures.per_second = per_second(database.transactions, database.over_ms);
        }
        if let Some(cache) = &self.sum.cache {
            figures.per_second = per_second(cache.operations, cache.over_ms);
        }
        figures
    }
}

/// None when no time is covered.
#[expect(clippy::cast_precision_loss, reason = "counts of a window are far below 2^53")]
fn per_second(count: u64, over_ms: u32) -> Option<f64> {
    (over_ms > 0).then(|| count as f64 * 1000.0 / f64::from(over_ms))
}

/// In percent; none of nothing.
#[expect(clippy::cast_precision_loss, reason = "counts of a window are far below 2^53")]
fn share(part: u64, all: u64) -> Option<f64> {
    (all > 0).then(|| part as f64 * 100.0 / all as f64)
}

#[cfg(test)]
mod tests {
    use super::super::sample::{Database, Process, Service};
    use super::*;

    fn service(over_ms: u32, requests: [u64; 4]) -> Sample {
        let service = Service { over_ms, requests, in_flight: 2, ..Service::default() };
        Sample { service: Some(Box::new(service)), ..Sample::default() }
    }

    fn moment(at: i64, units: &[(&str, Sample)]) -> Moment {
        Moment { at, units: units.iter().map(|(name, sample)| ((*name).into(), sample.clone())).collect() }
    }

    #[test]
    fn replicas_add_up_and_time_does_not() {
        let both = [("a-1", service(1000, [6, 0, 1, 1])), ("a-2", service(1000, [12, 0, 0, 0]))];
        let moments = [moment(1000, &both), moment(2000, &both)];
        let figures = Window::of(moments.iter(), &["a-1", "a-2"]).figures(Some(2000));
        assert_eq!((figures.per_second, figures.in_flight), (Some(20.0), Some(4)));
        assert_eq!((figures.percent_4xx, figures.percent_5xx), (Some(5.0), Some(5.0)));
        assert_eq!(figures.p50_ms, None);
        let one = Window::of(moments.iter(), &["a-2"]).figures(Some(2000));
        assert_eq!((one.per_second, one.percent_5xx), (Some(12.0), Some(0.0)));
    }

    #[test]
    fn a_reading_that_was_missed_is_spread_over_the_time_it_covers() {
        let moments = [
            moment(1000, &[("a", service(1000, [5, 0, 0, 0]))]),
            moment(5000, &[("a", service(4000, [20, 0, 0, 0]))]),
        ];
        assert_eq!(Window::of(moments.iter(), &["a"]).figures(None).per_second, Some(5.0));
    }

    #[test]
    fn what_nobody_knows_is_not_zero() {
        let nothing = Window::of([].iter(), &["a"]);
        assert_eq!(nothing.figures(Some(0)), Figures::default());
        let first = [moment(1000, &[("a", service(0, [0; 4]))])];
        let figures = Window::of(first.iter(), &["a"]).figures(Some(1000));
        assert_eq!((figures.per_second, figures.percent_5xx, figures.in_flight), (None, None, Some(2)));
        let quiet = [moment(1000, &[("a", service(1000, [0; 4]))])];
        let figures = Window::of(quiet.iter(), &["a"]).figures(Some(1000));
        assert_eq!((figures.per_second, figures.percent_5xx), (Some(0.0), None));
    }

    #[test]
    fn levels_of_the_past_are_not_those_of_now() {
        let process = Process { over_ms: 1000, cpu_ms: 250, memory: 7, ..Process::default() };
        let database = Database { over_ms: 1000, transactions: 30, connections: 4, ..Database::default() };
        let sample =
            Sample { process: Some(process), database: Some(Box::new(database)), ..Sample::default() };
        let moments = [moment(1000, &[("a", sample)])];
        let window = Window::of(moments.iter(), &["a"]);
        let fresh = window.figures(Some(1000 + FRESH_MS));
        assert_eq!(
            (fresh.memory_bytes, fresh.cpu_percent, fresh.per_second),
            (Some(7), Some(25.0), Some(30.0))
        );
        assert_eq!(window.database(1000).map(|row| row.connections), Some(4));
        assert_eq!(window.figures(Some(1001 + FRESH_MS)).memory_bytes, None);
        assert_eq!(window.database(1001 + FRESH_MS), None);
        assert_eq!(window.figures(None).memory_bytes, Some(7));
    }
}
