//! Figures of store: `cargo build --release -p store -p payment-sandbox && cargo run --release -p store --example
//! figures`.
//!
//! Orders from the request to the confirmed and captured order, measured at one process of the service as built
//! beside this program, with the sandbox provider and PostgreSQL on the same machine. Both write to a real disk before
//! they answer (`fsync` on, the ledger too), and the buyers take their share of the cores. Beside the orders stand
//! what the machine can do at the same concurrency: requests without a database, rows committed one by one, lines
//! appended to a file one by one.

#![expect(clippy::print_stdout, reason = "prints figures")]
#![expect(clippy::unwrap_used, reason = "there is nobody to recover for")]

mod auth;
mod baseline;
mod load;
mod stage;
mod summary;

#[expect(dead_code, reason = "only the tests kill it")]
#[path = "../../tests/matrix/cluster.rs"]
mod cluster;

use std::time::Duration;

use stage::Stage;

/// Buyers at once.
const BUYERS: [usize; 4] = [1, 8, 32, 64];
/// Of each measurement.
const TIME: Duration = Duration::from_secs(8);

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    chassis::crypto::install();
    let stage = Stage::set().await;
    println!("\n== baselines");
    baseline::measure(&stage, TIME).await;
    println!("\n== orders, each of another item");
    for buyers in BUYERS {
        load::orders(&stage, buyers, TIME, &stage.items).await;
    }
    println!("\n== orders, all of one item");
    for buyers in BUYERS {
        load::orders(&stage, buyers, TIME, &stage.items[..1]).await;
    }
}
