//! This binary again, as a process of the service.

use std::fs::File;
use std::path::Path;
use std::process::Stdio;

use chrono::TimeDelta;
use testkit::free_port;
use tokio::process::{Child, ChildStdin, Command};

use super::clock::Clock;
use super::role::{ROLE, TEST};

/// An instance of the service, which comes and goes.
pub(crate) struct Instance {
    name: String,
    clock: Clock,
    port: u16,
    database: String,
    run: Option<Run>,
}

struct Run {
    child: Child,
    /// The process ends with it.
    _parent: ChildStdin,
}

impl Instance {
    pub(crate) fn new(name: String, clock: Clock, database: String) -> Self {
        Self { name, clock, port: free_port(), database, run: None }
    }

    pub(crate) const fn runs(&self) -> bool {
        self.run.is_some()
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Unless it runs.
    pub(crate) fn start(&mut self) {
        if self.runs() {
            return;
        }
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([TEST, "--exact", "--nocapture", "--test-threads=1"])
            .env_clear()
            .env(ROLE, "batch")
            .env("DORAN_INSTANCE_ID", &self.name)
            .env("DORAN_PORT", self.port.to_string())
            .env("DORAN_OBJECT_STORE_URL", "file:///nonexistent")
            .env("DATABASE_URL", &self.database)
            .envs(self.clock.environment())
            .stdin(Stdio::piped())
            .stdout(self.log())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let parent = child.stdin.take().unwrap();
        self.run = Some(Run { child, _parent: parent });
    }

    /// SIGKILL: nothing of it gets to say goodbye.
    pub(crate) async fn kill(&mut self) {
        if let Some(mut run) = self.run.take() {
            run.child.kill().await.unwrap();
        }
    }

    /// What it believes the time to be, which nobody should ask it.
    pub(crate) fn mislead(&self, ahead: TimeDelta) {
        self.clock.set(ahead);
    }

    /// Nowhere, unless `SLOTS_LOGS` names a directory.
    fn log(&self) -> Stdio {
        let Some(directory) = std::env::var_os("SLOTS_LOGS") else { return Stdio::null() };
        let path = Path::new(&directory).join(format!("{}.log", self.name));
        File::options().create(true).append(true).open(path).unwrap().into()
    }
}
