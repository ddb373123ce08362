//! The supervisor's end of a shim's socket.

use std::io;
use std::path::Path;

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};

use super::protocol::{ShimCommand, ShimReport};

#[derive(Debug, thiserror::Error)]
pub(crate) enum ClientError {
    #[error("connect to the shim")]
    Connect(#[source] io::Error),
    #[error("read from the shim")]
    Read(#[source] io::Error),
    #[error("write to the shim")]
    Write(#[source] io::Error),
    #[error("understand the shim's line `{line}`")]
    Decode {
        line: String,
        #[source]
        source: serde_json::Error,
    },
}

/// One connection to a shim. The first report is its `Hello`, then come the reports that describe the
/// present state, then what happens from there.
#[derive(Debug)]
pub(crate) struct ShimClient {
    reports: ShimReports,
    commands: ShimCommands,
}

/// What the shim says.
#[derive(Debug)]
pub(crate) struct ShimReports(Lines<BufReader<OwnedReadHalf>>);

/// What the shim is told.
#[derive(Debug)]
pub(crate) struct ShimCommands(OwnedWriteHalf);

impl ShimClient {
    /// # Errors
    /// When nobody listens: then the exit record tells how the unit ended.
    pub(crate) async fn connect(socket: &Path) -> Result<Self, ClientError> {
        let stream = UnixStream::connect(socket).await.map_err(ClientError::Connect)?;
        let (read, write) = stream.into_split();
        Ok(Self { reports: ShimReports(BufReader::new(read).lines()), commands: ShimCommands(write) })
    }

    /// See [`ShimReports::next`].
    pub(crate) async fn next_report(&mut self) -> Result<Option<ShimReport>, ClientError> {
        self.reports.next().await
    }

    pub(crate) fn split(self) -> (ShimReports, ShimCommands) {
        (self.reports, self.commands)
    }
}

impl ShimReports {
    /// The next report; `None` when the shim has closed the connection, which it does only by ending.
    /// Cancel-safe: a dropped call loses nothing.
    pub(crate) async fn next(&mut self) -> Result<Option<ShimReport>, ClientError> {
        let Some(line) = self.0.next_line().await.map_err(ClientError::Read)? else {
            return Ok(None);
        };
        match serde_json::from_str(&line) {
            Ok(report) => Ok(Some(report)),
            Err(source) => Err(ClientError::Decode { line, source }),
        }
    }
}

impl ShimCommands {
    /// What a command does shows in the reports.
    pub(crate) async fn send(&mut self, command: ShimCommand) -> Result<(), ClientError> {
        let mut line = serde_json::to_vec(&command).map_err(|source| ClientError::Write(source.into()))?;
        line.push(b'\n');
        self.0.write_all(&line).await.map_err(ClientError::Write)
    }
}
