//! A client's connection from the first byte to its closing.

use std::convert::Infallible;
use std::net::IpAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use chassis::language;
use http::header::{ACCEPT_LANGUAGE, ORIGIN};
use http::{HeaderValue, Response};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tracing::debug;

use crate::accept::Accepted;
use crate::body::AnswerBody;
use crate::core::Core;
use crate::failure::Failure;
use crate::phase::refused_head;
use crate::proxy::proxy;
use crate::tunnel;
use crate::wire::{Guard, Refusal, Waiting, Wire};

/// Buffer of hyper. Larger than a head, which the guard bounds, so that hyper never refuses one itself.
const BUFFER: usize = 64 * 1024;
/// What is still read from a client after the last answer, so that a reset does not overtake that answer:
/// enough for the uploads that are refused, not for a client that never stops.
const LINGER_BYTES: usize = 16 * 1024 * 1024;
const LINGER_PAUSE: Duration = Duration::from_secs(1);
const LINGER: Duration = Duration::from_secs(5);

/// How a conversation ended.
enum End {
    /// hyper is done with it.
    Finished,
    /// Nothing came, or the gateway stops: close politely.
    Idle,
    /// The client is not worth more effort.
    Stalled,
    Slow,
}

/// Serves one connection until it is closed.
pub(crate) async fn serve(core: Rc<Core>, accepted: Accepted) {
    let stream = match TcpStream::from_std(accepted.stream) {
        Ok(stream) => stream,
        Err(error) => return debug!(%error, "failed to take over a connection"),
    };
    let wire = Wire::new(Instant::now());
    let mut guard = Guard::new(stream, Rc::clone(&wire));
    let end = converse(&core, &mut guard, &wire, accepted.peer).await;
    if let (End::Finished, Some(entrance)) = (&end, wire.take_tunnel()) {
        let (client, early) = guard.into_tunnel();
        // Boxed: connections that never become tunnels shall not be the larger for it.
        if let Some(client) = Box::pin(tunnel::run(&core, client, early, entrance)).await {
            close(&core, client, None).await;
        }
        return;
    }
    let refusal = match end {
        End::Stalled => return,
        End::Slow => Some(Refusal::TooSlow),
        End::Finished | End::Idle => guard.refusal(),
    };
    let answer = refusal.map(|refusal| refuse(&core, &guard, refusal));
    close(&core, guard.into_stream(), answer).await;
}

async fn converse(core: &Rc<Core>, guard: &mut Guard, wire: &Rc<Wire>, peer: IpAddr) -> End {
    let service = service_fn(|request| {
        // At once, not when the answer is first polled: the guard may be asked for more before that.
        wire.request_begins();
        let answered = proxy(Rc::clone(core), peer, Rc::clone(wire), request);
        async move { Ok::<_, Infallible>(answered.await) }
    });
    let connection = http1::Builder::new()
        .header_read_timeout(None)
        .max_buf_size(BUFFER)
        .serve_connection(TokioIo::new(guard), service);
    tokio::select! {
        biased;
        ended = connection => {
            if let Err(error) = ended {
                debug!(%error, "a connection ended early");
            }
            End::Finished
        }
        end = overdue(core, wire) => end,
    }
}

/// Completes when the connection has waited for too long for whatever it waits for.
async fn overdue(core: &Core, wire: &Wire) -> End {
    let (limits, drain) = (&core.shared().limits, &core.shared().drain);
    let patrol = limits.head.min(limits.idle).min(limits.stall) / 2;
    let mut stopping = None;
    loop {
        tokio::select! {
            () = sleep(if stopping.is_some() { limits.farewell / 4 } else { patrol }) => {}
            () = drain.begun(), if stopping.is_none() => stopping = Some(Instant::now()),
        }
        let idle = stopping.map_or(limits.idle, |_| limits.farewell);
        match wire.waiting() {
            Waiting::Request(since) if since.max(stopping.unwrap_or(since)).elapsed() >= idle => {
                return End::Idle;
            }
            Waiting::RestOfHead(since) if since.elapsed() >= limits.head => return End::Slow,
            Waiting::ClientToRead(since) if since.elapsed() >= limits.stall => return End::Stalled,
            Waiting::Request(_) | Waiting::RestOfHead(_) | Waiting::ClientToRead(_) | Waiting::Answer => {}
        }
    }
}

/// The answer to a head that hyper never saw, in the shape of all others.
fn refuse(core: &Core, guard: &Guard, refusal: Refusal) -> Vec<u8> {
    let header = |name| guard.held_header(name);
    let accepted = header(ACCEPT_LANGUAGE.as_str()).and_then(|value| std::str::from_utf8(value).ok());
    let origin = header(ORIGIN.as_str()).and_then(|value| HeaderValue::from_bytes(value).ok());
    let routing = core.routing();
    let answer = refused_head(
        &Failure::Head(refusal),
        language::negotiate(accepted),
        &routing.origins,
        origin.as_ref(),
    );
    core.count_refused(answer.status());
    encode(&answer)
}

fn encode(response: &Response<AnswerBody>) -> Vec<u8> {
    let status = response.status();
    let mut bytes =
        format!("HTTP/1.1 {} {}\r\n", status.as_str(), status.canonical_reason().unwrap_or_default())
            .into_bytes();
    for (name, value) in response.headers() {
        bytes.extend_from_slice(name.as_str().as_bytes());
        bytes.extend_from_slice(b": ");
        bytes.extend_from_slice(value.as_bytes());
        bytes.extend_from_slice(b"\r\n");
    }
    let body = response.body().held_bytes();
    bytes.extend_from_slice(format!("content-length: {}\r\n\r\n", body.len()).as_bytes());
    bytes.extend_from_slice(body);
    bytes
}

/// Says the last words, then reads on for a while: closing with unread data would reset the connection
/// and take the answer from the client's hands.
async fn close(core: &Core, mut stream: TcpStream, answer: Option<Vec<u8>>) {
    let linger = async {
        if let Some(answer) = answer {
            stream.write_all(&answer).await?;
        }
        stream.shutdown().await?;
        let mut scrap = vec![0; 16 * 1024];
        let mut read = 0;
        while read < LINGER_BYTES {
            match timeout(LINGER_PAUSE, stream.read(&mut scrap)).await {
                Ok(Ok(0)) | Err(_) => break,
                Ok(count) => read += count?,
            }
        }
        Ok::<_, std::io::Error>(())
    };
    tokio::select! {
        // The client may be gone by now, which is what closing is about.
        _ = timeout(LINGER, linger) => {}
        () = core.shared().drain.over() => {}
    }
}
