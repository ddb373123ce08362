//! Starts the unit's program.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};

use rustix::pipe::fcntl_setpipe_size;

use super::descendant;
use super::protocol::{Launch, Outcome, ProcessIdentity};
use crate::logstore::capture::Pipes;

/// The most that Linux gives an unprivileged process by default (`/proc/sys/fs/pipe-max-size`): a burst
/// waits here while the shim is not scheduled.
const PIPE_BYTES: usize = 1024 * 1024;

/// A started unit and the reading ends of its output.
pub(super) struct Launched {
    pub(crate) identity: ProcessIdentity,
    pub(crate) pipes: Pipes,
}

/// Why there is no process.
#[derive(Debug)]
pub(super) struct NotLaunched {
    pub(crate) message: String,
    /// What a shell would exit with.
    pub(crate) outcome: Outcome,
}

/// The program becomes the leader of a process group of its own and inherits nothing but, if asked, the
/// shim's standard input.
pub(super) fn launch(launch: &Launch, stdin: Stdio) -> Result<Launched, NotLaunched> {
    let mut command = Command::new(&launch.program);
    command
        .args(&launch.args)
        .env_clear()
        .envs(&launch.env)
        .current_dir(&launch.cwd)
        .process_group(0)
        .stdin(stdin)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    if let Some(user) = launch.user {
        // Started as root, std drops the supplementary groups together with the uid.
        command.gid(user.gid).uid(user.uid);
    }
    let mut child = command.spawn().map_err(|error| explain(launch, &error))?;
    let pid = i32::try_from(child.id()).expect("Linux pids have 22 bits");
    // It is not reaped yet, so it has its entry even if it has ended.
    let start_ticks = descendant::process(pid).map_or(0, |process| process.identity.start_ticks);
    let stdout: OwnedFd = child.stdout.take().expect("piped above").into();
    let stderr: OwnedFd = child.stderr.take().expect("piped above").into();
    for pipe in [&stdout, &stderr] {
        // A machine that grants less works with less.
        let _ = fcntl_setpipe_size(pipe, PIPE_BYTES);
    }
    Ok(Launched { identity: ProcessIdentity { pid, start_ticks }, pipes: Pipes { stdout, stderr } })
}

/// The kernel's answer does not tell which of program, directory and user it is about.
fn explain(launch: &Launch, error: &io::Error) -> NotLaunched {
    let program = launch.program.display();
    let missing = error.kind() == io::ErrorKind::NotFound;
    let message = if !launch.cwd.is_dir() {
        format!("cannot start {program}: its working directory {} does not exist", launch.cwd.display())
    } else if let (io::ErrorKind::PermissionDenied, Some(user)) = (error.kind(), launch.user) {
        format!("cannot start {program} in {} as uid {}: {error}", launch.cwd.display(), user.uid)
    } else {
        format!("cannot start {program}: {error}")
    };
    NotLaunched { message, outcome: Outcome::Code(if missing { 127 } else { 126 }) }
}
