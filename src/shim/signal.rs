//! Delivers signals so that no stranger can be hit.
//!
//! Only the keeper's thread reaps, and signals are sent from that same thread: a direct child keeps its pid
//! until then. Whatever is deeper is pinned by a pidfd before its parentage is checked once more.

use std::collections::HashSet;

use rustix::process::{
    Pid, PidfdFlags, Signal, kill_process, kill_process_group, pidfd_open, pidfd_send_signal,
};

use super::descendant::{self, Process};
use super::protocol::{ProcessIdentity, StopSignal, Target};

/// A unit that forks while it is being killed is met again by the next round; one that outruns this many is
/// met by the supervisor's next command.
const ROUNDS: usize = 100;

/// The unit's own process, and whether it has been reaped: then its pid may mean somebody else.
#[derive(Debug, Clone, Copy)]
pub(super) struct Leader {
    pub(crate) pid: Pid,
    pub(crate) reaped: bool,
}

/// Whoever has just ended needs no signal, and whoever may refuse one (a process of root, under a shim that
/// is not) shows by living on: no failure keeps the others from being signalled.
///
/// A process that somebody stopped (SIGSTOP, a debugger) hears nothing but SIGKILL until it goes on, so a
/// SIGCONT follows.
pub(super) fn send(signal: StopSignal, to: Target, leader: Leader) {
    deliver(number(signal), to, leader);
    if signal != StopSignal::Kill {
        deliver(Signal::CONT, to, leader);
    }
}

fn deliver(signal: Signal, to: Target, leader: Leader) {
    match to {
        Target::Leader => to_leader(signal, leader),
        Target::Group if leader.reaped => {
            let group = leader.pid.as_raw_nonzero().get();
            sweep(signal, |process| process.group == group);
        }
        Target::Group => {
            // A leader that has moved to another group left none of its own.
            if kill_process_group(leader.pid, signal).is_err() {
                to_leader(signal, leader);
            }
        }
        Target::Descendants => sweep(signal, |_| true),
    }
}

fn to_leader(signal: Signal, leader: Leader) {
    if !leader.reaped {
        let _ = kill_process(leader.pid, signal);
    }
}

/// Signals every matching living descendant once, until a look around finds none that was not signalled.
fn sweep(signal: Signal, matches: impl Fn(&Process) -> bool) {
    let own = rustix::process::getpid().as_raw_nonzero().get();
    let mut met: HashSet<ProcessIdentity> = HashSet::new();
    for _ in 0..ROUNDS {
        let table = descendant::table().unwrap_or_default();
        let mut found = descendant::living(&table, own);
        found.retain(|process| matches(process) && met.insert(process.identity));
        if found.is_empty() {
            break;
        }
        for process in found {
            pin_and_send(&process, own, signal);
        }
    }
}

fn pin_and_send(process: &Process, own: i32, signal: Signal) {
    let pinned =
        Pid::from_raw(process.identity.pid).and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok());
    if let Some(pinned) = pinned
        && is_still_ours(process.identity, own)
    {
        let _ = pidfd_send_signal(pinned, signal);
    }
}

/// The same process (by start time) still has a line of parents that leads to the shim.
fn is_still_ours(identity: ProcessIdentity, own: i32) -> bool {
    let mut current = descendant::process(identity.pid).filter(|process| process.identity == identity);
    // The kernel's own limit of pids bounds the depth; a line this long is not one.
    for _ in 0..ROUNDS {
        match current {
            None => return false,
            Some(process) if process.parent == own => return true,
            Some(process) => current = descendant::process(process.parent),
        }
    }
    false
}

fn number(signal: StopSignal) -> Signal {
    match signal {
        StopSignal::Term => Signal::TERM,
        StopSignal::Int => Signal::INT,
        StopSignal::Quit => Signal::QUIT,
        StopSignal::Kill => Signal::KILL,
    }
}
