//! The shim's only loop: children that end, clients that ask, and the clock.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::Pid;

use super::end::{Action, End, View};
use super::launch::NotLaunched;
use super::protocol::{
    ExitRecord, LEADER_RECORD, LeaderRecord, Outcome, ProcessIdentity, ShimCommand, ShimReport, StopSignal,
    Target, boot_id,
};
use super::reaper::Reaper;
use super::server::Server;
use super::signal::{self, Leader};
use crate::logstore::capture::Capture;

/// Whoever hears of the end may want the last lines: they are written first, unless descendants that write
/// without pause make that endless.
const DRAIN_LIMIT: Duration = Duration::from_millis(50);

pub(super) struct Keeper {
    server: Server,
    unit: Unit,
    end: End,
    /// There is a process.
    run: Option<Run>,
    logged: bool,
}

/// What the exit record says about whom, and where.
pub(super) struct Unit {
    pub(crate) name: String,
    pub(crate) run: u64,
    pub(crate) exit_record: PathBuf,
}

struct Run {
    leader: Leader,
    reaper: Reaper,
    capture: Capture,
    childless: bool,
}

/// What woke the loop.
struct Woken {
    reaper: bool,
    logged: bool,
    server: Vec<PollFlags>,
}

impl Keeper {
    /// # Errors
    /// When the thread that watches the children cannot be started.
    pub(super) fn of_process(
        mut server: Server,
        unit: Unit,
        identity: ProcessIdentity,
        capture: Capture,
    ) -> io::Result<Self> {
        unit.identify(identity);
        server.say(&ShimReport::Spawned(identity));
        let pid = Pid::from_raw(identity.pid).ok_or(io::ErrorKind::InvalidInput)?;
        let leader = Leader { pid, reaped: false };
        let run = Run { leader, reaper: Reaper::start()?, capture, childless: false };
        Ok(Self { server, unit, end: End::default(), run: Some(run), logged: false })
    }

    /// There is nothing to keep but the news.
    pub(super) fn of_failure(mut server: Server, unit: Unit, failure: NotLaunched) -> Self {
        unit.record(failure.outcome, Some(failure.message.clone()));
        server.say(&ShimReport::SpawnFailed { message: failure.message });
        let mut end = End::default();
        end.childless(Instant::now());
        Self { server, unit, end, run: None, logged: true }
    }

    /// Runs until nothing lives and somebody has heard of it.
    pub(super) fn run(mut self) -> io::Result<()> {
        loop {
            let now = Instant::now();
            let view = View {
                attended: self.server.is_attended(),
                unread: self.server.has_unread(),
                logged: self.logged,
            };
            match self.end.next(view, now) {
                Action::Wait(until) => {
                    let woken = self.wait(until.map(|until| until.saturating_duration_since(now)))?;
                    self.react(&woken)?;
                }
                Action::Signal(signal) => self.signal(signal, Target::Descendants),
                Action::Announce => {
                    self.unit.forget();
                    self.server.close();
                    self.server.say(&ShimReport::Empty);
                }
                Action::Leave => return Ok(()),
            }
        }
    }

    fn wait(&self, limit: Option<Duration>) -> io::Result<Woken> {
        let mut fds: Vec<PollFd<'_>> = Vec::new();
        if let Some(run) = self.run.as_ref().filter(|run| !run.childless) {
            fds.push(PollFd::from_borrowed_fd(run.reaper.ended(), PollFlags::IN));
        }
        let reaper = fds.len();
        if let Some(run) = self.run.as_ref().filter(|_| !self.logged) {
            fds.push(PollFd::from_borrowed_fd(run.capture.done(), PollFlags::IN));
        }
        let own = fds.len();
        fds.extend(self.server.poll_fds());
        let limit = limit.and_then(|limit| Timespec::try_from(limit).ok());
        match poll(&mut fds, limit.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(errno) => return Err(errno.into()),
        }
        let is_ready = |fd: &PollFd<'_>| !fd.revents().is_empty();
        Ok(Woken {
            reaper: fds[..reaper].iter().any(is_ready),
            logged: fds[reaper..own].iter().any(is_ready),
            server: fds[own..].iter().map(PollFd::revents).collect(),
        })
    }

    fn react(&mut self, woken: &Woken) -> io::Result<()> {
        if woken.reaper {
            self.reap()?;
        }
        self.logged |= woken.logged;
        for ShimCommand::Signal { signal, to } in self.server.serve(&woken.server) {
            self.signal(signal, to);
        }
        Ok(())
    }

    fn reap(&mut self) -> io::Result<()> {
        let Some(run) = &mut self.run else { return Ok(()) };
        let reaped = run.reaper.reap()?;
        run.childless = reaped.childless;
        let outcome =
            reaped.ended.iter().find(|(pid, _)| *pid == run.leader.pid).map(|(_, outcome)| *outcome);
        // A later child can get the leader's pid.
        if let Some(outcome) = outcome.filter(|_| !run.leader.reaped) {
            run.leader.reaped = true;
            self.unit.record(outcome, None);
            run.capture.drain(DRAIN_LIMIT);
            self.end.leader_ended();
            self.server.say(&ShimReport::Exited(outcome));
        }
        if reaped.childless {
            self.end.childless(Instant::now());
        }
        Ok(())
    }

    fn signal(&mut self, signal: StopSignal, to: Target) {
        if let Some(run) = &self.run {
            signal::send(signal, to, run.leader);
        }
    }
}

impl Unit {
    /// Without the record a unit of a killed shim is found by its mark alone.
    fn identify(&self, identity: ProcessIdentity) {
        let record = LeaderRecord { unit: self.name.clone(), run: self.run, identity, boot: boot_id() };
        let _ = replace(&self.leader_record(), &serde_json::to_vec(&record).expect("a record is plain data"));
    }

    /// A record that stays names a process that is gone.
    fn forget(&self) {
        let _ = fs::remove_file(self.leader_record());
    }

    fn leader_record(&self) -> PathBuf {
        self.exit_record.with_file_name(format!("{}{LEADER_RECORD}", self.name))
    }

    /// A disk that refuses the record does not keep the clients from hearing the outcome.
    fn record(&self, outcome: Outcome, spawn_error: Option<String>) {
        let at = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let record = ExitRecord {
            unit: self.name.clone(),
            run: self.run,
            outcome,
            at_ms: u64::try_from(at.as_millis()).unwrap_or(u64::MAX),
            spawn_error,
        };
        let _ = replace(&self.exit_record, &serde_json::to_vec(&record).expect("a record is plain data"));
    }
}

/// By rename: a reader sees all of it or nothing.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let aside = path.with_extension("tmp");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&aside)?;
    file.write_all(bytes)?;
    fs::rename(&aside, path)
}
