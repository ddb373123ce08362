//! Servers that start, are killed, and start again.

use std::fs;
use std::process::{Command, Stdio};

use backing::postgres::{NotReady, is_ready, launch};
use sqlx::Executor as _;
use testkit::{eventually, free_port};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;

use crate::stage::{PATIENCE, Server, Stage, connect};

#[tokio::test]
async fn what_was_committed_before_a_kill_is_there_after_it() {
    let stage = Stage::new();
    let spec = stage.spec("auth");
    stage.prepare(&spec).unwrap();
    let server = stage.start(&spec).await;
    let mut owner = connect(spec.port, "auth_owner", "owner password", "auth_db").await.unwrap();
    owner.execute("create table kept as select 1 as one").await.unwrap();
    server.kill();
    wait_for_orphans(&stage, "auth").await;
    let _server = stage.start(&spec).await;
    let mut owner = connect(spec.port, "auth_owner", "owner password", "auth_db").await.unwrap();
    owner.execute("select one from kept").await.unwrap();
}

#[tokio::test]
async fn a_lock_whose_pid_was_taken_by_another_process_of_the_user_does_not_stop_a_start() {
    let stage = Stage::new();
    let spec = stage.spec("auth");
    stage.prepare(&spec).unwrap();
    stage.start(&spec).await.kill();
    wait_for_orphans(&stage, "auth").await;
    let mut stranger = Command::new("/bin/cat");
    stranger.current_dir("/").stdin(Stdio::piped());
    if let Some(user) = &stage.user {
        use std::os::unix::process::CommandExt as _;
        stranger.uid(user.uid).gid(user.gid);
    }
    let mut stranger = stranger.spawn().unwrap();
    let lock = spec.data.join("postmaster.pid");
    let text = fs::read_to_string(&lock).unwrap();
    let (_, rest) = text.split_once('\n').unwrap();
    fs::write(&lock, format!("{}\n{rest}", stranger.id())).unwrap();

    let mut refused = Server::spawn(&launch(&stage.installation, stage.user.as_ref(), &spec));
    assert!(!refused.wait().success(), "PostgreSQL alone takes the stranger for its server");
    stage.prepare(&spec).unwrap();
    let _server = stage.start(&spec).await;
    drop(stranger.stdin.take());
    stranger.wait().unwrap();
}

/// Children of a killed postmaster notice it at their next wait; a new one refuses to start beside them.
async fn wait_for_orphans(stage: &Stage, service: &str) {
    let data = stage.data(service).canonicalize().unwrap();
    let works_there =
        |entry: fs::DirEntry| fs::read_link(entry.path().join("cwd")).is_ok_and(|cwd| cwd == data);
    let live_on = || fs::read_dir("/proc").unwrap().filter_map(Result::ok).any(works_there);
    eventually(PATIENCE, || async { !live_on() }).await;
}

#[tokio::test]
async fn a_port_where_nothing_listens_is_not_ready() {
    assert!(matches!(is_ready(free_port()).await, Err(NotReady::Unreachable { .. })));
}

#[tokio::test]
async fn something_else_on_the_port_is_not_taken_for_postgres() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let other = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
    };
    let (answer, ()) = tokio::join!(is_ready(port), other);
    assert!(matches!(answer, Err(NotReady::OtherProtocol { .. })), "{answer:?}");
}
