//! This binary again as a process of batch.

use std::fs::File;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use rustix::process::{Pid, Signal, kill_process};
use testkit::{eventually, free_port};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::cluster::PATIENCE;
use super::role::{ROLE, TEST};

/// Before every line that a process tells us, among what the test harness prints.
pub(crate) const TOLD: &str = "@matrix ";

/// Points with their steps, in the order of their first time, and how often each was passed.
pub(crate) type Passed = Vec<((String, String), u64)>;

/// What a process needs to start, and what all its runs have told.
pub(crate) struct Unit {
    pub(crate) name: String,
    port: u16,
    environment: Vec<(String, String)>,
    passed: Arc<Mutex<Passed>>,
}

/// One run of it.
pub(crate) struct Run {
    pub(crate) name: String,
    port: u16,
    child: Child,
    /// How many fates it has met.
    met: watch::Receiver<u64>,
    /// What had been passed each time that an execution turned out to be another's.
    lost: watch::Receiver<Vec<Passed>>,
    /// Ends with the process, or of what it cannot understand.
    listening: JoinSet<()>,
    /// The process ends with it.
    _parent: ChildStdin,
}

impl Unit {
    pub(crate) fn new(name: String, environment: Vec<(String, String)>) -> Self {
        Self { name, port: free_port(), environment, passed: Arc::default() }
    }

    pub(crate) fn start(&self) -> Run {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([TEST, "--exact", "--nocapture", "--test-threads=1"])
            .env_clear()
            .env(ROLE, "batch")
            .env("DORAN_INSTANCE_ID", &self.name)
            .env("DORAN_PORT", self.port.to_string())
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(self.log())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let (parent, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let ((meets, met), (losses, lost)) = (watch::channel(0), watch::channel(Vec::new()));
        let mut listening = JoinSet::new();
        listening.spawn(listen(output, self.passed.clone(), meets, losses));
        Run { name: self.name.clone(), port: self.port, child, met, lost, listening, _parent: parent }
    }

    pub(crate) fn passed(&self) -> Passed {
        self.passed.lock().unwrap().clone()
    }

    /// Nowhere, unless `MATRIX_LOGS` names a directory.
    fn log(&self) -> Stdio {
        let Some(directory) = std::env::var_os("MATRIX_LOGS") else { return Stdio::null() };
        let path = Path::new(&directory).join(format!("{}.log", self.name));
        File::options().create(true).append(true).open(path).unwrap().into()
    }
}

impl Run {
    /// Until it listens, which it does when its jobs are written down.
    pub(crate) async fn ready(&self) {
        eventually(PATIENCE, || TcpStream::connect(("127.0.0.1", self.port))).await;
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Completes when it has died of its fate, and everything that it has told is known.
    pub(crate) async fn death(&mut self) {
        let status = self.child.wait().await.unwrap();
        self.heard().await;
        let killed = Some(Signal::KILL.as_raw());
        assert_eq!(status.signal(), killed, "{} was not killed, it ended: {status}", self.name);
    }

    /// It was there to the last, and is not needed any more.
    pub(crate) async fn end(mut self) {
        let ended = self.child.try_wait().unwrap();
        assert_eq!(ended, None, "{} has ended by itself", self.name);
        self.child.kill().await.unwrap();
        self.heard().await;
    }

    /// Until it has told everything. Fails as the listener has failed.
    async fn heard(&mut self) {
        while let Some(listened) = self.listening.join_next().await {
            listened.unwrap();
        }
    }

    /// Completes when it has met its first fate.
    pub(crate) async fn met(&mut self) {
        let told = self.met.wait_for(|met| *met > 0).await.is_ok();
        self.told(told, "met its fate").await;
    }

    async fn told(&mut self, told: bool, what: &str) {
        if !told {
            self.heard().await;
            panic!("{} has ended without having {what}", self.name);
        }
    }

    /// Lets it go on.
    pub(crate) fn awake(&self) {
        let pid = i32::try_from(self.child.id().unwrap()).unwrap();
        kill_process(Pid::from_raw(pid).unwrap(), Signal::CONT).unwrap();
    }

    /// How often it has heard so far that an execution is another's.
    pub(crate) fn losses(&self) -> usize {
        self.lost.borrow().len()
    }

    /// Completes when it has heard that once more than so often. What had been passed by then.
    pub(crate) async fn lost(&mut self, before: usize) -> Passed {
        let told = self.lost.wait_for(|lost| lost.len() > before).await.is_ok();
        self.told(told, "lost an execution").await;
        self.lost.borrow()[before].clone()
    }
}

async fn listen(
    output: ChildStdout,
    passed: Arc<Mutex<Passed>>,
    met: watch::Sender<u64>,
    lost: watch::Sender<Vec<Passed>>,
) {
    let mut lines = BufReader::new(output).lines();
    while let Some(line) = lines.next_line().await.unwrap() {
        // The harness may have printed something before it on the same line.
        let Some((_, news)) = line.split_once(TOLD) else { continue };
        match news.splitn(3, ' ').collect::<Vec<_>>()[..] {
            ["passed", point, step] => {
                let which = (point.to_owned(), step.to_owned());
                let mut passed = passed.lock().unwrap();
                match passed.iter_mut().find(|(known, _)| *known == which) {
                    Some((_, count)) => *count += 1,
                    None => passed.push((which, 1)),
                }
            }
            ["met", _, _] => met.send_modify(|met| *met += 1),
            ["lost"] => lost.send_modify(|lost| lost.push(passed.lock().unwrap().clone())),
            _ => panic!("the process says `{line}`"),
        }
    }
}
