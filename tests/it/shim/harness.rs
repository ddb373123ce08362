//! Starts a shim by hand and speaks its protocol as written, not through our own types.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use rustix::process::Signal;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::fixture::{LIMIT, eventually, exists, signal};

/// The files of one unit called `fake`.
pub(crate) struct Place {
    dir: TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self { dir: tempfile::tempdir().expect("make a directory") }
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.path().join("fake.sock")
    }

    pub(crate) fn logs(&self) -> PathBuf {
        self.path().join("logs")
    }

    pub(crate) fn log(&self, run: u64) -> PathBuf {
        self.logs().join(format!("fake.{run}.log"))
    }

    pub(crate) fn exit_record(&self) -> Value {
        let text = fs::read_to_string(self.path().join("fake.exit.json")).expect("read the exit record");
        serde_json::from_str(&text).expect("the exit record is JSON")
    }

    /// Everything a shim needs to run the script with `sh`.
    pub(crate) fn spec(&self, script: &str) -> Value {
        json!({
            "protocol": 1,
            "unit": "fake",
            "run": 1,
            "launch": {
                "program": "/bin/sh",
                "args": ["-c", script],
                "env": { "PATH": "/usr/bin:/bin" },
                "cwd": self.path(),
                "user": null,
            },
            "logs": self.logs(),
            "socket": self.socket(),
            "exit_record": self.path().join("fake.exit.json"),
            "inherit_stdin": false,
        })
    }

    /// A shim that has said what it has to say on its standard output.
    pub(crate) fn start(&self, spec: &Value) -> (Child, String) {
        self.start_with(spec, Stdio::null())
    }

    pub(crate) fn start_with(&self, spec: &Value, stdin: Stdio) -> (Child, String) {
        let file = self.path().join("fake.spec.json");
        fs::write(&file, spec.to_string()).expect("write the spec");
        let mut child = Command::new(env!("CARGO_BIN_EXE_doran"))
            .arg("shim")
            .arg(&file)
            .stdin(stdin)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("start a shim");
        let mut said = String::new();
        // The end of the pipe comes only because the shim detaches.
        child.stdout.take().expect("piped").read_to_string(&mut said).expect("listen to the shim");
        (child, said)
    }

    pub(crate) fn run(&self, script: &str) -> Shim<'_> {
        self.run_spec(&self.spec(script))
    }

    pub(crate) fn run_spec(&self, spec: &Value) -> Shim<'_> {
        let (child, said) = self.start(spec);
        assert_eq!(said, "ready\n");
        Shim { place: self, child, client: Client::connect(&self.socket()) }
    }
}

/// A living shim with a connection. Dropped, it leaves nothing behind.
pub(crate) struct Shim<'a> {
    place: &'a Place,
    pub(crate) child: Child,
    pub(crate) client: Client,
}

impl Shim<'_> {
    /// Reads `Hello` and `Spawned`, and gives the unit's pid.
    #[track_caller]
    pub(crate) fn spawned(&mut self) -> i32 {
        self.client.spawned()
    }

    /// Another client of the same shim.
    pub(crate) fn connect(&self) -> Client {
        Client::connect(&self.place.socket())
    }

    /// Waits until the unit has written so.
    pub(crate) fn wait_for_output(&self, part: &str) -> String {
        eventually(&format!("the unit says {part}"), || {
            let text = fs::read_to_string(self.place.log(1)).ok()?;
            text.contains(part).then_some(text)
        })
    }

    /// Reads to the end of the run.
    #[track_caller]
    pub(crate) fn ends(&mut self) -> ExitStatus {
        assert_eq!(self.client.next(), "empty");
        assert!(!self.place.socket().exists(), "the next run's shim can take the path");
        eventually("the shim ends", || self.child.try_wait().expect("wait for the shim"))
    }
}

impl Drop for Shim<'_> {
    fn drop(&mut self) {
        if self.child.try_wait().ok().flatten().is_none()
            && let Ok(mut stream) = UnixStream::connect(self.place.socket())
        {
            // It may end at this very moment.
            let _ = stream.write_all(b"{\"signal\":{\"signal\":\"kill\",\"to\":\"descendants\"}}\n");
            let _ = BufReader::new(stream).read_to_end(&mut Vec::new());
        }
        let _ = self.child.wait();
    }
}

pub(crate) struct Client {
    reports: BufReader<UnixStream>,
}

impl Client {
    pub(crate) fn connect(socket: &Path) -> Self {
        let stream = UnixStream::connect(socket).expect("connect to the shim");
        stream.set_read_timeout(Some(LIMIT)).expect("set a limit");
        Self { reports: BufReader::new(stream) }
    }

    /// The next report.
    #[track_caller]
    pub(crate) fn next(&mut self) -> Value {
        let mut line = String::new();
        self.reports.read_line(&mut line).expect("a report in time");
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("not a report: {line:?}"))
    }

    #[track_caller]
    pub(crate) fn spawned(&mut self) -> i32 {
        assert_eq!(self.next(), json!({ "hello": { "protocol": 1, "unit": "fake", "run": 1 } }));
        let report = self.next();
        i32::try_from(report["spawned"]["pid"].as_i64().unwrap_or_else(|| panic!("{report}"))).expect("a pid")
    }

    pub(crate) fn signal(&mut self, signal: &str, to: &str) {
        let command = json!({ "signal": { "signal": signal, "to": to } });
        self.say(&format!("{command}\n"));
    }

    pub(crate) fn say(&mut self, text: &str) {
        self.reports.get_mut().write_all(text.as_bytes()).expect("write to the shim");
    }

    /// Whether the shim has closed this connection.
    pub(crate) fn is_closed(&mut self) -> bool {
        self.reports.read_line(&mut String::new()).map_or(true, |length| length == 0)
    }
}

/// Ends a process that a test left without a shim.
pub(crate) fn kill(pid: i32) {
    signal(pid, Signal::KILL);
    eventually("a killed process is gone", || (!exists(pid)).then_some(()));
}
