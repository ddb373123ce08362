//! The last quarter of an hour by the second and the last day by the minute. Pure: times are given.

use std::collections::VecDeque;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::sample::Sample;

pub(crate) const SECONDS_KEPT_MS: i64 = 15 * MINUTE_MS;
pub(crate) const MINUTES_KEPT_MS: i64 = 24 * 60 * MINUTE_MS;
const MINUTE_MS: i64 = 60_000;
/// A clock that runs wild does not fill the memory: what is kept is bounded by number, too.
const MOST_SECONDS: usize = 1000;
const MOST_MINUTES: usize = 1500;

/// All units over one second or one minute.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Moment {
    /// Its end for a second, its beginning for a minute; milliseconds since 1970.
    pub at: i64,
    pub units: Vec<(Arc<str>, Sample)>,
}

#[derive(Debug, Default)]
pub(crate) struct History {
    seconds: VecDeque<Moment>,
    minutes: VecDeque<Moment>,
    /// The minute that has not ended.
    open: Option<Moment>,
}

impl Moment {
    pub(crate) fn unit(&self, name: &str) -> Option<&Sample> {
        self.units.iter().find(|(unit, _)| &**unit == name).map(|(_, sample)| sample)
    }

    fn follow(&mut self, later: &Self) {
        for (unit, sample) in &later.units {
            match self.units.iter_mut().find(|(known, _)| known == unit) {
                Some((_, sum)) => sum.follow(sample),
                None => self.units.push((Arc::clone(unit), sample.clone())),
            }
        }
    }
}

impl History {
    /// From what was written down, in order. Seconds behind the last whole minute make the open one.
    pub(crate) fn restore(seconds: Vec<Moment>, minutes: Vec<Moment>, now: i64) -> Self {
        let mut history = Self { minutes: minutes.into(), ..Self::default() };
        let known = history.minutes.back().map_or(i64::MIN, |minute| minute.at + MINUTE_MS);
        for second in seconds {
            if second.at >= known {
                // A minute that ended while nobody supervised is written down with the next one.
                history.close_before(second.at);
                history.gather(&second);
            }
            history.seconds.push_back(second);
        }
        history.forget(now);
        history
    }

    /// Takes a second in; gives back the minute that it ended.
    pub(crate) fn push(&mut self, second: Moment) -> Option<Moment> {
        // The clock was set back: what is to come was never true.
        while self.seconds.back().is_some_and(|last| last.at >= second.at) {
            self.seconds.pop_back();
        }
        while self.minutes.back().is_some_and(|last| last.at > second.at) {
            self.minutes.pop_back();
        }
        let ended = self.close_before(second.at).then(|| self.minutes.back().cloned()).flatten();
        self.gather(&second);
        let now = second.at;
        self.seconds.push_back(second);
        self.forget(now);
        ended
    }

    /// Seconds in `(from, to]`.
    pub(crate) fn seconds(&self, from: i64, to: i64) -> impl Iterator<Item = &Moment> {
        between(&self.seconds, from, to)
    }

    /// Minutes that began in `(from, to]`, the present one included.
    pub(crate) fn minutes(&self, from: i64, to: i64) -> impl Iterator<Item = &Moment> {
        let open = self.open.iter().filter(move |open| open.at > from && open.at <= to);
        between(&self.minutes, from, to).chain(open)
    }

    /// The newest second.
    pub(crate) fn last(&self) -> Option<&Moment> {
        self.seconds.back()
    }

    fn gather(&mut self, second: &Moment) {
        let begun = minute_of(second.at);
        self.open.get_or_insert_with(|| Moment { at: begun, units: Vec::new() }).follow(second);
    }

    fn close_before(&mut self, at: i64) -> bool {
        let Some(open) = self.open.take_if(|open| open.at != minute_of(at)) else { return false };
        // Set back within the day: that minute is not over a second time.
        let is_new = self.minutes.back().is_none_or(|last| last.at < open.at) && open.at < at;
        if is_new {
            self.minutes.push_back(open);
        }
        is_new
    }

