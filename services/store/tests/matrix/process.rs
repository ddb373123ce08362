//! This binary again as a process of its own, in the role that its environment names.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use testkit::eventually;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use uuid::Uuid;

use super::cluster::PATIENCE;
use super::role::{ROLE, Role, TEST};

/// Before every line that a process tells us, among what the test harness prints.
pub(crate) const TOLD: &str = "@matrix ";

/// What a process needs to start, and to start again at the same port.
pub(crate) struct Unit {
    pub(crate) name: String,
    role: Role,
    port: u16,
    environment: Vec<(String, String)>,
    http: reqwest::Client,
}

/// One run of it.
pub(crate) struct Run {
    child: Child,
    orders: ChildStdin,
    reached: mpsc::UnboundedReceiver<String>,
    seen: Arc<Mutex<BTreeSet<String>>>,
    _listening: JoinSet<()>,
}

impl Unit {
    pub(crate) fn new(name: &str, role: Role, port: u16, environment: Vec<(String, String)>) -> Self {
        let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(1)).build().unwrap();
        Self { name: name.to_owned(), role, port, environment, http }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(crate) fn start(&self) -> Run {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([TEST, "--exact", "--nocapture", "--test-threads=1"])
            .env_clear()
            .env(ROLE, self.role.name())
            .env("DORAN_INSTANCE_ID", &self.name)
            .env("DORAN_PORT", self.port.to_string())
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(self.log())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let (orders, told) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let (tell, reached) = mpsc::unbounded_channel();
        let seen = Arc::default();
        let mut listening = JoinSet::new();
        listening.spawn(listen(told, tell, Arc::clone(&seen)));
        Run { child, orders, reached, seen, _listening: listening }
    }

    pub(crate) async fn ready(&self) {
        let url = format!("{}/actuator/health/readiness", self.url());
        eventually(PATIENCE, || async {
            let answer = self.http.get(&url).send().await.map_err(|error| error.to_string())?;
            let status = answer.status();
            if status.is_success() { Ok(()) } else { Err(answer.text().await.unwrap_or_default()) }
        })
        .await;
    }

    /// Nowhere, unless `MATRIX_LOGS` names a directory.
    fn log(&self) -> Stdio {
        let Some(directory) = std::env::var_os("MATRIX_LOGS") else { return Stdio::null() };
        let path = Path::new(&directory).join(format!("{}.log", self.name));
        File::options().create(true).append(true).open(path).unwrap().into()
    }
}

impl Run {
    /// Has the process stop when it comes to `point` with an order of after now.
    pub(crate) async fn arm(&mut self, point: &str) {
        self.order(&format!("arm {point} {}", Uuid::now_v7())).await;
    }

    /// Lets the thread go on that stands at the point, and no other stop there.
    pub(crate) async fn go(&mut self) {
        self.order("go").await;
    }

    /// The order with which the armed point was reached.
    pub(crate) async fn reached(&mut self) -> Option<String> {
        self.reached.recv().await
    }

    /// The points that this run has passed so far.
    pub(crate) fn seen(&self) -> BTreeSet<String> {
        self.seen.lock().unwrap().clone()
    }

    /// SIGKILL: nothing of it gets to say goodbye.
    pub(crate) async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }

    async fn order(&mut self, line: &str) {
        self.orders.write_all(format!("{line}\n").as_bytes()).await.unwrap();
        self.orders.flush().await.unwrap();
    }
}

async fn listen(
    told: ChildStdout,
    reached: mpsc::UnboundedSender<String>,
    seen: Arc<Mutex<BTreeSet<String>>>,
) {
    let mut lines = BufReader::new(told).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        // The harness may have printed something before it on the same line.
        let Some((_, news)) = line.split_once(TOLD) else { continue };
        match news.split_once(' ') {
            Some(("seen", point)) => {
                seen.lock().unwrap().insert(point.to_owned());
            }
            // Nobody listens any more when the run is over.
            Some(("reached", order)) => drop(reached.send(order.to_owned())),
            _ => panic!("the process says `{line}`"),
        }
    }
}
