//! The supervisor process: takes the lease, serves the control socket, runs the loop, leaves nothing behind.

use std::fs;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;
use std::pin::pin;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use rustix::process::{getpid, set_child_subreaper};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tracing::info;

use super::facts;
use super::lease::Lease;
use super::plan::Plan;
use super::runtime::Runtime;
use super::{control, runtime};
use crate::error::{CliError, ExitStatus};
use crate::layout::Layout;
use crate::shim::protocol::LEADER_RECORD;
use crate::stack::Stack;
use crate::telemetry;

/// Requests of verbs that the loop has not taken yet.
const ASKS: usize = 64;
/// A client that has not taken its answer by then has stopped reading.
const LAST_ANSWERS: Duration = Duration::from_secs(1);

/// Supervises the stack until it is told to end. Its own log goes to standard error.
///
/// # Errors
/// When another supervisor has the instance, or the stack cannot be planned.
pub(crate) async fn run(stack: Stack, layout: Layout) -> anyhow::Result<ExitStatus> {
    let started = Instant::now();
    make_directories(&layout)?;
    let Some(lease) = Lease::take(&layout.lease()).context("take the supervisor's lease")? else {
        return Err(CliError::new(ExitStatus::Conflict, "another supervisor runs this instance").into());
    };
    // What a killed shim leaves becomes ours to reap, whatever process 1 does.
    set_child_subreaper(Some(getpid())).context("become the reaper of what a killed shim leaves")?;
    let instance = stack.instance.clone();
    let plan = Plan::new(&stack, &facts::gather(&stack, &layout)?);
    let (mut runtime, runtime::Inbox { events, reports }) =
        Runtime::new(stack, layout.clone(), plan, started, lease)?;
    runtime.begin().await?;
    let listener = control::bind(&layout.control_socket())
        .with_context(|| format!("listen on {}", layout.control_socket().display()))?;
    let (ask, asks) = mpsc::channel(ASKS);
    let terminate = termination()?;
    info!(pid = std::process::id(), "the supervisor serves {}", layout.control_socket().display());
    let (end, ended) = oneshot::channel();
    let (figures, collecting) = telemetry::begin(&layout, &instance, reports.clone(), started);
    let mut collectors = JoinSet::new();
    collectors.spawn(collecting);
    let mut serving = pin!(control::serve(listener, ask, reports, started, figures, ended));
    tokio::select! {
        () = runtime.run(events, asks, terminate) => {}
        served = &mut serving => served.context("serve the control socket")?,
    }
    drop(collectors);
    tidy(&layout);
    // The end of the states ends the streams. The lease stays for as long as there is a process: who waits for it
    // finds nothing of us.
    std::mem::forget(runtime.into_lease());
    drop(end);
    // Whoever is not heard has stopped reading.
    let _ = timeout(LAST_ANSWERS, serving).await;
    Ok(ExitStatus::Success)
}

/// TERM and INT mean an orderly end. HUP means nothing: the terminal that started us is not ours.
fn termination() -> anyhow::Result<mpsc::Receiver<()>> {
    let mut term = signal(SignalKind::terminate()).context("listen for SIGTERM")?;
    let mut int = signal(SignalKind::interrupt()).context("listen for SIGINT")?;
    let mut hup = signal(SignalKind::hangup()).context("listen for SIGHUP")?;
    let (tell, told) = mpsc::channel(1);
    #[expect(clippy::disallowed_methods, reason = "lives as long as the process and only forwards signals")]
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = term.recv() => {}
                _ = int.recv() => {}
                _ = hup.recv() => continue,
            }
            if tell.send(()).await.is_err() {
                return;
            }
        }
    });
    Ok(told)
}

/// All of an instance's directories, for its owner only.
pub(crate) fn make_directories(layout: &Layout) -> anyhow::Result<()> {
    for dir in [layout.root(), layout.sockets(), &layout.run(), &layout.logs(), &layout.secrets()] {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(|error| {
            CliError::new(ExitStatus::Failure, format!("cannot create {}: {error}", dir.display())).help(
                "doran keeps an instance's state there: make the directory writable, or free some space",
            )
        })?;
    }
    Ok(())
}

/// Removes what describes a running instance. What is left over is harmless: the lease decides.
fn tidy(layout: &Layout) {
    let _ = fs::remove_file(layout.control_socket());
    let _ = fs::remove_file(layout.registry());
    for dir in [layout.run(), layout.sockets().to_owned()] {
        remove_with_suffix(&dir, ".spec.json");
        remove_with_suffix(&dir, ".sock");
        remove_with_suffix(&dir, LEADER_RECORD);
    }
}

fn remove_with_suffix(dir: &Path, suffix: &str) {
    let Ok(entries) = fs::read_dir(dir) else { return };
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        if path.to_string_lossy().ends_with(suffix) {
            let _ = fs::remove_file(path);
        }
    }
}