    fn forget(&mut self, now: i64) {
        drop_old(&mut self.seconds, now - SECONDS_KEPT_MS, MOST_SECONDS);
        drop_old(&mut self.minutes, now - MINUTES_KEPT_MS, MOST_MINUTES);
    }
}

fn between(moments: &VecDeque<Moment>, from: i64, to: i64) -> impl Iterator<Item = &Moment> {
    let (begin, end) = (
        moments.partition_point(|moment| moment.at <= from),
        moments.partition_point(|moment| moment.at <= to),
    );
    moments.range(begin..end.max(begin))
}

fn drop_old(moments: &mut VecDeque<Moment>, before: i64, most: usize) {
    while moments.len() > most || moments.front().is_some_and(|moment| moment.at < before) {
        moments.pop_front();
    }
}

fn minute_of(at: i64) -> i64 {
    at - at.rem_euclid(MINUTE_MS)
}

#[cfg(test)]
mod tests {
    use super::super::sample::{Process, Service};
    use super::*;

    fn second(at: i64, requests: u64) -> Moment {
        let service = Service { over_ms: 1000, requests: [requests, 0, 0, 0], ..Service::default() };
        let process = Process { over_ms: 1000, cpu_ms: 5, memory: at.unsigned_abs(), ..Process::default() };
        let sample = Sample { process: Some(process), service: Some(Box::new(service)), ..Sample::default() };
        Moment { at, units: vec![("auth".into(), sample)] }
    }

    fn requests<'a>(moments: impl Iterator<Item = &'a Moment>) -> Vec<u64> {
        moments.map(|moment| moment.unit("auth").unwrap().service.as_ref().unwrap().requests[0]).collect()
    }

    #[test]
    fn seconds_become_minutes_with_sums_and_the_highest_levels() {
        let mut history = History::default();
        let mut ended = Vec::new();
        for at in (1..=130).map(|second| second * 1000) {
            ended.extend(history.push(second(at, 2)));
        }
        assert_eq!(requests(ended.iter()), [118, 120]);
        let minute = ended[1].unit("auth").unwrap().process.unwrap();
        assert_eq!(
            (ended[1].at, minute.memory, minute.cpu_ms, minute.over_ms),
            (60_000, 119_000, 300, 60_000)
        );
        assert_eq!(requests(history.minutes(-1, i64::MAX)), [118, 120, 22]);
        assert_eq!(requests(history.seconds(125_000, 130_000)), [2; 5]);
    }

    #[test]
    fn what_is_kept_is_bounded_by_time_and_by_number() {
        let mut history = History::default();
        for at in (0..3000).map(|second| second * 1000) {
            history.push(second(at, 1));
        }
        assert_eq!(history.seconds.len(), 901);
        for at in (0..3000).map(|step| 3_000_000 + step * 10) {
            history.push(second(at, 1));
        }
        assert_eq!(history.seconds.len(), MOST_SECONDS);
    }

    #[test]
    fn a_clock_that_is_set_back_leaves_no_future() {
        let mut history = History::default();
        for at in [200_000, 201_000, 202_000, 130_000, 131_000] {
            history.push(second(at, 1));
        }
        assert_eq!(requests(history.seconds(0, i64::MAX)), [1, 1]);
        assert_eq!(history.last().unwrap().at, 131_000);
    }

    #[test]
    fn what_was_written_down_is_there_again() {
        let mut before = History::default();
        let seconds: Vec<Moment> = (1..=200).map(|at| second(at * 1000, 3)).collect();
        let minutes: Vec<Moment> = seconds.iter().filter_map(|second| before.push(second.clone())).collect();
        for known in [minutes.clone(), minutes[..1].to_vec(), vec![]] {
            let after = History::restore(seconds.clone(), known, 200_000);
            assert_eq!(requests(after.minutes(-1, i64::MAX)), requests(before.minutes(-1, i64::MAX)));
            assert_eq!(after.last(), before.last());
        }
        let late = History::restore(seconds, minutes, 200_000 + SECONDS_KEPT_MS + 1);
        assert_eq!(late.last(), None);
    }
}
