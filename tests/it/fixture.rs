//! A stack in a directory of its own, and the `doran` under test.

use std::fs::{self, File};
use std::io::Read as _;
use std::net::TcpListener;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

/// Longer than anything a healthy `doran` does here, on a busy machine.
pub(crate) const LIMIT: Duration = Duration::from_secs(90);

pub(crate) struct Fixture {
    pub(crate) dir: TempDir,
    /// Arguments before every verb.
    global: Vec<String>,
    env: Vec<(String, String)>,
    /// Held as long as the ports are ours.
    ports: Option<File>,
}

/// What a finished `doran` said.
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Said {
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// Everything it said, for people and machines.
    pub(crate) fn all(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }

    #[track_caller]
    pub(crate) fn says(self, part: &str) -> Self {
        assert!(self.all().contains(part), "`{part}` is not in:\n{}", self.all());
        self
    }
}

impl Fixture {
    /// A stack of the test's own.
    pub(crate) fn new(yaml: &str) -> Self {
        Self::in_dir(tempfile::tempdir().expect("make a directory"), yaml)
    }

    pub(crate) fn in_dir(dir: TempDir, yaml: &str) -> Self {
        fs::write(dir.path().join("dorandoran.yaml"), yaml).expect("write the stack file");
        Self { dir, global: Vec::new(), env: Vec::new(), ports: None }
    }

    /// The real system at ports of its own.
    pub(crate) fn system() -> Self {
        Self::system_in(tempfile::tempdir().expect("make a directory"))
    }

    pub(crate) fn system_in(dir: TempDir) -> Self {
        let project = Path::new(env!("CARGO_MANIFEST_DIR"));
        let yaml = fs::read_to_string(project.join("dorandoran.yaml")).expect("read the stack file");
        symlink(project.join("migrations"), dir.path().join("migrations")).expect("link the migrations");
        let mut fixture = Self::in_dir(dir, &yaml);
        let (offset, lock) = free_offset();
        fixture.global = vec!["--port-offset".into(), offset.to_string()];
        fixture.ports = Some(lock);
        fixture
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.path().join(".doran/default")
    }

    pub(crate) fn offset(&self) -> u16 {
        self.global.get(1).map_or(0, |offset| offset.parse().expect("an offset"))
    }

