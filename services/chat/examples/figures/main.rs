//! Figures of chat: `cargo build --release -p chat && cargo run --release -p chat --example figures -- NAME`, where
//! NAME is one of `hot`, `rooms`, `delivery`, `idle`, `storm`, or `all`.
//!
//! Measured at one process of the service, as built beside this program, with everything on one machine: PostgreSQL,
//! Redis and the clients take their share of its cores. PostgreSQL is that of the tests, which never waits for a disk
//! (`fsync` off).

#![expect(clippy::print_stdout, reason = "prints figures")]
#![expect(clippy::unwrap_used, reason = "there is nobody to recover for")]

mod delivery;
mod idle;
mod plain;
mod poster;
mod reader;
mod stage;
mod storm;
mod summary;
mod throughput;

#[expect(dead_code, reason = "only the storm of the tests logs out")]
#[path = "../../tests/storm/authority.rs"]
mod authority;

use std::process::ExitCode;

use stage::allow_many_files;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> ExitCode {
    chassis::crypto::install();
    allow_many_files();
    let all = ["hot", "rooms", "delivery", "idle", "storm"];
    let asked: Vec<String> = std::env::args().skip(1).collect();
    let asked: Vec<&str> = match asked.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["all"] => all.to_vec(),
        [name] if all.contains(&name) => vec![name],
        _ => {
            println!("one of: {}, all", all.join(", "));
            return ExitCode::from(64);
        }
    };
    for name in asked {
        println!("\n== {name}");
        match name {
            "hot" => Box::pin(throughput::measure(1)).await,
            "rooms" => Box::pin(throughput::measure(1000)).await,
            "delivery" => Box::pin(delivery::measure()).await,
            "idle" => Box::pin(idle::measure()).await,
            _ => Box::pin(storm::measure()).await,
        }
    }
    ExitCode::SUCCESS
}
