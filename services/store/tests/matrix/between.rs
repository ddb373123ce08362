//! What stands between two processes: it says everything twice, or loses answers.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::body::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// What it does.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fault {
    /// Every request arrives twice, one behind the other or at once; the answer to either is handed on.
    Twice,
    /// Of a hundred answers, so many are cut off after the request had its effect.
    Lost(u64),
}

/// Listens until it is dropped.
pub(crate) struct Between {
    address: SocketAddr,
    counts: Arc<Counts>,
    _serving: JoinSet<()>,
}

#[derive(Debug, Default)]
struct Counts {
    requests: AtomicU64,
    /// Said twice, or lost.
    hit: AtomicU64,
}

/// No answer: the connection is closed instead.
#[derive(Debug, thiserror::Error)]
#[error("lost on the way")]
struct Lost;

impl Between {
    /// In front of `port` of this machine.
    pub(crate) async fn start(port: u16, fault: Fault) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let counts: Arc<Counts> = Arc::default();
        let mut serving = JoinSet::new();
        serving.spawn(listen(listener, port, fault, counts.clone()));
        Self { address, counts, _serving: serving }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Requests, and how many of them were hit.
    pub(crate) fn counts(&self) -> (u64, u64) {
        (self.counts.requests.load(Ordering::Relaxed), self.counts.hit.load(Ordering::Relaxed))
    }
}

async fn listen(listener: TcpListener, port: u16, fault: Fault, counts: Arc<Counts>) {
    let mut connections = JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        while connections.try_join_next().is_some() {}
        let counts = counts.clone();
        connections.spawn(async move {
            let answer = service_fn(|request| pass(request, port, fault, &counts));
            // A connection that was cut ends with the error that cut it.
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), answer)
                .await;
        });
    }
}

async fn pass(
    request: Request<Incoming>,
    port: u16,
    fault: Fault,
    counts: &Counts,
) -> Result<Response<Full<Bytes>>, Lost> {
    counts.requests.fetch_add(1, Ordering::Relaxed);
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(|_gone| Lost)?.to_bytes();
    let request = || Request::from_parts(head.clone(), Full::new(body.clone()));
    match fault {
        Fault::Twice => {
            counts.hit.fetch_add(1, Ordering::Relaxed);
            match rand::random_range(0..3) {
                0 => {
                    forward(request(), port).await?;
                    forward(request(), port).await
                }
                1 => {
                    let first = forward(request(), port).await?;
                    forward(request(), port).await?;
                    Ok(first)
                }
                _ => {
                    let (first, second) = tokio::join!(forward(request(), port), forward(request(), port));
                    second.or(first)
                }
            }
        }
        Fault::Lost(percent) => {
            let answer = forward(request(), port).await?;
            if rand::random_range(0..100) < percent {
                counts.hit.fetch_add(1, Ordering::Relaxed);
                return Err(Lost);
            }
            Ok(answer)
        }
    }
}

async fn forward(request: Request<Full<Bytes>>, port: u16) -> Result<Response<Full<Bytes>>, Lost> {
    let stream = TcpStream::connect(("127.0.0.1", port)).await.map_err(|_away| Lost)?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|_away| Lost)?;
    let mut driving = JoinSet::new();
    driving.spawn(connection);
    let answer = sender.send_request(request).await.map_err(|_gone| Lost)?;
    let (head, body) = answer.into_parts();
    let body = body.collect().await.map_err(|_gone| Lost)?.to_bytes();
    Ok(Response::from_parts(head, Full::new(body)))
}
