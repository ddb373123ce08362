//! Finds the processes of an instance, whoever is their parent now.
//!
//! Each carries a mark in its environment, unless it writes its title over that, as PostgreSQL and Redis do:
//! then the record that its shim left names it. What descends from such a process belongs to it.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::time::Duration;

use rustix::process::{Pid, PidfdFlags, Signal, WaitOptions, pidfd_open, pidfd_send_signal, waitpid};
use tokio::time::{Instant, sleep};
use tracing::warn;

use super::state::RunId;
use crate::layout::Layout;
use crate::shim::descendant::{self, Process};
use crate::shim::protocol::{LEADER_RECORD, LeaderRecord, ProcessIdentity, boot_id};

/// Killed processes are gone in milliseconds, unless the kernel holds them.
const LIMIT: Duration = Duration::from_secs(5);
/// A shim whose unit has gone has nothing left to do but to exit.
const SHIM_EXIT_LIMIT: Duration = Duration::from_secs(5);
/// A supervisor that is told to end stops its units in order; most take less than a second.
const LOST_LIMIT: Duration = Duration::from_secs(15);
/// How long a process 1 may take to reap a zombie; some never do.
const REAP_LIMIT: Duration = Duration::from_secs(2);

/// What every process of a run carries, and what its shim does.
#[derive(Debug, Clone)]
pub(crate) struct Marks {
    pub unit: String,
    pub shim: String,
}

impl Marks {
    pub(crate) fn new(layout: &Layout, unit: &str, run: RunId) -> Self {
        let (instance, run) = (instance(layout), run.0);
        Self { unit: format!("{instance}{unit}#{run}"), shim: format!("{instance}shim:{unit}#{run}") }
    }
}

/// How the mark of every process of an instance begins.
pub(crate) fn instance(layout: &Layout) -> String {
    format!("{}#", layout.root().display())
}

/// The mark of an instance's supervisor.
pub(crate) fn supervisor(layout: &Layout) -> String {
    format!("{}supervisor#0", instance(layout))
}

/// Sees a run off: its shim is given time to exit, and what it left is killed.
pub(crate) async fn sweep(layout: &Layout, marks: &Marks) {
    let patience = Instant::now() + SHIM_EXIT_LIMIT;
    while marked().any(|(_, mark)| mark == marks.shim) && Instant::now() < patience {
        sleep(Duration::from_millis(2)).await;
    }
    kill(layout, |mark| mark == marks.unit || mark == marks.shim).await;
}

/// Ends a supervisor that lost its state directory, and with that its lease: it stops its units in order.
pub(crate) async fn end_lost_supervisor(layout: &Layout) {
    let lost = supervisor(layout);
    let patience = Instant::now() + LOST_LIMIT;
    while let Some((pid, mark)) = marked().find(|(_, mark)| *mark == lost)
        && Instant::now() < patience
    {
        if let Some(pinned) = pin(pid).filter(|_| mark_of(pid) == Some(mark)) {
            // It may have ended by itself in between, which is what we want.
            let _ = pidfd_send_signal(pinned, Signal::TERM);
        }
        sleep(Duration::from_millis(50)).await;
    }
}

/// Kills everything of an instance but ourselves and these runs: units whose shim died, shims that do not
/// answer, units that the stack no longer has.
pub(crate) async fn kill_strangers(layout: &Layout, ours: &[Marks]) {
    let is_ours = |mark: &str| ours.iter().any(|marks| mark == marks.unit || mark == marks.shim);
    kill(layout, |mark| !is_ours(mark)).await;
}

/// Kills every process of the instance whose mark is meant, with what descends from it, and waits until none is
/// left.
async fn kill(layout: &Layout, is_meant: impl Fn(&str) -> bool) {
    let deadline = Instant::now() + LIMIT;
    let mut killed = Vec::new();
    loop {
        let left = families(layout, &is_meant);
        if left.is_empty() {
            return reap(&killed).await;
        }
        for Process { identity, .. } in left {
            warn!(pid = identity.pid, "killing what a dead shim or supervisor left");
            kill_process(identity);
            killed.push(identity);
        }
        if Instant::now() > deadline {
            warn!("something survives SIGKILL");
            return;
        }
        sleep(Duration::from_millis(10)).await;
    }
}

