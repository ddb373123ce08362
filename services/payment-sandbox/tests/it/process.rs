//! The real binary.

use std::io::{BufRead as _, BufReader};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Mutex, mpsc};
use std::thread;
use std::time::Duration;

use reqwest::{Method, RequestBuilder};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::fixture::{Home, authorisation};

const BINARY: &str = env!("CARGO_BIN_EXE_payment-sandbox");

pub(crate) struct Process {
    child: Child,
    url: String,
    token: String,
    http: reqwest::Client,
    /// What it logged, as long as it runs.
    logged: Mutex<mpsc::Receiver<Value>>,
}

impl Process {
    pub(crate) fn start(home: &Home) -> Self {
        Self::spawn(home, Command::new(BINARY))
    }

    /// One that may write no more than so many bytes into a file, and is told instead of killed.
    pub(crate) fn start_with_little_disk(home: &Home, kibibytes: u64) -> Self {
        let mut shell = Command::new("bash");
        // In bash's units of 1024 bytes; the soft limit only, so that it can be raised again.
        shell.args(["-c", &format!("trap '' XFSZ; ulimit -S -f {kibibytes}; exec {BINARY}")]);
        Self::spawn(home, shell)
    }

    fn spawn(home: &Home, mut command: Command) -> Self {
        let env = home.env();
        command.env_clear().env("DORAN_PORT", "0").envs(env).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (told, logged) = mpsc::channel();
        let logged = Mutex::new(logged);
        thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                // Fails once the test is over.
                let _ = told.send(serde_json::from_str(&line).unwrap());
            }
        });
        let mut process =
            Self { child, url: String::new(), token: home.token(), http: reqwest::Client::new(), logged };
        let address = process.logged("listens on")["fields"]["address"].clone();
        process.url = format!("http://{}", address.as_str().unwrap());
        process
    }

    /// The next log line whose message has these words in it.
    pub(crate) fn logged(&self, words: &str) -> Value {
        let has = |line: &Value| line["message"].as_str().is_some_and(|message| message.contains(words));
        self.logged.lock().unwrap().iter().find(has).expect("the process said it before it ended")
    }

    pub(crate) fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// SIGKILL, and the end of it.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        assert_eq!(self.child.wait().unwrap().signal(), Some(9));
    }

    pub(crate) fn stop(mut self) -> ExitStatus {
        kill_process(self.pid(), Signal::TERM).unwrap();
        self.child.wait().unwrap()
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.url));
        request.bearer_auth(&self.token).timeout(Duration::from_secs(20))
    }

    pub(crate) fn authorise(&self, payment: Uuid, token: &str) -> RequestBuilder {
        self.request(Method::PUT, &format!("/v1/payments/{payment}")).json(&authorisation(token))
    }

    pub(crate) fn capture(&self, payment: Uuid) -> RequestBuilder {
        self.request(Method::POST, &format!("/v1/payments/{payment}/capture")).json(&json!({}))
    }

    pub(crate) async fn find(&self, payment: Uuid) -> Value {
        let answer = self.request(Method::GET, &format!("/v1/payments/{payment}")).send().await.unwrap();
        answer.json().await.unwrap()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Gone already when the test went well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One that does not get as far as serving.
pub(crate) fn doomed(home: &Home) -> Output {
    Command::new(BINARY).env_clear().env("DORAN_PORT", "0").envs(home.env()).output().unwrap()
}
