//! One verb a file. A verb reads its arguments, asks, acts and reports; printing is `output.rs`'s.

pub(crate) mod batch;
mod cell;
mod config;
mod confirm;
mod doctor;
mod down;
mod env;
pub(crate) mod events;
mod health;
mod help;
mod job;
mod logs;
mod migrate;
mod ps;
mod psql;
mod render;
pub(crate) mod sagas;
mod seed;
mod smoke;
mod stopping;
mod supervisor;
pub(crate) mod top;
mod units;
mod up;
mod user;
mod wait;
mod waiting;

use std::io::Write as _;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::CommandFactory as _;

use crate::cli::{Cli, Command};
use crate::context::Context;
use crate::error::ExitStatus;
use crate::output::Printer;

/// Runs the verb and turns whatever happens into the documented exit code.
pub(crate) fn run(cli: Cli) -> ExitCode {
    let mut out = Printer::new(&cli.global);
    dispatch(cli, &mut out).unwrap_or_else(|error| out.report(&error)).into()
}

fn dispatch(cli: Cli, out: &mut Printer) -> anyhow::Result<ExitStatus> {
    match &cli.command {
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut Cli::command(), "doran", &mut script);
            out.out().write_all(&script)?;
            return Ok(ExitStatus::Success);
        }
        Command::Help(args) => return help::run(args, out),
        Command::Supervisor { .. } => {
            rustix::process::setsid().map(drop).context("leave the terminal's session")?;
        }
        _ => {}
    }
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("start the runtime")?
        .block_on(act(cli, out))
}

async fn act(cli: Cli, out: &mut Printer) -> anyhow::Result<ExitStatus> {
    match cli.command {
        Command::Config(args) => return config::run(&cli.global, &args, out),
        Command::Supervisor { stack } => return supervisor::run(&stack).await,
        Command::Job(args) => return job::run(&args, out).await,
        Command::Doctor => return doctor::run(&cli.global, out).await,
        Command::Sagas(command) if command.is_apart() => return sagas::run_apart(&command, out).await,
        _ => {}
    }
    let cx = &Context::load(&cli.global)?;
    match cli.command {
        Command::Up(args) => up::run(cx, &args, out).await,
        Command::Down(args) => down::run(cx, &args, out).await,
        Command::Ps(args) => ps::run(cx, &args, out).await,
        Command::Top(args) => top::run(cx, &args, out).await,
        Command::Logs(args) => logs::run(cx, &args, out).await,
        Command::Start(args) => units::start(cx, &args, out).await,
        Command::Stop(args) => units::stop(cx, &args, out).await,
        Command::Restart(args) => units::restart(cx, &args, out).await,
        Command::Wait(args) => wait::run(cx, &args, out).await,
        Command::Health(args) => health::run(cx, &args, out).await,
        Command::Migrate(args) => migrate::run(cx, &args, out).await,
        Command::Seed(args) => seed::run(cx, &args, out).await,
        Command::Smoke(args) => smoke::run(cx, &args, out).await,
        Command::Events(command) => events::run(cx, &command, out).await,
        Command::Sagas(command) => sagas::run(cx, &command, out).await,
        Command::Batch(command) => batch::run(cx, &command, out).await,
        Command::User(command) => user::run(cx, &command, out).await,
        Command::Psql(args) => psql::run(cx, &args),
        Command::Env(args) => env::run(cx, &args, out),
        Command::Render(command) => render::run(cx, &command, out),
        Command::Completions { .. }
        | Command::Help(_)
        | Command::Config(_)
        | Command::Supervisor { .. }
        | Command::Job(_)
        | Command::Doctor => unreachable!("handled above, without a stack"),
    }
}
