//! A service as a process: exit codes, signals, the inherited listener, log lines.

use std::fs;
use std::io::{BufRead as _, BufReader, Lines, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// Built by `cargo test` together with this test.
fn example() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    test.parent().unwrap().parent().unwrap().join("examples/holding")
}

const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

struct Process {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Process {
    fn start(env: &[(&str, &str)], stdin: Stdio) -> Self {
        let mut child = Command::new(example())
            .env_clear()
            .env("DORAN_PORT", "0")
            .envs(env.iter().copied())
            .stdin(stdin)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    /// The next log line whose message contains `words`. Ends with the process's output at the latest.
    fn logged(&mut self, words: &str) -> Value {
        loop {
            let line = self.lines.next().expect("the process said it before it ended").unwrap();
            let line: Value = serde_json::from_str(&line).expect("every line is one JSON object");
            if line["message"].as_str().unwrap().contains(words) {
                return line;
            }
        }
    }

    fn address(&mut self) -> String {
        self.logged("listens on")["fields"]["address"].as_str().unwrap().to_owned()
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Gone already when the test went well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A connection with a request on it.
fn request(address: &str, path: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let headers = format!("host: test\r\ntraceparent: {TRACE}\r\nconnection: close");
    write!(stream, "GET {path} HTTP/1.1\r\n{headers}\r\n\r\n").unwrap();
    stream
}

fn answer(mut stream: TcpStream) -> String {
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

#[test]
fn sigterm_lets_the_request_in_flight_finish_and_exits_with_zero() {
    let directory = tempfile::tempdir().unwrap();
    let registry = directory.path().join("registry.json");
    let mut process = Process::start(&[("DORAN_REGISTRY", registry.to_str().unwrap())], Stdio::null());
    let address = process.address();
    assert!(answer(request(&address, "/actuator/health/readiness")).starts_with("HTTP/1.1 200 "));

    let held = request(&address, "/hold");
    process.logged("holding");
    process.signal(Signal::TERM);
    process.logged("stopping on SIGTERM");
    fs::write(&registry, r#"{"services":{}}"#).unwrap();
    let answer = answer(held);
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("held"), "{answer}");
    assert_eq!(process.child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_failure_is_logged_with_its_cause_and_the_trace_and_an_answer_at_debug() {
    let mut process = Process::start(&[("DORAN_LOG", "info,chassis::layer=debug")], Stdio::null());
    let address = process.address();
    assert!(answer(request(&address, "/fail/7")).starts_with("HTTP/1.1 500 "));
    let line = process.logged("request failed");
    assert_eq!((&line["level"], &line["traceId"]), (&"ERROR".into(), &TRACE[3..35].into()));
    let fields = &line["fields"];
    assert_eq!((&fields["route"], &fields["cause"]), (&"/fail/{id}".into(), &"the cause".into()), "{line}");
    assert!(answer(request(&address, "/api-docs")).starts_with("HTTP/1.1 200 "));
    assert_eq!(process.logged("answered 200")["fields"]["route"], "/api-docs");
}

#[test]
fn bad_configuration_is_listed_whole_and_exits_with_64() {
    let output = Command::new(example())
        .env_clear()
        .envs([("DORAN_PORT", "eighty"), ("DORAN_BIND", "here"), ("DORAN_AUTH_URLS", "auth:8081")])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(64));
    let text = String::from_utf8(output.stderr).unwrap();
    for name in ["DORAN_PORT", "DORAN_BIND", "DORAN_AUTH_URLS"] {
        assert!(text.contains(name), "{text}");
    }
}

#[test]
fn a_port_that_is_taken_is_named_and_exits_with_1() {
    let holder = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = holder.local_addr().unwrap().port().to_string();
    let output = Command::new(example()).env_clear().env("DORAN_PORT", &port).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains(&format!("failed to bind 127.0.0.1:{port}")), "{text}");
}

#[test]
fn the_listener_may_be_inherited_and_outlives_the_process() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let handed = OwnedFd::from(listener.try_clone().unwrap());
    let mut process = Process::start(&[("DORAN_LISTENER", "stdin")], Stdio::from(handed));
    assert_eq!(process.address(), address);
    assert!(answer(request(&address, "/actuator/health/liveness")).starts_with("HTTP/1.1 200 "));
    process.signal(Signal::INT);
    assert_eq!(process.child.wait().unwrap().code(), Some(0));
    // Nobody accepts now, and nobody is refused either: the connection waits in the queue.
    TcpStream::connect(address).unwrap();
}

#[test]
fn something_else_on_standard_input_is_refused() {
    let output = Command::new(example())
        .env_clear()
        .env("DORAN_LISTENER", "stdin")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr).unwrap().contains("standard input"));
}
