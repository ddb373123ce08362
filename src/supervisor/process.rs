//! One run of one unit: starts its shim, listens to it, passes commands on, and sweeps up if the shim dies.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context as _;
use tokio::io::AsyncReadExt as _;
use tokio::process::{Child, Command};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tracing::warn;

use super::leftover::{self, Marks};
use super::state::Report;
use crate::layout::Layout;
use crate::shim::VERB;
use crate::shim::client::{ShimClient, ShimCommands, ShimReports};
use crate::shim::protocol::{PROTOCOL, READY, ShimCommand, ShimReport, ShimSpec};

/// A shim does nothing slow before it says that it listens.
const SHIM_START_LIMIT: Duration = Duration::from_secs(10);
/// A shim that closed its socket has nothing left to do but to exit.
const SHIM_EXIT_LIMIT: Duration = Duration::from_secs(5);

/// What starts a run.
pub(super) struct Start {
    pub layout: Layout,
    pub spec: ShimSpec,
    pub spec_path: std::path::PathBuf,
    /// The listener that the unit inherits as standard input.
    pub stdin: Option<OwnedFd>,
    pub marks: Marks,
}

/// Runs the unit from its start until nothing of it lives; the last report is always [`Report::Gone`].
pub(super) async fn run(start: Start, commands: mpsc::Receiver<ShimCommand>, reports: mpsc::Sender<Report>) {
    let (layout, marks) = (start.layout.clone(), start.marks.clone());
    match launch(start).await {
        Ok((client, child)) => attend(client, Some(child), commands, &reports).await,
        Err(error) => tell(&reports, Report::SpawnFailed(format!("{error:#}"))).await,
    }
    finish(&layout, &marks, &reports).await;
}

/// Takes over a run that another supervisor started.
pub(super) async fn adopt(
    layout: Layout,
    client: ShimClient,
    marks: Marks,
    commands: mpsc::Receiver<ShimCommand>,
    reports: mpsc::Sender<Report>,
) {
    attend(client, None, commands, &reports).await;
    finish(&layout, &marks, &reports).await;
}

async fn finish(layout: &Layout, marks: &Marks, reports: &mpsc::Sender<Report>) {
    leftover::sweep(layout, marks).await;
    tell(reports, Report::Gone).await;
}

async fn launch(start: Start) -> anyhow::Result<(ShimClient, Child)> {
    write_spec(&start.spec_path, &start.spec)
        .with_context(|| format!("write {}", start.spec_path.display()))?;
    remove_stale(&start.spec.exit_record)?;
    let mut child = Command::new("/proc/self/exe")
        .arg(VERB)
        .arg(&start.spec_path)
        .env(contract::env::UNIT_MARK, &start.marks.shim)
        .stdin(start.stdin.map_or_else(Stdio::null, Stdio::from))
        .stdout(Stdio::piped())
        .spawn()
        .context("start its shim")?;
    match greet(&mut child, &start.spec.socket).await {
        Ok(client) => Ok((client, child)),
        Err(error) => {
            // It must not start the unit later, when nobody expects it. It may have ended by itself.
            let _ = child.kill().await;
            Err(error)
        }
    }
}

/// Waits until the shim says that it listens, and connects.
async fn greet(child: &mut Child, socket: &Path) -> anyhow::Result<ShimClient> {
    let mut greeting = String::new();
    let mut stdout = child.stdout.take().context("the shim has no standard output")?;
    timeout(SHIM_START_LIMIT, stdout.read_to_string(&mut greeting))
        .await
        .context("its shim did not get ready in time")?
        .context("listen to its shim")?;
    anyhow::ensure!(greeting.trim_end() == READY, "its shim did not start: {}", greeting.trim_end());
    ShimClient::connect(socket).await.context("connect to its shim")
}

/// Passes reports and commands until the shim closes the connection, then reaps it.
async fn attend(
    client: ShimClient,
    child: Option<Child>,
    mut commands: mpsc::Receiver<ShimCommand>,
    reports: &mpsc::Sender<Report>,
) {
    let (mut incoming, mut outgoing) = client.split();
    let listen = listen(&mut incoming, reports);
    let speak = speak(&mut commands, &mut outgoing);
    tokio::select! {
        () = listen => {}
        () = speak => {}
    }
    if let Some(mut child) = child
        && timeout(SHIM_EXIT_LIMIT, child.wait()).await.is_err()
    {
        warn!(pid = child.id(), "a shim closed its socket and lives on: it is killed");
        // It is being killed; what it leaves is swept next.
        let _ = child.kill().await;
    }
}

async fn listen(incoming: &mut ShimReports, reports: &mpsc::Sender<Report>) {
    loop {
        match incoming.next().await {
            Ok(Some(ShimReport::Hello { protocol, unit, .. })) if protocol != PROTOCOL => {
                warn!(unit, protocol, "a shim speaks another protocol than {PROTOCOL}: it is left");
                return;
            }
            Ok(Some(ShimReport::Hello { .. })) => {}
            Ok(Some(ShimReport::Spawned(identity))) => tell(reports, Report::Spawned(identity.pid)).await,
            Ok(Some(ShimReport::SpawnFailed { message })) => {
                tell(reports, Report::SpawnFailed(message)).await;
            }
            Ok(Some(ShimReport::Exited(outcome))) => tell(reports, Report::Exited(outcome)).await,
            Ok(Some(ShimReport::Empty) | None) => return,
            Err(error) => {
                warn!(%error, "the connection to a shim broke");
                return;
            }
        }
    }
}

/// Never ends by itself: a runtime that dropped the sender has no more commands, and still wants reports.
async fn speak(commands: &mut mpsc::Receiver<ShimCommand>, outgoing: &mut ShimCommands) {
    while let Some(command) = commands.recv().await {
        if let Err(error) = outgoing.send(command).await {
            // The reading half sees the broken connection, and what follows from it.
            warn!(%error, "a command did not reach a shim");
        }
    }
    std::future::pending::<()>().await;
}

async fn tell(reports: &mpsc::Sender<Report>, report: Report) {
    // Only a runtime that is ending does not listen.
    let _ = reports.send(report).await;
}

/// 0600 from its first byte: the environment in it carries passwords.
fn write_spec(path: &Path, spec: &ShimSpec) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(&serde_json::to_vec(spec)?)
}

pub(super) fn remove_stale(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}
