//! Figures of batch: `cargo build --release -p auth -p user -p chat -p store -p payment-sandbox -p batch && cargo run
//! --release -p batch --example figures -- NAME [--rows N]`, where NAME is a job, `takeover`, or `all`.
//!
//! Every job over N rows (1,000,000 unless said otherwise) that were written in bulk, with two exceptions that it names:
//! order-expiry has 10,000 at most, payment-reconciliation, which asks the provider for each, 100,000. The services are as
//! built beside this program, one process each; PostgreSQL has a stack's settings (`fsync` on); all are on the same machine.
//! The time of a job is that of its execution, from the moment it is taken up to its end. What a chunk costs beside its work (the commit in
//! `batch_db`, with the log and the next plan) is what is left of that time when the work is subtracted.

#![expect(clippy::print_stdout, reason = "prints figures")]
#![expect(clippy::print_stderr, reason = "says what it is not asked in the right way")]
#![expect(clippy::unwrap_used, reason = "there is nobody to recover for")]

mod ask;
mod fill;
mod job;
mod ledger;
mod stage;
mod takeover;

#[expect(dead_code, reason = "only the tests copy databases")]
#[path = "../../tests/matrix/cluster.rs"]
mod cluster;
#[path = "../../tests/matrix/operator.rs"]
mod operator;
#[path = "../../tests/matrix/seed.rs"]
mod seed;

use std::process::ExitCode;

use ask::Ask;
use stage::Stage;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> ExitCode {
    let ask = match Ask::parse(std::env::args().skip(1)) {
        Ok(ask) => ask,
        Err(problem) => {
            eprintln!("error: {problem}");
            return ExitCode::from(2);
        }
    };
    chassis::crypto::install();
    for job in &ask.jobs {
        if job.most < ask.rows {
            eprintln!("{}: {} rows at most, not {}", job.name, job.most, ask.rows);
        }
    }
    if !ask.jobs.is_empty() {
        println!("{}", job::HEAD);
    }
    for job in ask.jobs {
        let rows = ask.rows.min(job.most);
        let stage = Stage::set(job, rows).await;
        println!("{}", job::measure(&stage, job, rows).await);
    }
    if ask.takeover {
        takeover::measure(ask.rows).await;
    }
    ExitCode::SUCCESS
}
