//! The life of a service process: configure, log, build, bind, serve, drain, exit.

use std::io::Write as _;
use std::process::ExitCode;

use anyhow::Context as _;
use tracing::{error, info};

use crate::config::{Base, HasBase};
use crate::env::{ConfigError, Env, ProcessEnv};
use crate::identity;
use crate::log_level::LogControl;
use crate::platform::{Platform, Service};
use crate::server;
use crate::shutdown::StopSignals;
use crate::telemetry;

/// Bad configuration (`EX_USAGE` of sysexits.h): restarting does not help.
const BAD_CONFIG: u8 = 64;

/// Blocking work (password hashing, DNS, files) runs on at most this many threads.
const BLOCKING_THREADS: usize = 8;

/// Runs a service to completion: configuration, telemetry, build, serve, drain.
///
/// Exit codes: 64 bad configuration, 1 failed build or serve, 0 clean stop.
pub fn run<C, Fut>(
    name: &str,
    config: impl FnOnce(&dyn Env) -> Result<C, ConfigError>,
    build: impl FnOnce(C, Platform) -> Fut,
) -> ExitCode
where
    C: HasBase,
    Fut: Future<Output = anyhow::Result<Service>>,
{
    crate::crypto::install();
    let config = match config(&ProcessEnv) {
        Ok(config) => config,
        Err(error) => return complain(name, &error.to_string(), BAD_CONFIG),
    };
    let base = config.base().clone();
    let log = telemetry::install(&base);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(base.workers)
        .max_blocking_threads(BLOCKING_THREADS)
        .thread_name(name)
        .enable_all()
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return complain(name, &format!("failed to start the runtime: {error}"), 1),
    };
    match runtime.block_on(live(base, log, config, build)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            error!("{name} failed: {error:#}");
            complain(name, &format!("{error:#}"), 1)
        }
    }
}

async fn live<C, Fut>(
    base: Base,
    log: LogControl,
    config: C,
    build: impl FnOnce(C, Platform) -> Fut,
) -> anyhow::Result<()>
where
    Fut: Future<Output = anyhow::Result<Service>>,
{
    let mut signals = StopSignals::catch().context("failed to catch signals")?;
    let (service, listen) = (base.service, base.listener);
    let platform = Platform::new(base, log)?;
    identity::follow_revocations(&platform);
    let ready = tokio::select! {
        result = build(config, platform.clone()) => result.context("failed to build the service")?,
        signal = signals.next() => {
            info!("stopped by {signal} before serving");
            return Ok(());
        }
    };
    let listener = server::listen(listen)?;
    let address = listener.local_addr().context("failed to read the bound address")?;
    info!(%address, version = env!("CARGO_PKG_VERSION"), "{service} listens on {address}");
    let drain = platform.drain().clone();
    platform.tasks().spawn_until_drain("upkeep", upkeep(platform.clone()));
    platform.tasks().spawn_until_drain("access-keys", platform.identity().access.clone().keep_confirming());
    let serving = server::serve(listener, ready, drain.clone());
    let served = tokio::select! {
        served = serving => served,
        () = watch_signals(signals, &platform) => Ok(()),
    };
    // Ends the tasks that were waiting for requests in flight.
    drain.end();
    platform.tasks().join().await;
    platform.spans().close().await;
    platform.health().close().await;
    info!("{service} has stopped");
    served
}

/// The first signal begins the drain, the second ends it.
async fn watch_signals(mut signals: StopSignals, platform: &Platform) {
    let signal = signals.next().await;
    info!("stopping on {signal}: requests in flight may take {:?}", platform.drain().limit());
    platform.readiness().drain();
    platform.drain().begin();
    let signal = signals.next().await;
    info!("not waiting any longer: {signal}");
    platform.drain().end();
    std::future::pending::<()>().await;
}

/// Folds recorded histograms away, which the exporter leaves to us.
async fn upkeep(platform: Platform) {
    let mut ticks = tokio::time::interval(std::time::Duration::from_secs(5));
    loop {
        ticks.tick().await;
        platform.metrics().run_upkeep();
    }
}

/// For a person: on standard error, whatever the log goes to.
fn complain(name: &str, problem: &str, code: u8) -> ExitCode {
    // Without standard error the exit code has to say it.
    let _ = writeln!(std::io::stderr().lock(), "{name}: {problem}");
    ExitCode::from(code)
}
