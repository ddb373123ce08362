//! How often a cache was of use, under Micrometer's names.

use metrics::{Counter, counter};

#[derive(Clone)]
pub(super) struct Tally {
    pub(super) hit: Counter,
    pub(super) miss: Counter,
    /// Redis was of no use: the source was asked.
    pub(super) bypass: Counter,
    pub(super) put: Counter,
    pub(super) eviction: Counter,
}

impl Tally {
    pub(super) fn of(cache: &'static str) -> Self {
        let gets = |result| counter!("cache_gets_total", "cache" => cache, "result" => result);
        Self {
            hit: gets("hit"),
            miss: gets("miss"),
            bypass: gets("bypass"),
            put: counter!("cache_puts_total", "cache" => cache),
            eviction: counter!("cache_evictions_total", "cache" => cache),
        }
    }
}
