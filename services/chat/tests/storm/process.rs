//! An instance as a process that can be killed, frozen and stopped.

use std::fs::File;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use testkit::eventually;

/// For a process to get ready or to end, on a machine that is busy with much else.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// What an instance needs to start again. The listening socket is ours and outlives every run, as in a stack.
pub(crate) struct Unit {
    pub(crate) name: String,
    environment: Vec<(&'static str, String)>,
    listener: TcpListener,
    http: reqwest::Client,
}

/// One run.
pub(crate) struct Run {
    child: Child,
}

impl Unit {
    pub(crate) fn new(name: String, environment: Vec<(&'static str, String)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(1)).build().unwrap();
        Self { name, environment, listener, http }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.listener.local_addr().unwrap()
    }

    pub(crate) fn start(&self) -> Run {
        let child = Command::new(env!("CARGO_BIN_EXE_chat"))
            .env_clear()
            .env("DORAN_LISTENER", "stdin")
            .env("DORAN_INSTANCE_ID", &self.name)
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::from(OwnedFd::from(self.listener.try_clone().unwrap())))
            .stdout(self.log())
            .spawn()
            .unwrap();
        Run { child }
    }

    pub(crate) async fn ready(&self) {
        let url = format!("http://{}/actuator/health/readiness", self.address());
        eventually(PATIENCE, || async {
            let answer = self.http.get(&url).send().await.map_err(|error| error.to_string())?;
            let status = answer.status();
            if status.is_success() { Ok(()) } else { Err(answer.text().await.unwrap_or_default()) }
        })
        .await;
    }

    /// One number of `/actuator/prometheus`, summed over its labels.
    pub(crate) async fn metric(&self, name: &str) -> Result<f64, reqwest::Error> {
        let url = format!("http://{}/actuator/prometheus", self.address());
        let text = self.http.get(url).send().await?.error_for_status()?.text().await?;
        let lines = text.lines().filter_map(|line| line.strip_prefix(name));
        let values =
            lines.filter(|rest| rest.starts_with(['{', ' '])).filter_map(|rest| rest.rsplit(' ').next());
        Ok(values.filter_map(|value| value.parse::<f64>().ok()).sum())
    }

    /// Nowhere, unless `STORM_LOGS` says where.
    fn log(&self) -> Stdio {
        let Some(directory) = std::env::var_os("STORM_LOGS") else { return Stdio::null() };
        let path = Path::new(&directory).join(format!("{}.log", self.name));
        File::options().create(true).append(true).open(path).unwrap().into()
    }
}

impl Run {
    /// SIGKILL: nothing of it gets to say goodbye.
    pub(crate) fn kill(mut self) {
        self.end();
    }

    /// SIGTERM, then its end, which must be a good one.
    pub(crate) async fn stop(mut self) {
        self.signal(Signal::TERM);
        let status = eventually(PATIENCE, || {
            let ended = self.child.try_wait().unwrap();
            async move { ended }
        });
        let status = status.await;
        assert!(status.success(), "a drained instance ends with {status}");
    }

    pub(crate) fn freeze(&self) {
        self.signal(Signal::STOP);
    }

    pub(crate) fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    /// The most memory that it has had, in bytes.
    pub(crate) fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib =
            line.and_then(|line| line.trim().strip_suffix(" kB")).and_then(|kib| kib.parse::<u64>().ok());
        // A process that has just ended has none.
        kib.unwrap_or_default() * 1024
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    fn end(&mut self) {
        // Gone already when it was stopped.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        self.end();
    }
}
