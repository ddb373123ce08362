//! How to run a server: everything its process gets, nothing inherited.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::ServerUser;

/// A program to start. Its environment is complete: the starter's own must not leak in, because a stray `PG*`
/// variable or a locale would change what the server does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Launch {
    pub program: PathBuf,
    pub args: Vec<String>,
    pub env: BTreeMap<String, String>,
    pub cwd: PathBuf,
    /// The unprivileged user to become; `None` keeps the starter's own.
    pub user: Option<ServerUser>,
}

impl Launch {
    /// The same as a blocking command without input, for callers that have no process runner of their own.
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.args).env_clear().envs(&self.env).current_dir(&self.cwd).stdin(Stdio::null());
        if let Some(user) = &self.user {
            user.apply(&mut command);
        }
        command
    }
}

/// The environment every server gets: UTC and a fixed locale, so that logs and sorting do not depend on who starts it.
pub(crate) fn environment() -> BTreeMap<String, String> {
    [("LC_ALL", "C.UTF-8"), ("PATH", "/usr/local/bin:/usr/bin:/bin"), ("TZ", "UTC")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
}
