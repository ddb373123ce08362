//! `doran smoke` against a stack whose gateway the test itself plays.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use serde_json::Value;
use testkit::free_port;

use crate::fixture::Fixture;

const CANARY: &str = "canary-5b81";

/// A stack with a gateway that only holds its place: the test listens on its port.
fn stack(port: u16) -> Fixture {
    Fixture::new(&format!(
        "name: smoked\nservices:\n  gateway:\n    binary: /bin/sh\n    args: [\"-c\", \"exec sleep 1000\"]\n    \
         port: {port}\n    probe: none\n"
    ))
}

impl Fixture {
    fn scenario(&self, name: &str, steps: &str) -> String {
        let text = format!("scenarios:\n  - name: {name}\n    steps:\n{steps}");
        let path = self.path().join(format!("{name}.yaml"));
        std::fs::write(&path, text).expect("write a scenario");
        path.display().to_string()
    }
}

/// Answers what it was sent, and hangs on `/hangs`.
struct FakeGateway {
    port: u16,
    over: Arc<AtomicBool>,
    serving: Option<JoinHandle<()>>,
}

impl FakeGateway {
    fn listen(port: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).expect("the stack does not listen itself");
        let over = Arc::new(AtomicBool::new(false));
        let stop = Arc::clone(&over);
        let serving = std::thread::spawn(move || {
            let mut held = Vec::new();
            for stream in listener.incoming().map_while(Result::ok) {
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                held.extend(answer(stream));
            }
        });
        Self { port, over, serving: Some(serving) }
    }
}

impl Drop for FakeGateway {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        // Wakes the listener; it may have ended with a failed test.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
        let _ = self.serving.take().map(JoinHandle::join);
    }
}

/// One request, one answer; the connection comes back when it must stay open without one.
fn answer(stream: TcpStream) -> Option<TcpStream> {
    let mut reader = BufReader::new(stream);
    let (mut first, mut length) = (String::new(), 0);
    reader.read_line(&mut first).ok()?;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let line = line.trim().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let mut stream = reader.into_inner();
    if first.contains("/hangs") {
        return Some(stream);
    }
    let head = "HTTP/1.1 200 OK\r\nConnection: close\r\nX-Trace-Id: 4bf92f3577b34da6a3ce929d0e0e4736\r\n";
    let body = format!("you sent {first}{}", String::from_utf8_lossy(&body));
    // The asker may have given up.
    let _ = write!(stream, "{head}Content-Length: {}\r\n\r\n{body}", body.len());
    None
}

const GOOD: &str = "
      - name: sends what it gets
        request: POST /echo
        json: { n: 1 }
        expect: { status: 200, body_contains: 'POST /echo' }
";

#[test]
fn scenarios_that_hold_exit_with_0_and_the_others_with_8() {
    let port = free_port();
    let fixture = stack(port);
    fixture.doran(&["up", "-d", "--wait"]).exits(0);
    let _gateway = FakeGateway::listen(port);
    let good = fixture.scenario("good", GOOD);
    let said = fixture.doran(&["smoke", &good]).exits(0);
    assert!(said.stdout.contains("✔ good") && said.stdout.contains("passed 1, failed 0"), "{}", said.stdout);

    let steps = format!(
        "      - name: leaks\n        request: POST /echo\n        json: {{ password: {CANARY} }}\n        \
         expect: {{ status: 201 }}\n"
    );
    let bad = fixture.scenario("bad", &steps);
    let said = fixture.doran(&["smoke", &good, &bad]).exits(8);
    for part in
        ["✘ leaks", "status: expected 201, got 200", "4bf92f3577b34da6a3ce929d0e0e4736", "passed 1, failed 1"]
    {
        assert!(said.stdout.contains(part), "{part} is not in:\n{}", said.stdout);
    }
    assert!(said.stdout.contains("***") && !said.all().contains(CANARY), "{}", said.all());

    let said = fixture.doran(&["smoke", "--json", &good, &bad]).exits(8);
    assert!(!said.all().contains(CANARY), "{}", said.all());
    let document: Value = serde_json::from_str(&said.stdout).expect("one document");
    assert_eq!(document["schema"], "doran.smoke/1");
    assert_eq!(document["summary"]["passed"], 1);
    let attempt = &document["items"][1]["steps"][0]["attempts"][0];
    assert_eq!(attempt["failures"][0]["what"], "status", "{attempt}");
}

#[test]
fn a_run_whose_time_is_over_exits_with_5() {
    let port = free_port();
    let fixture = stack(port);
    fixture.doran(&["up", "-d", "--wait"]).exits(0);
    let _gateway = FakeGateway::listen(port);
    let hangs = "      - { name: hangs, request: GET /hangs, expect: { status: 200 } }\n";
    let scenario = fixture.scenario("slow", hangs);
    fixture.doran(&["smoke", "--timeout", "200ms", &scenario]).exits(5).says("unfinished 1");
}

#[test]
fn a_bad_scenario_exits_with_3_and_its_place() {
    let fixture = stack(free_port());
    let step = "      - { name: a, request: GET /, expect: { stauts: 200 } }\n";
    let scenario = fixture.scenario("typo", step);
    let said = fixture.doran(&["smoke", &scenario]).exits(3);
    said.says("typo.yaml:4:46: unknown key `stauts` in `expect`").says("did you mean `status`?");
    fixture.doran(&["smoke", "gone.yaml"]).exits(3).says("gone.yaml");
}

#[test]
fn without_a_running_stack_there_is_nothing_to_ask() {
    let fixture = stack(free_port());
    let scenario = fixture.scenario("good", GOOD);
    fixture.doran(&["smoke", &scenario]).exits(6).says("not running");
}