/// Waits until the dead have no entry any more: PostgreSQL does not start while its predecessor is a zombie.
async fn reap(killed: &[ProcessIdentity]) {
    let patience = Instant::now() + REAP_LIMIT;
    let is_there = |identity: &ProcessIdentity| {
        // Orphans of a shim that we started are our children, and ours to reap; others are process 1's.
        let _ = Pid::from_raw(identity.pid).map(|pid| waitpid(Some(pid), WaitOptions::NOHANG));
        descendant::process(identity.pid).is_some_and(|process| process.identity == *identity)
    };
    // All of them are asked for, each time.
    while killed.iter().filter(|identity| is_there(identity)).count() > 0 && Instant::now() < patience {
        sleep(Duration::from_millis(5)).await;
    }
}

/// Whether anything of an instance lives, ourselves left out.
pub(crate) fn any_of(layout: &Layout) -> bool {
    !families(layout, |_| true).is_empty()
}

/// The living processes of the instance whose mark is meant, and their living descendants.
fn families(layout: &Layout, is_meant: impl Fn(&str) -> bool) -> Vec<Process> {
    let (instance, records) = (instance(layout), records(layout));
    let own = rustix::process::getpid().as_raw_nonzero().get();
    let table = descendant::table().unwrap_or_default();
    let mark =
        |process: &Process| mark_of(process.identity.pid).or_else(|| records.get(&process.identity).cloned());
    let is_root = |process: &&Process| {
        let is_other = !process.zombie && process.identity.pid != own;
        is_other && mark(process).is_some_and(|mark| mark.starts_with(&instance) && is_meant(&mark))
    };
    let mut found = BTreeMap::new();
    for root in table.iter().filter(is_root) {
        let family = descendant::living(&table, root.identity.pid).into_iter().chain([*root]);
        found.extend(family.map(|process| (process.identity.pid, process)));
    }
    found.remove(&own);
    found.into_values().collect()
}

/// The leaders that shims have written down, with the marks of their runs.
fn records(layout: &Layout) -> HashMap<ProcessIdentity, String> {
    let boot = boot_id();
    let record = |entry: std::io::Result<fs::DirEntry>| {
        let path = entry.ok()?.path();
        path.to_str()?.strip_suffix(LEADER_RECORD)?;
        let record: LeaderRecord = serde_json::from_slice(&fs::read(&path).ok()?).ok()?;
        let mark = Marks::new(layout, &record.unit, RunId(record.run)).unit;
        (record.boot == boot).then_some((record.identity, mark))
    };
    fs::read_dir(layout.run()).into_iter().flatten().filter_map(record).collect()
}

/// Every other process with a mark; zombies have no environment any more.
fn marked() -> impl Iterator<Item = (i32, String)> {
    let own = rustix::process::getpid().as_raw_nonzero().get();
    fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<i32>().ok())
        .filter(move |pid| *pid != own)
        .filter_map(|pid| Some((pid, mark_of(pid)?)))
}

/// The mark of a process: `<state directory>#<unit>#<run>`.
pub(crate) fn mark_of(pid: i32) -> Option<String> {
    let environ = fs::read(format!("/proc/{pid}/environ")).ok()?;
    let prefix = [contract::env::UNIT_MARK.as_bytes(), b"="].concat();
    environ
        .split(|byte| *byte == 0)
        .find_map(|variable| variable.strip_prefix(prefix.as_slice()))
        .and_then(|value| String::from_utf8(value.to_vec()).ok())
}

fn pin(pid: i32) -> Option<std::os::fd::OwnedFd> {
    Pid::from_raw(pid).and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok())
}

/// The descriptor pins the process, and its start time is read again through the pinned pid: no stranger is hit.
fn kill_process(identity: ProcessIdentity) {
    let is_same = |process: Process| process.identity == identity;
    if let Some(pinned) = pin(identity.pid)
        && descendant::process(identity.pid).is_some_and(is_same)
    {
        // It may have ended by itself in between, which is what we want.
        let _ = pidfd_send_signal(pinned, Signal::KILL);
    }
}
