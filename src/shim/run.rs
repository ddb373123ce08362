//! The shim process: becomes independent, starts its unit, says so, and keeps it.
//!
//! It has a session of its own, so no terminal's signals reach it, and it ends only when nothing of its unit
//! lives. It does not defend itself against a TERM or KILL of its own pid: then the unit's processes go to
//! init, and the supervisor, whose connection breaks, sweeps them up.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;
use std::process::{ExitCode, Stdio};

use rustix::process::{getpid, set_child_subreaper, setsid};
use rustix::stdio::{dup2_stderr, dup2_stdout};

use super::keeper::{Keeper, Unit};
use super::launch::launch;
use super::protocol::{PROTOCOL, READY, ShimReport, ShimSpec};
use super::server::Server;
use crate::logstore::capture::Capture;
use crate::logstore::segment::{self, Segment};
use crate::logstore::write::{LazyFile, SegmentWriter};

#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("cannot read the spec {path}")]
    ReadSpec {
        path: String,
        #[source]
        source: io::Error,
    },
    #[error("cannot understand the spec {path}")]
    ParseSpec {
        path: String,
        #[source]
        source: serde_json::Error,
    },
    #[error("the spec speaks protocol {0}, this doran speaks {PROTOCOL}")]
    Protocol(u32),
    #[error("cannot become the leader of a session")]
    Session(#[source] io::Error),
    #[error("cannot become the reaper of the unit's descendants")]
    Subreaper(#[source] io::Error),
    #[error("cannot listen on {path}")]
    Listen {
        path: String,
        #[source]
        source: io::Error,
    },
    #[error("cannot look after the unit")]
    Keep(#[source] io::Error),
}

/// Runs the unit of the spec file until nothing of it lives. Exit code 0 says that it was looked after,
/// however it ended.
pub(crate) fn run(spec_path: &Path) -> ExitCode {
    match prepare(spec_path).and_then(|keeper| {
        // A supervisor that was killed meanwhile does not hear it: the unit has been started, and is kept.
        let _ = say(&[READY]);
        detach().map_err(Error::Keep)?;
        keeper.run().map_err(Error::Keep)
    }) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // The supervisor may have gone, and then nobody asks.
            let _ = say(&causes(&error));
            ExitCode::FAILURE
        }
    }
}

fn prepare(spec_path: &Path) -> Result<Keeper, Error> {
    let spec = read(spec_path)?;
    setsid().map_err(|errno| Error::Session(errno.into()))?;
    set_child_subreaper(Some(getpid())).map_err(|errno| Error::Subreaper(errno.into()))?;
    let hello = ShimReport::Hello { protocol: PROTOCOL, unit: spec.unit.clone(), run: spec.run };
    let server = Server::bind(&spec.socket, &hello)
        .map_err(|source| Error::Listen { path: spec.socket.display().to_string(), source })?;
    // Old segments cost disk space and nothing else: the unit starts also when they cannot be removed.
    let _ = segment::retain_newest(&spec.logs, &spec.unit, spec.run);
    let stdin = if spec.inherit_stdin { Stdio::inherit() } else { Stdio::null() };
    let launched = launch(&spec.launch, stdin);
    let segment = Segment::new(&spec.logs, &spec.unit, spec.run);
    let unit = Unit { name: spec.unit, run: spec.run, exit_record: spec.exit_record };
    match launched {
        Ok(launched) => {
            let writer = SegmentWriter::new(LazyFile::new(segment.log), LazyFile::new(segment.index));
            let capture = Capture::start(launched.pipes, writer).map_err(Error::Keep)?;
            Keeper::of_process(server, unit, launched.identity, capture).map_err(Error::Keep)
        }
        Err(failure) => Ok(Keeper::of_failure(server, unit, failure)),
    }
}

fn read(path: &Path) -> Result<ShimSpec, Error> {
    let name = || path.display().to_string();
    let bytes = fs::read(path).map_err(|source| Error::ReadSpec { path: name(), source })?;
    let spec: ShimSpec =
        serde_json::from_slice(&bytes).map_err(|source| Error::ParseSpec { path: name(), source })?;
    if spec.protocol != PROTOCOL {
        return Err(Error::Protocol(spec.protocol));
    }
    Ok(spec)
}

/// One line to whoever started the shim.
fn say(words: &[impl AsRef<str>]) -> Result<(), Error> {
    let mut line = words.iter().map(AsRef::as_ref).collect::<Vec<_>>().join(": ");
    line.push('\n');
    let mut out = io::stdout();
    out.write_all(line.as_bytes()).and_then(|()| out.flush()).map_err(Error::Keep)
}

fn causes(error: &Error) -> Vec<String> {
    let chain = std::iter::successors(Some(error as &dyn std::error::Error), |error| error.source());
    chain.map(ToString::to_string).collect()
}

/// The supervisor sees the end of the pipe, and nothing of the shim holds its terminal.
fn detach() -> io::Result<()> {
    let null = OpenOptions::new().write(true).open("/dev/null")?;
    dup2_stdout(&null)?;
    dup2_stderr(&null)?;
    Ok(())
}
