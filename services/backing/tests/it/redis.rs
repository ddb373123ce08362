//! A real Redis, where one is installed: the system works without, and so do these tests.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::PathBuf;

use backing::Launch;
use backing::redis::{Installation, NotReady, is_ready, launch};
use backing::secret::Secret;
use testkit::{eventually, free_port};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::stage::{PATIENCE, Server, Stage};

/// What a careless configuration would break on, and the same as Redis quotes it.
const PASSWORD: &str = r#"a "strange" \ one"#;
const QUOTED: &str = r#""a \"strange\" \\ one""#;

/// A server to be started in `directory`.
struct Redis {
    installation: Installation,
    stage: Stage,
    directory: PathBuf,
    port: u16,
}

impl Redis {
    fn new(installation: Installation) -> Self {
        let stage = Stage::new();
        let directory = stage.home.path().join("data").join("redis");
        Self { installation, stage, directory, port: free_port() }
    }

    fn launch(&self) -> Launch {
        let user = self.stage.user.as_ref();
        launch(&self.installation, user, self.port, &Secret::new(PASSWORD), &self.directory).unwrap()
    }

    async fn start(&self) -> Server {
        let server = Server::spawn(&self.launch());
        eventually(PATIENCE, || is_ready(self.port)).await;
        server
    }
}

/// Sends `commands` and reads as many lines.
async fn ask(port: u16, commands: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    stream.write_all(format!("{commands}QUIT\r\n").as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

fn installed() -> Option<Installation> {
    Installation::find().map_err(testkit::skip).ok()
}

#[tokio::test]
async fn redis_wants_the_password_and_keeps_what_it_acknowledged() {
    let Some(installation) = installed() else {
        return;
    };
    let redis = Redis::new(installation);
    let server = redis.start().await;
    assert!(ask(redis.port, "GET a\r\n").await.starts_with("-NOAUTH"));
    let login = format!("AUTH {QUOTED}\r\n");
    assert_eq!(ask(redis.port, &format!("{login}SET a 1\r\n")).await, "+OK\r\n+OK\r\n+OK\r\n");
    drop(server);
    assert!(matches!(is_ready(redis.port).await, Err(NotReady::Unreachable { .. })));
    let _server = redis.start().await;
    assert_eq!(ask(redis.port, &format!("{login}GET a\r\n")).await, "+OK\r\n$1\r\n1\r\n+OK\r\n");
}

#[tokio::test]
async fn the_probes_user_may_do_nothing_but_ask() {
    let Some(installation) = installed() else {
        return;
    };
    let redis = Redis::new(installation);
    let _server = redis.start().await;
    for command in ["GET a", "SET a 1", "CONFIG GET requirepass", "ACL LIST", "FLUSHALL", "SUBSCRIBE a"] {
        let answer = ask(redis.port, &format!("AUTH doran-probe any\r\n{command}\r\n")).await;
        assert!(answer.starts_with("+OK\r\n-NOPERM"), "{command}: {answer}");
    }
}

#[test]
fn the_password_is_only_in_a_file_of_the_servers_user() {
    let redis = Redis::new(Installation { program: "/usr/bin/redis-server".into() });
    let shown = format!("{:?}", redis.launch());
    assert!(!shown.contains("strange"), "{shown}");
    let config = redis.directory.join("redis.conf").metadata().unwrap();
    let ours = rustix::process::geteuid().as_raw();
    let server = redis.stage.user.as_ref().map_or(ours, |user| user.uid);
    assert_eq!((config.permissions().mode() & 0o777, config.uid()), (0o600, server));
    assert_eq!(redis.directory.metadata().unwrap().permissions().mode() & 0o777, 0o700);
}
