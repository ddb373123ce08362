//! The producer and the consumer as processes that can be killed.

use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

/// What a process needs to start again. The listening socket is ours and outlives every run.
pub(super) struct Unit {
    environment: Vec<(&'static str, String)>,
    listener: TcpListener,
}

/// One run.
pub(super) struct Run {
    child: Child,
}

impl Unit {
    pub(super) fn new(environment: Vec<(&'static str, String)>) -> Self {
        Self { environment, listener: TcpListener::bind("127.0.0.1:0").unwrap() }
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.listener.local_addr().unwrap())
    }

    pub(super) fn start(&self) -> Run {
        let child = Command::new(example())
            .env_clear()
            .env("DORAN_LISTENER", "stdin")
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::from(OwnedFd::from(self.listener.try_clone().unwrap())))
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        Run { child }
    }
}

impl Run {
    /// SIGKILL: nothing of it gets to say goodbye.
    pub(super) fn kill(mut self) {
        self.end();
    }

    fn end(&mut self) {
        // Gone already when it ended by itself, which the proof would notice.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        self.end();
    }
}

/// Built by `cargo test` together with this test.
fn example() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    test.parent().unwrap().parent().unwrap().join("examples/ledger")
}
