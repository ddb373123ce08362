//! Clocks that are wrong by hours, and jump while orders are under way. Only what the processes see is moved
//! (libfaketime); how time passes between two moments (the monotonic clock) is not.

use std::fs;
use std::path::Path;

use contract::store::OrderStatus;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use super::buyer::Receipt;
use super::plot::By;
use super::scene::Scene;
use super::world::Way;

/// Of the package `libfaketime`.
const LIBRARY: [&str; 3] = [
    "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1",
    "/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1",
    "/usr/lib/faketime/libfaketime.so.1",
];
/// All within 24 hours: after that a key is forgotten, and a repeated request is another one.
const JUMPS: [&str; 6] = ["+3h", "-2h", "+0", "-9h", "+90s", "+12h"];
const ORDERS: usize = 8;

/// A clock of one's own: what the file says, from the next look on.
struct Clock {
    file: tempfile::NamedTempFile,
    library: &'static str,
}

impl Clock {
    fn new() -> Option<Self> {
        let library = LIBRARY.into_iter().find(|path| Path::new(path).exists());
        let Some(library) = library else {
            testkit::skip("no libfaketime: install the package faketime");
            return None;
        };
        let file = tempfile::NamedTempFile::new().unwrap();
        // The database runs as another user.
        fs::set_permissions(file.path(), std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
        let clock = Self { file, library };
        clock.jump("+0");
        Some(clock)
    }

    /// What a process under it needs in its environment.
    fn environment(&self) -> Vec<(String, String)> {
        let file = self.file.path().display().to_string();
        [
            ("LD_PRELOAD", self.library),
            ("FAKETIME_TIMESTAMP_FILE", &file),
            ("FAKETIME_NO_CACHE", "1"),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
    }

    fn jump(&self, by: &str) {
        fs::write(self.file.path(), by).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_may_be_wrong_about_the_time() {
    let Some(clock) = Clock::new() else { return };
    let way = Way { services: clock.environment(), ..Way::default() };
    let receipts = under(way, |by| clock.jump(by)).await;
    // Their clocks are no part of any deadline.
    let failed = receipts.iter().filter(|receipt| receipt.status == OrderStatus::Failed).count();
    let declined = receipts.iter().filter(|receipt| receipt.wish.token == "tok_decline").count();
    assert_eq!(failed, declined, "nothing else has failed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_database_may_be_wrong_about_the_time() {
    let Some(clock) = Clock::new() else { return };
    let way = Way { database: clock.environment(), ..Way::default() };
    // Its clock owns the deadlines: orders may fail by its jumps, but rightly so.
    under(way, |by| clock.jump(by)).await;
}

/// Orders of all kinds, while the clock jumps.
async fn under(way: Way, jump: impl Fn(&str)) -> Vec<Receipt> {
    let mut scene = Scene::set(way).await;
    let mut random = StdRng::seed_from_u64(rand::random());
    let items = scene.world.items(3, 1000).await;
    for by in JUMPS {
        for _ in 0..ORDERS {
            let kind = By::ALL[random.random_range(0..By::ALL.len())];
            scene.send(kind.wish(&items, &mut random, scene.doors()));
        }
        // Some of them are under way then.
        scene.some_end(ORDERS / 2).await;
        jump(by);
    }
    jump("+0");
    let (receipts, wrongs) = scene.end().await;
    assert!(wrongs.is_empty(), "{}", wrongs.join("\n"));
    assert_eq!(receipts.len(), JUMPS.len() * ORDERS);
    receipts
}
