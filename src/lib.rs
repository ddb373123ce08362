//! `doran`: launches, supervises, migrates, seeds and checks the DoranDoran system.
//!
//! `cli.rs` declares the command line, `command/` acts on it, `output.rs` prints. `stack/` knows the stack
//! file, `supervisor/` keeps units running through `shim/`, which owns their output in `logstore/`.

pub mod audit;
mod cli;
mod command;
mod context;
mod error;
mod interrupt;
mod layout;
mod logstore;
mod migration;
mod operator;
mod output;
mod port;
mod render;
mod secrets;
mod seed;
mod shim;
mod smoke;
mod stack;
mod supervisor;
mod telemetry;
mod yaml;

use std::path::Path;
use std::process::ExitCode;

use clap::Parser as _;

/// Runs the command line to its exit code.
pub fn main() -> ExitCode {
    // A shim lives beside every unit: it gets no runtime, no printer, and no command tree.
    let mut args = std::env::args_os().skip(1);
    if args.next().is_some_and(|verb| verb == shim::VERB)
        && let Some(spec) = args.next()
    {
        return shim::run(Path::new(&spec));
    }
    command::run(cli::Cli::parse())
}
