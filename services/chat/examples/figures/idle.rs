//! What an open stream costs while nothing happens.

use std::time::Duration;

use testkit::eventually;

use crate::reader::{self, Found};
use crate::stage::Stage;

const ROOMS: usize = 1000;
const STREAMS: usize = 10_000;
const LIMIT: Duration = Duration::from_mins(2);

#[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
pub(crate) async fn measure() {
    let stage = Stage::set(ROOMS).await;
    // What the first streams make the process set up once is not theirs.
    let found = Found::new(stage.address);
    let mut first = reader::open(&stage.rooms, 1, 64, &found);
    eventually(LIMIT, || async { found.ready() == ROOMS }).await;
    first.shutdown().await;
    let (rss, pss) = stage.memory();
    let found = Found::new(stage.address);
    let _readers = reader::open(&stage.rooms, STREAMS / ROOMS, 64, &found);
    eventually(LIMIT, || async { found.ready() == STREAMS }).await;
    let (rss_open, pss_open) = stage.memory();
    let each = |open: u64, before: u64| open.saturating_sub(before) as f64 / STREAMS as f64 / 1024.0;
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    println!(
        "{STREAMS} idle streams in {ROOMS} rooms: RSS {:.1} -> {:.1} MiB, {:.2} KiB a stream; PSS {:.1} -> {:.1} MiB, \
         {:.2} KiB a stream (n = 1; before: after {ROOMS} other streams had come and gone)",
        mib(rss),
        mib(rss_open),
        each(rss_open, rss),
        mib(pss),
        mib(pss_open),
        each(pss_open, pss),
    );
}
