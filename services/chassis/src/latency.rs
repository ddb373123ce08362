//! How long requests took since the process began: an HDR histogram, served at `/actuator/latency`.
//!
//! Prometheus' buckets tell which of twelve intervals a percentile lies in; this tells it within 1 %. It is cumulative,
//! so that whoever reads it twice has the time between, and adds up over instances.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Serializer as _, V2SerializeError, V2Serializer};
use http::{HeaderMap, header};

/// Microseconds. No route takes longer; what does counts as that.
const LONGEST: u64 = 60_000_000;
/// Significant digits: two values of one cell differ by 1/128 at most.
const DIGITS: u8 = 2;
/// Cells per power of two, the smallest number of them that makes two digits.
const HALF: u64 = 128;
/// The cell of [`LONGEST`] is the last one.
const CELLS: usize = cell(LONGEST) + 1;

/// Recording is one addition to one of 2,500 numbers, without a lock: the gateway does it 40,000 times a second.
static DURATIONS: LazyLock<Durations> = LazyLock::new(Durations::new);

/// Counts a request that has been answered.
pub fn record(took: Duration) {
    DURATIONS.record(took);
}

/// The process's histogram, in `HdrHistogram`'s V2 encoding; values are microseconds.
pub(crate) fn encoded() -> Result<Vec<u8>, V2SerializeError> {
    DURATIONS.encode()
}

/// What is counted: neither what operators ask, nor answers that wait on purpose.
pub fn is_counted(route: &str, answer: &HeaderMap) -> bool {
    let apart = ["/actuator", "/internal/events", "/swagger-ui", "/api-docs"];
    !apart.iter().any(|prefix| route.starts_with(prefix)) && !is_stream(answer)
}

/// An answer that lasts for as long as somebody listens.
fn is_stream(answer: &HeaderMap) -> bool {
    answer.contains_key(header::UPGRADE)
        || answer
            .get(header::CONTENT_TYPE)
            .is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"))
}

/// A histogram that many threads record into. Its cells are those of an HDR histogram of two digits.
struct Durations {
    cells: Box<[AtomicU64]>,
}

impl Durations {
    fn new() -> Self {
        Self { cells: (0..CELLS).map(|_| AtomicU64::new(0)).collect() }
    }

    fn record(&self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(LONGEST).clamp(1, LONGEST);
        self.cells[cell(micros)].fetch_add(1, Ordering::Relaxed);
    }

    fn encode(&self) -> Result<Vec<u8>, V2SerializeError> {
        let mut bytes = Vec::new();
        V2Serializer::new().serialize(&self.histogram(), &mut bytes)?;
        Ok(bytes)
    }

    fn histogram(&self) -> Histogram<u64> {
        let mut histogram = Histogram::new_with_bounds(1, LONGEST, DIGITS).expect("the bounds are in order");
        for (index, count) in self.cells.iter().enumerate() {
            let count = count.load(Ordering::Relaxed);
            if count > 0 {
                histogram.record_n(lowest(index), count).expect("every cell is within the bounds");
            }
        }
        histogram
    }
}

/// Values below 256 have a cell each, then every power of two has 128.
#[expect(clippy::cast_possible_truncation, reason = "there are 2,500 cells")]
const fn cell(value: u64) -> usize {
    let shift = (64 - (value | (2 * HALF - 1)).leading_zeros() - 8) as u64;
    (shift * HALF + (value >> shift)) as usize
}

/// The lowest value of a cell.
fn lowest(index: usize) -> u64 {
    let index = index as u64;
    if index < 2 * HALF {
        return index;
    }
    let shift = index / HALF - 1;
    (index - shift * HALF) << shift
}

#[cfg(test)]
mod tests {
    use hdrhistogram::serialization::Deserializer;
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn of(micros: &[u64]) -> Histogram<u64> {
        let durations = Durations::new();
        for value in micros {
            durations.record(Duration::from_micros(*value));
        }
        let bytes = durations.encode().unwrap();
        Deserializer::new().deserialize(&mut bytes.as_slice()).unwrap()
    }

    #[test]
    fn what_is_shorter_or_longer_than_all_cells_counts_as_the_nearest() {
        let histogram = of(&[0, 1, LONGEST, LONGEST * 5]);
        assert_eq!((histogram.len(), histogram.count_at(1), histogram.count_at(LONGEST)), (4, 2, 2));
    }

    /// A distribution that is known: 1 ms to 100 ms, one thousand of each.
    #[test]
    fn percentiles_are_within_one_percent() {
        let known: Vec<u64> = (1..=100).flat_map(|ms| std::iter::repeat_n(ms * 1000, 1000)).collect();
        let histogram = of(&known);
        for (quantile, exact) in [(0.5, 50_000.0), (0.95, 95_000.0), (0.99, 99_000.0), (1.0, 100_000.0)] {
            let found = histogram.value_at_quantile(quantile);
            #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
            let off = (found as f64 - exact).abs() / exact;
            assert!(off < 0.01, "{quantile}: {found} instead of {exact}");
        }
    }

    #[test]
    fn streams_and_operators_are_not_counted() {
        let mut events = HeaderMap::new();
        events.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8"));
        let plain = HeaderMap::new();
        assert!(is_counted("/api/chat/rooms", &plain) && is_counted("UNKNOWN", &plain));
        assert!(!is_counted("/api/chat/rooms/{room}/stream", &events));
        assert!(!is_counted("/actuator/prometheus", &plain) && !is_counted("/internal/events", &plain));
    }

    proptest! {
        /// The cells are the library's own, so nothing is lost between recording and encoding.
        #[test]
        fn it_is_the_histogram_of_the_library(micros: Vec<u32>) {
            let micros: Vec<u64> = micros.into_iter().map(|value| u64::from(value).clamp(1, LONGEST)).collect();
            let mut library = Histogram::<u64>::new_with_bounds(1, LONGEST, DIGITS).unwrap();
            for value in &micros {
                library.record(*value).unwrap();
            }
            prop_assert_eq!(of(&micros), library);
        }
    }
}
