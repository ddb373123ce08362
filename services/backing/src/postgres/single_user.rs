//! Runs statements in a cluster that does not listen: the server as a plain program over one database.

use std::path::Path;

use thiserror::Error;

use super::installation::Installation;
use crate::ServerUser;
use crate::directory::{DirectoryError, Lock};
use crate::tool::{self, ToolError};

/// Whether the server waits for the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Durability {
    /// The cluster holds data.
    Now,
    /// The caller makes the whole directory durable afterwards, or throws it away.
    Later,
}

#[derive(Debug, Error)]
pub enum SingleUserError {
    #[error(transparent)]
    Tool(#[from] ToolError),
    #[error(transparent)]
    Lock(#[from] DirectoryError),
}

/// A server without connections.
#[derive(Debug, Clone, Copy)]
pub(super) struct SingleUser<'a> {
    pub(super) installation: &'a Installation,
    pub(super) user: Option<&'a ServerUser>,
    /// Of whoever works on the cluster; the server keeps it when its starter is killed.
    pub(super) lock: &'a Lock,
}

impl SingleUser<'_> {
    /// One statement a line, each its own transaction; the first error ends it.
    ///
    /// Statements go through standard input, so that passwords show neither in the process list nor in a log: the
    /// server does not repeat failed statements here.
    pub(super) fn run(
        &self,
        data: &Path,
        database: &str,
        durability: Durability,
        statements: &[String],
    ) -> Result<(), SingleUserError> {
        let mut command = tool::command(&self.installation.program("postgres"), self.user);
        command.arg("--single").arg("-D").arg(data);
        let fsync = match durability {
            Durability::Now => "fsync=on",
            Durability::Later => "fsync=off",
        };
        for setting in [fsync, "exit_on_error=on", "log_min_error_statement=panic", "log_checkpoints=off"] {
            command.args(["-c", setting]);
        }
        // Only prompts are written there.
        command.arg(database).stdout(self.lock.stream()?);
        let mut input = statements.join("\n");
        input.push('\n');
        tool::run(command, &input)?;
        Ok(())
    }
}
