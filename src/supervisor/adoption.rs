//! Finds the units that an earlier supervisor of this instance left running.

use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use futures_util::future::join_all;
use procfs::Current as _;
use tokio::time::timeout;
use tracing::{info, warn};

use super::leftover::Marks;
use super::plan::Plan;
use super::state::{Cause, RunId, UnitId};
use super::unit::UnitSpec;
use crate::layout::Layout;
use crate::shim::client::ShimClient;
use crate::shim::protocol::{ExitRecord, PROTOCOL, ShimReport};

/// A living shim answers at once.
const ANSWER_LIMIT: Duration = Duration::from_secs(1);

/// A live run, and the connection to its shim.
pub(super) struct Found {
    pub run: RunId,
    pub pid: i32,
    pub started: Instant,
    pub client: ShimClient,
    pub marks: Marks,
}

/// Connects to every shim of the plan that still answers.
pub(super) async fn find(plan: &Plan, layout: &Layout) -> Vec<(UnitId, Found)> {
    let units = plan.units.iter().enumerate();
    let found =
        join_all(units.map(async |(index, unit)| Some((UnitId(index), of_unit(unit, layout).await?))));
    found.await.into_iter().flatten().collect()
}

async fn of_unit(unit: &UnitSpec, layout: &Layout) -> Option<Found> {
    let name = &unit.name;
    let socket = layout.shim_socket(name);
    if !socket.exists() {
        return None;
    }
    match timeout(ANSWER_LIMIT, greet(name, &socket)).await {
        Ok(Ok(Some((run, pid, client)))) => {
            info!(unit = name, pid, "{name} still runs: it is taken over");
            Some(Found { run, pid, started: started(pid), client, marks: Marks::new(layout, name, run) })
        }
        Ok(Ok(None)) => None,
        Ok(Err(error)) => {
            info!(unit = name, %error, "no shim answers on the socket that was left");
            None
        }
        Err(_) => {
            warn!(unit = name, "the shim of {name} does not answer");
            None
        }
    }
}

/// `None` when the shim has nothing alive to hand over.
async fn greet(unit: &str, socket: &std::path::Path) -> anyhow::Result<Option<(RunId, i32, ShimClient)>> {
    let mut client = ShimClient::connect(socket).await?;
    let run = match client.next_report().await? {
        Some(ShimReport::Hello { protocol, unit: of, run }) => {
            anyhow::ensure!(protocol == PROTOCOL, "its shim speaks protocol {protocol}, we speak {PROTOCOL}");
            anyhow::ensure!(of == unit, "the shim on its socket runs {of}");
            RunId(run)
        }
        other => anyhow::bail!("its shim greets with {other:?}"),
    };
    match client.next_report().await? {
        Some(ShimReport::Spawned(identity)) => Ok(Some((run, identity.pid, client))),
        Some(
            ShimReport::SpawnFailed { .. }
            | ShimReport::Exited(_)
            | ShimReport::Empty
            | ShimReport::Hello { .. },
        )
        | None => Ok(None),
    }
}

/// When a process began; now, if the kernel does not tell.
fn started(pid: i32) -> Instant {
    let age = || {
        let start = procfs::process::Process::new(pid).ok()?.stat().ok()?.starttime;
        let up = procfs::Uptime::current().ok()?.uptime_duration();
        up.checked_sub(Duration::from_secs(start) / u32::try_from(procfs::ticks_per_second()).ok()?)
    };
    let now = Instant::now();
    age().and_then(|age| now.checked_sub(age)).unwrap_or(now)
}

/// How units ended that nobody supervised at that moment: a supervisor removes the record of an end that it
/// has seen.
pub(super) fn unseen_ends(plan: &Plan, layout: &Layout) -> Vec<(UnitId, Cause)> {
    let end = |(index, unit): (usize, &UnitSpec)| {
        let text = fs::read(layout.exit_record(&unit.name)).ok()?;
        let record: ExitRecord = serde_json::from_slice(&text).ok()?;
        let cause = record.spawn_error.map_or(Cause::Exited(record.outcome), Cause::SpawnFailed);
        Some((UnitId(index), cause))
    };
    plan.units.iter().enumerate().filter_map(end).collect()
}

/// The last run of each unit, from the names of its log segments `<unit>.<run>.log`: counts go on where an
/// earlier supervisor stopped.
pub(super) fn last_runs(layout: &Layout) -> anyhow::Result<BTreeMap<String, RunId>> {
    let logs = layout.logs();
    let entries = match fs::read_dir(&logs) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        other => other.with_context(|| format!("read {}", logs.display()))?,
    };
    let mut runs = BTreeMap::new();
    for entry in entries {
        let name = entry.with_context(|| format!("read {}", logs.display()))?.file_name();
        if let Some((unit, run)) = name.to_str().and_then(segment) {
            let last = runs.entry(unit.to_owned()).or_insert(run);
            *last = run.max(*last);
        }
    }
    Ok(runs)
}

fn segment(name: &str) -> Option<(&str, RunId)> {
    let (unit, run) = name.strip_suffix(".log")?.rsplit_once('.')?;
    Some((unit, RunId(run.parse().ok()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_segment_names_its_run() {
        assert_eq!(segment("auth_db.12.log"), Some(("auth_db", RunId(12))));
        assert_eq!(segment("supervisor.log"), None);
        assert_eq!(segment("auth_db.12.idx"), None);
    }
}
