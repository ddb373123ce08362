//! Takes connections from the listener and deals them to the cores in turn.
//!
//! One loop, not one listener per core: the socket is inherited and shared with the next gateway, which
//! may be accepting from it already while this one finishes.

use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::Context as _;
use chassis::shutdown::Drain;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tracing::{debug, warn};

use crate::core::{self, Shared};

/// More than these wait in the kernel's queue. Each takes about 20 KiB at most.
const MAX_CONNECTIONS: usize = 10_000;
/// Connections that a busy core has not looked at yet.
const QUEUE: usize = 256;
/// Until there may be a free file descriptor again.
const RECOVERY: Duration = Duration::from_millis(50);

/// A connection on its way to a core.
pub(crate) struct Accepted {
    pub(crate) stream: std::net::TcpStream,
    pub(crate) peer: IpAddr,
    _place: OwnedSemaphorePermit,
}

/// What becomes of connections that nobody has accepted when the gateway stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Backlog {
    /// They are lost with the listener, so they are still served.
    Ours,
    /// Another gateway accepts them.
    Successors,
}

/// Serves until the drain has begun and every connection has ended.
pub(crate) async fn serve(
    listener: TcpListener,
    backlog: Backlog,
    cores: usize,
    shared: Arc<Shared>,
) -> anyhow::Result<()> {
    let mut dealers = Vec::new();
    let mut ends = tokio::task::JoinSet::new();
    for number in 0..cores {
        let (dealer, ended) = start_core(number, Arc::clone(&shared))?;
        dealers.push(dealer);
        ends.spawn(ended);
    }
    tokio::select! {
        dealt = deal(listener, backlog, dealers, &shared.drain) => dealt?,
        ended = ends.join_next() => anyhow::bail!("a core stopped early: {ended:?}"),
    }
    while let Some(ended) = ends.join_next().await {
        ended.context("failed to wait for a core")?.context("a core panicked")??;
    }
    Ok(())
}

type Ended = oneshot::Receiver<io::Result<()>>;

fn start_core(number: usize, shared: Arc<Shared>) -> anyhow::Result<(mpsc::Sender<Accepted>, Ended)> {
    let (dealer, connections) = mpsc::channel(QUEUE);
    let (end, ended) = oneshot::channel();
    thread::Builder::new()
        .name(format!("core-{number}"))
        // Nobody listens any more when the drain's limit has passed.
        .spawn(move || drop(end.send(core::run(shared, connections))))
        .context("failed to start a core")?;
    Ok((dealer, ended))
}

async fn deal(
    listener: TcpListener,
    backlog: Backlog,
    dealers: Vec<mpsc::Sender<Accepted>>,
    drain: &Drain,
) -> anyhow::Result<()> {
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let listener = tokio::net::TcpListener::from_std(listener).context("failed to use the listener")?;
    let mut turn = dealers.iter().cycle();
    let mut next = || turn.next().context("there is no core");
    loop {
        let place = Arc::clone(&places).acquire_owned();
        let accepted = async { (place.await, listener.accept().await) };
        let (place, accepted) = tokio::select! {
            accepted = accepted => accepted,
            () = drain.begun() => break,
        };
        let place = place.context("the places are never closed")?;
        match accepted.and_then(|(stream, peer)| Ok((stream.into_std()?, peer))) {
            Ok((stream, peer)) => hand_over(next()?, stream, peer, place).await?,
            Err(error) => pause_after(&error).await,
        }
    }
    let listener = listener.into_std().context("failed to let go of the listener")?;
    while backlog == Backlog::Ours
        && let Ok((stream, peer)) = listener.accept()
    {
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            break;
        };
        stream.set_nonblocking(true).context("failed to prepare a connection")?;
        hand_over(next()?, stream, peer, place).await?;
    }
    Ok(())
}

async fn hand_over(
    dealer: &mpsc::Sender<Accepted>,
    stream: std::net::TcpStream,
    peer: SocketAddr,
    place: OwnedSemaphorePermit,
) -> anyhow::Result<()> {
    if let Err(error) = stream.set_nodelay(true) {
        debug!(%error, "a client was gone before it was served");
    }
    let accepted = Accepted { stream, peer: peer.ip().to_canonical(), _place: place };
    dealer.send(accepted).await.ok().context("a core stopped")
}

/// A client that is gone already is no reason to wait; a lack of descriptors is.
async fn pause_after(error: &io::Error) {
    if matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset) {
        return;
    }
    warn!(%error, "failed to accept a connection");
    tokio::time::sleep(RECOVERY).await;
}
