//! Stands between a service and PostgreSQL and holds up the news of every commit: the change is there, and whoever
//! made it does not know yet. This is the moment at which a kill hurts most.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// About as long as a consumer needs for a batch, so that every third kill or so comes while it waits.
const HELD_UP: Duration = Duration::from_millis(10);
/// How the server says that a transaction is committed (`CommandComplete` of its protocol).
const COMMITTED: &[u8] = b"COMMIT\0";

/// The same database behind such an answer, for as long as the set lives.
pub(super) async fn in_front_of(url: &str, tasks: &mut JoinSet<()>) -> String {
    let address = url.split(['@', '/']).find(|part| part.starts_with("127.0.0.1:")).unwrap().to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let ours = listener.local_addr().unwrap().to_string();
    let url = url.replace(&address, &ours);
    tasks.spawn(accept(listener, address));
    url
}

async fn accept(listener: TcpListener, address: String) {
    let mut connections = JoinSet::new();
    loop {
        let (client, _) = listener.accept().await.unwrap();
        let server = TcpStream::connect(&address).await.unwrap();
        for stream in [&client, &server] {
            stream.set_nodelay(true).unwrap();
        }
        let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
        let (stays, gone) = oneshot::channel();
        connections.spawn(ask(from_client, to_server, stays));
        connections.spawn(answer(from_server, to_client, gone));
        while connections.try_join_next().is_some() {}
    }
}

/// Ends with the client, and tells the server so; `_stays` is dropped then.
async fn ask(mut client: OwnedReadHalf, mut server: OwnedWriteHalf, _stays: oneshot::Sender<()>) {
    let _ = copy(&mut client, &mut server).await;
}

async fn answer(mut server: OwnedReadHalf, mut client: OwnedWriteHalf, mut gone: oneshot::Receiver<()>) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(length @ 1..) = server.read(&mut buffer).await {
        let answer = &buffer[..length];
        let commits = answer.windows(COMMITTED.len()).any(|window| window == COMMITTED);
        // A client that was killed does not hear it.
        if commits && timeout(HELD_UP, &mut gone).await.is_ok() {
            return;
        }
        if client.write_all(answer).await.is_err() {
            return;
        }
    }
}
