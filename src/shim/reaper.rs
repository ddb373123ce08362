//! Notices the end of children without reaping them behind the keeper's back.
//!
//! A thread sits in `waitid` and only says that somebody has ended; the keeper reaps and lets it go on. So a
//! pid that the keeper knows cannot be reused between its decision and its signal.

use std::io::{self, PipeReader, Read as _, Write as _};
use std::os::fd::{AsFd as _, BorrowedFd};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use rustix::process::{Pid, WaitId, WaitIdOptions, WaitOptions, WaitStatus, wait, waitid};

use super::protocol::Outcome;

/// The thread makes one system call at a time.
const STACK_BYTES: usize = 64 * 1024;

pub(super) struct Reaper {
    ended: PipeReader,
    go_on: SyncSender<()>,
}

/// What reaping found.
pub(super) struct Reaped {
    pub(crate) ended: Vec<(Pid, Outcome)>,
    /// No child is left, and with that no descendant: orphans become children of the subreaper.
    pub(crate) childless: bool,
}

impl Reaper {
    /// Call it when there is a child to wait for.
    pub(super) fn start() -> io::Result<Self> {
        let (ended, mut tell) = io::pipe()?;
        let (go_on, continued): (SyncSender<()>, Receiver<()>) = sync_channel(1);
        let watch = move || {
            loop {
                match waitid(WaitId::All, WaitIdOptions::EXITED | WaitIdOptions::NOWAIT) {
                    Err(rustix::io::Errno::INTR) => continue,
                    // No child is left (the keeper has seen that itself): the pipe's end says it again.
                    Err(_) => return,
                    Ok(_) => {}
                }
                if tell.write_all(&[0]).is_err() || continued.recv().is_err() {
                    return;
                }
            }
        };
        thread::Builder::new().name("reaper".to_owned()).stack_size(STACK_BYTES).spawn(watch)?;
        Ok(Self { ended, go_on })
    }

    /// Readable when [`Self::reap`] has something to do.
    pub(super) fn ended(&self) -> BorrowedFd<'_> {
        self.ended.as_fd()
    }

    /// Reaps every child that has ended.
    pub(super) fn reap(&mut self) -> io::Result<Reaped> {
        let mut told = [0];
        // One byte a notice; at the pipe's end there are none.
        let _ = self.ended.read(&mut told)?;
        let mut reaped = Reaped { ended: Vec::new(), childless: false };
        loop {
            match wait(WaitOptions::NOHANG) {
                Ok(Some((pid, status))) => reaped.ended.push((pid, outcome(status))),
                Ok(None) => break,
                Err(rustix::io::Errno::CHILD) => {
                    reaped.childless = true;
                    break;
                }
                Err(rustix::io::Errno::INTR) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
        // A thread that has ended watches no more, and need not.
        let _ = self.go_on.try_send(());
        Ok(reaped)
    }
}

fn outcome(status: WaitStatus) -> Outcome {
    match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => Outcome::Code(code),
        (None, Some(signal)) => Outcome::Signal(signal),
        (None, None) => Outcome::Unknown,
    }
}
