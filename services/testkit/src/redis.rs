//! A Redis of the test's own: stopped, paused and flushed at will.

use std::process::{Child, Stdio};
use std::time::Duration;

use backing::redis::{Installation, is_ready, launch};
use backing::secret::Secret;
use redis::aio::MultiplexedConnection;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::eventually::eventually;
use crate::port::free_port;
use crate::skip::skip;

const PASSWORD: &str = "guards nothing but tests";
/// Far above what a server needs to start on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// Ends when dropped.
pub struct TestRedis {
    home: TempDir,
    installation: Installation,
    port: u16,
    server: Option<Child>,
}

impl TestRedis {
    /// A running server; `None`, said aloud, where none is installed. In CI that is a failure.
    ///
    /// # Panics
    /// When it cannot be started, and in CI also when there is none.
    pub async fn start() -> Option<Self> {
        let installation = match Installation::find() {
            Ok(installation) => installation,
            Err(missing) => {
                skip(missing);
                return None;
            }
        };
        let home = tempfile::tempdir().expect("the temporary directory is writable");
        let mut redis = Self { home, installation, port: free_port(), server: None };
        redis.restart().await;
        Some(redis)
    }

    /// For `REDIS_URL`.
    pub fn url(&self) -> String {
        format!("redis://:{}@127.0.0.1:{}", PASSWORD.replace(' ', "%20"), self.port)
    }

    /// Starts the server again, on the same port and with what it had written down.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn restart(&mut self) {
        self.stop();
        let directory = self.home.path().join("redis");
        let launch = launch(&self.installation, None, self.port, &Secret::new(PASSWORD), &directory)
            .expect("the configuration can be written");
        let mut command = launch.command();
        let server = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        self.server = Some(server.expect("redis starts"));
        eventually(PATIENCE, || is_ready(self.port)).await;
    }

    /// Kills the server, so that what it did not write down is lost.
    ///
    /// # Panics
    /// When there is no such process, which would be a mistake of this file.
    pub fn stop(&mut self) {
        if let Some(mut server) = self.server.take() {
            server.kill().expect("a child can be killed");
            server.wait().expect("a child can be waited for");
        }
    }

    /// From now on the server takes connections and commands, and answers nothing.
    pub fn pause(&self) {
        self.signal(Signal::STOP);
    }

    /// The end of [`Self::pause`]: everything that came in is done now.
    pub fn resume(&self) {
        self.signal(Signal::CONT);
    }

    /// Empties the server of data, or of scripts: `FLUSHALL`, `SCRIPT FLUSH`.
    ///
    /// # Panics
    /// When the server does not answer.
    pub async fn run(&self, command: &str) {
        let mut line = redis::Cmd::new();
        for word in command.split(' ') {
            line.arg(word);
        }
        let () = line.query_async(&mut self.connect().await).await.expect("redis answers");
    }

    /// A connection for looking in.
    ///
    /// # Panics
    /// When the server does not answer.
    pub async fn connect(&self) -> MultiplexedConnection {
        let client = redis::Client::open(self.url()).expect("it is a URL");
        client.get_multiplexed_async_connection().await.expect("redis answers")
    }

    fn signal(&self, signal: Signal) {
        let server = self.server.as_ref().expect("it runs");
        let pid = Pid::from_raw(server.id().cast_signed()).expect("it has a process id");
        kill_process(pid, signal).expect("a child can be signalled");
    }
}

impl Drop for TestRedis {
    fn drop(&mut self) {
        // A stopped process is killed like any other.
        self.stop();
    }
}
