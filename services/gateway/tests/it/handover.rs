//! Two gateways on one accept queue: how `doran` restarts the gateway.

use std::io::{BufRead as _, BufReader, Lines};
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::fixture::Upstream;

const SOON: Duration = Duration::from_secs(15);

/// A gateway process; killed when dropped.
struct Process {
    child: Child,
    /// Kept open, so that a line more is no broken pipe.
    _log: Lines<BufReader<ChildStdout>>,
}

impl Process {
    /// Returns when it serves.
    async fn start(listener: &TcpListener, upstream: &Upstream) -> Self {
        let socket = OwnedFd::from(listener.try_clone().unwrap());
        let mut child = Command::new(env!("CARGO_BIN_EXE_gateway"))
            .env_clear()
            .env("DORAN_LISTENER", "stdin")
            .env("DORAN_STORE_URLS", upstream.url())
            .env("DORAN_GATEWAY_CORES", "1")
            .stdin(Stdio::from(socket))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut log = tokio::task::spawn_blocking(move || {
            let mut lines = lines;
            lines.find(|line| line.as_ref().is_ok_and(|line| line.contains("listens on")));
            lines
        });
        let log = tokio::time::timeout(SOON, &mut log).await.unwrap().unwrap();
        Self { child, _log: log }
    }

    fn terminate(&self) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, Signal::TERM).unwrap();
    }

    async fn ended(&mut self) -> i32 {
        let status = testkit::eventually(SOON, || {
            let status = self.child.try_wait().unwrap();
            async move { status }
        });
        status.await.code().unwrap_or(-1)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself, which is what most tests want.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A connection per request, as fast as they are answered.
async fn knock(address: SocketAddr, enough: Arc<AtomicBool>) -> usize {
    let mut answered = 0;
    while !enough.load(Ordering::SeqCst) {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
        stream.write_all(request).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        assert!(answer.starts_with(b"HTTP/1.1 200 OK"), "{:?}", String::from_utf8_lossy(&answer));
        answered += 1;
    }
    answered
}

#[tokio::test]
async fn a_restart_on_the_inherited_socket_costs_no_request() {
    let upstream = Upstream::start("fake").await;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let mut old = Process::start(&listener, &upstream).await;
    let enough = Arc::new(AtomicBool::new(false));
    let mut clients = JoinSet::new();
    for _ in 0..4 {
        clients.spawn(knock(address, Arc::clone(&enough)));
    }
    for _ in 0..3 {
        // The old one may go before there is a new one: what it does not accept waits.
        old.terminate();
        let next = Process::start(&listener, &upstream).await;
        assert_eq!(old.ended().await, 0);
        old = next;
    }
    let front = crate::fixture::client().get(format!("http://{address}/")).send();
    assert_eq!(front.await.unwrap().status(), 200, "the last one serves");
    enough.store(true, Ordering::SeqCst);
    let mut answered = 0;
    while let Some(client) = tokio::time::timeout(SOON, clients.join_next()).await.unwrap() {
        answered += client.unwrap();
    }
    assert!(answered > 0);
}

#[tokio::test]
async fn a_bad_environment_is_said_and_has_its_own_exit_code() {
    let output =
        Command::new(env!("CARGO_BIN_EXE_gateway")).env_clear().env("DORAN_PORT", "many").output().unwrap();
    assert_eq!(output.status.code(), Some(64));
    assert!(String::from_utf8_lossy(&output.stderr).contains("DORAN_PORT"));
}