    pub(crate) fn env(&mut self, name: &str, value: &str) {
        self.env.push((name.to_owned(), value.to_owned()));
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_doran"));
        command.args(&self.global).args(args).current_dir(self.path());
        command.env("CI", "true").env_remove("DORAN_INSTANCE").envs(self.env.iter().cloned());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs to the end.
    #[track_caller]
    pub(crate) fn doran(&self, args: &[&str]) -> Said {
        finish(self.spawn(args))
    }

    pub(crate) fn spawn(&self, args: &[&str]) -> Child {
        self.command(args).spawn().expect("start doran")
    }

    #[track_caller]
    pub(crate) fn ps(&self) -> Value {
        let said = self.doran(&["ps", "--json"]).exits(0);
        serde_json::from_str(&said.stdout).expect("ps --json is JSON")
    }

    /// The unit in `ps --json`.
    #[track_caller]
    pub(crate) fn unit(&self, name: &str) -> Value {
        let ps = self.ps();
        let items = ps["items"].as_array().expect("items");
        items.iter().find(|item| item["name"] == name).cloned().unwrap_or_else(|| panic!("no {name} in {ps}"))
    }

    pub(crate) fn pid(&self, name: &str) -> i32 {
        let pid = self.unit(name)["pid"].as_i64().unwrap_or_else(|| panic!("{name} has no pid"));
        i32::try_from(pid).expect("a pid")
    }

    pub(crate) fn supervisor(&self) -> i32 {
        i32::try_from(self.ps()["supervisor"]["pid"].as_i64().expect("a pid")).expect("a pid")
    }

    /// Processes of this fixture's units, by the mark in their environment.
    pub(crate) fn alive(&self) -> Vec<i32> {
        let mark = format!("DORAN_UNIT_MARK={}/", self.path().canonicalize().expect("a directory").display());
        processes()
            .filter(|pid| {
                let environ = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
                environ.split(|byte| *byte == 0).any(|variable| variable.starts_with(mark.as_bytes()))
            })
            .collect()
    }

    #[track_caller]
    pub(crate) fn assert_nothing_left(&self) {
        let alive = self.alive();
        assert!(alive.is_empty(), "still alive: {alive:?}");
        self.doran(&["ps"]).exits(6);
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        // Also after a failed assertion: data that moved away from the directory goes, too.
        let down = self.command(&["down", "--volumes", "--yes", "--timeout", "2s"]).output();
        let left = self.alive();
        for pid in &left {
            signal(*pid, Signal::KILL);
        }
        if !std::thread::panicking() {
            let down = down.expect("run doran down");
            assert!(left.is_empty(), "left over: {left:?}: {}", String::from_utf8_lossy(&down.stderr));
        }
    }
}

/// Waits for the end, with a limit.
#[track_caller]
pub(crate) fn finish(mut child: Child) -> Said {
    let mut stdout = child.stdout.take().expect("standard output");
    let mut stderr = child.stderr.take().expect("standard error");
    let reading = std::thread::spawn(move || {
        let mut text = String::new();
        stderr.read_to_string(&mut text).map(|_| text)
    });
    let output = std::thread::spawn(move || {
        let mut text = String::new();
        stdout.read_to_string(&mut text).map(|_| text)
    });
    let status = eventually("doran ends", || child.try_wait().expect("wait for doran"));
    let text = |thread: std::thread::JoinHandle<std::io::Result<String>>| {
        thread.join().expect("a reader").expect("doran speaks UTF-8")
    };
    Said { code: status.code(), stdout: text(output), stderr: text(reading) }
}

#[track_caller]
pub(crate) fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + LIMIT;
    loop {
        if let Some(value) = look() {
            return value;
        }
        assert!(Instant::now() < deadline, "did not happen: {what}");
        std::thread::park_timeout(Duration::from_millis(10));
    }
}

pub(crate) fn signal(pid: i32, signal: Signal) {
    // It may have ended meanwhile.
    let _ = kill_process(Pid::from_raw(pid).expect("a pid"), signal);
}

pub(crate) fn exists(pid: i32) -> bool {
    let state = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    state.rsplit(") ").next().is_some_and(|rest| !rest.is_empty() && !rest.starts_with('Z'))
}

pub(crate) fn parent_of(pid: i32) -> i32 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).expect("the process lives");
    let rest = stat.rsplit(") ").next().expect("fields");
    rest.split(' ').nth(1).expect("the parent").parse().expect("a pid")
}

fn processes() -> impl Iterator<Item = i32> {
    let entries = fs::read_dir("/proc").expect("read /proc");
    entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
}

/// An offset at which every port of the real stack is free, and the lock that keeps it from other tests of this
/// machine, in this process or in others. Below the range that the kernel gives to outgoing connections.
fn free_offset() -> (u16, File) {
    let locks = std::env::temp_dir().join("doran-test-ports");
    fs::create_dir_all(&locks).expect("make a directory for locks");
    (2_000..14_500)
        .step_by(300)
        .find_map(|offset: u16| {
            let lock = File::create(locks.join(offset.to_string())).expect("open a lock");
            lock.try_lock().ok()?;
            let fixed = [5433, 5434, 5435, 5436, 5437, 6379, 8080, 8081, 8082, 8083, 8084, 8085, 8090];
            let free = fixed.iter().all(|port| TcpListener::bind(("127.0.0.1", port + offset)).is_ok());
            free.then_some((offset, lock))
        })
        .expect("some range of ports is free")
}

pub(crate) fn output(command: &mut Command) -> Output {
    command.output().expect("run a command")
}
