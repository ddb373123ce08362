//! Carries one tunnel from its opening to its end.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use chassis::shutdown::Drain;
use chassis::traffic;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use rustix::net::sockopt::set_tcp_user_timeout;
use tokio::net::TcpStream;
use tokio::time::sleep;
use tracing::debug;

use super::boundary::Boundary;
use super::direction::{Broken, Direction, Passing};
use crate::config::Limits;
use crate::core::Core;
use crate::metrics::ActiveTunnel;

/// When one side has ended, the other has this long to do so: a closing handshake over a slow line.
const CLOSING: Duration = Duration::from_secs(2);
/// Close, 1012: the service restarts, come back (RFC 6455 section 5.5.1, IANA registry of close codes).
const COME_BACK: &[u8] = b"\x88\x12\x03\xf4gateway restarts";

/// Where a client's connection leads once its upgrade is answered.
pub(crate) struct Entrance {
    /// The service's connection, as soon as hyper lets go of it.
    pub(crate) upstream: OnUpgrade,
    /// That of the route, for metrics.
    pub(crate) pattern: Arc<str>,
}

/// Why a tunnel ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// Both sides were told, or had their time.
    Closed,
    ClientGone,
    /// Nothing moved for too long: a side has vanished without a word.
    Quiet,
    /// A side does not take what is sent to it.
    Stalled,
}

enum Step {
    /// The clocks have changed.
    GoOn,
    End(End),
}

struct Tunnel {
    client: TcpStream,
    upstream: TcpStream,
    /// From the client to the service.
    up: Direction,
    down: Direction,
    /// Follows what goes down.
    boundary: Boundary,
    leaving: bool,
    closing_since: Option<Instant>,
}

/// Runs until the tunnel has ended. Returns the client's side if there is still somebody to close it for.
pub(crate) async fn run(
    core: &Core,
    client: TcpStream,
    early: Vec<u8>,
    entrance: Entrance,
) -> Option<TcpStream> {
    let upgraded = match entrance.upstream.await {
        Ok(upgraded) => upgraded,
        Err(error) => {
            debug!(%error, "a service was gone before its tunnel opened");
            return Some(client);
        }
    };
    let upstream = upgraded.downcast::<TokioIo<TcpStream>>().expect("connections to services are sockets");
    let _active = ActiveTunnel::count(&entrance.pattern);
    let limits = &core.shared().limits;
    let mut tunnel = Tunnel::open(client, early, upstream.io.into_inner(), upstream.read_buf.into());
    tunnel.notice_vanishing(limits);
    let drain = &core.shared().drain;
    let end = loop {
        let (patience, leaving) = (tunnel.patience(limits), tunnel.leaving);
        let step = tokio::select! {
            biased;
            step = poll_fn(|cx| tunnel.poll(cx, drain, &mut core.scratch())) => step,
            () = drain.begun(), if !leaving => {
                tunnel.leave();
                Step::GoOn
            }
            () = sleep(patience) => tunnel.check(limits, Instant::now()),
        };
        if let Step::End(end) = step {
            break end;
        }
    };
    debug!(?end, "a tunnel ended");
    match end {
        End::Closed | End::Quiet => Some(tunnel.client),
        End::ClientGone | End::Stalled => None,
    }
}

impl Tunnel {
    fn open(client: TcpStream, early: Vec<u8>, upstream: TcpStream, first: Vec<u8>) -> Self {
        let now = Instant::now();
        let mut boundary = Boundary::default();
        boundary.follow(&first);
        Self {
            client,
            upstream,
            up: Direction::open(early, now),
            down: Direction::open(first, now),
            boundary,
            leaving: false,
            closing_since: None,
        }
    }

    /// A side that has vanished acknowledges nothing; without this the kernel would try for a quarter of an hour, and
    /// a service's pings into the void would look like life.
    fn notice_vanishing(&self, limits: &Limits) {
        let limit = u32::try_from(limits.quiet.as_millis()).unwrap_or(u32::MAX);
        for side in [&self.client, &self.upstream] {
            if let Err(error) = set_tcp_user_timeout(side, limit) {
                debug!(%error, "failed to limit how long a tunnel waits for acknowledgements");
            }
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>, drain: &Drain, scratch: &mut [u8]) -> Poll<Step> {
        let (mut client_reads, mut client_writes) = self.client.split();
        let (mut service_reads, mut service_writes) = self.upstream.split();
        if !self.up.has_ended() {
            let way = (&mut client_reads, &mut service_writes);
            match self.up.poll(cx, way, scratch, received) {
                Poll::Pending => {}
                Poll::Ready(Ok(())) => return self.half_ended(),
                Poll::Ready(Err(Broken::Source(error))) => return gone(&error),
                // The service may have said why before it closed: that is still read.
                Poll::Ready(Err(Broken::Sink(_))) => {
                    self.up.stop();
                    return self.half_ended();
                }
            }
        }
        if self.down.has_ended() {
            return Poll::Pending;
        }
        let boundary = &mut self.boundary;
        // Asked of the drain itself: what is read once it has begun must not slip through before this task is told.
        let look = |bytes: &[u8]| {
            traffic::sent(bytes.len());
            follow(boundary, drain.is_begun(), bytes)
        };
        match self.down.poll(cx, (&mut service_reads, &mut client_writes), scratch, look) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Ok(())) => self.half_ended(),
            Poll::Ready(Err(Broken::Sink(error))) => gone(&error),
            Poll::Ready(Err(Broken::Source(error))) => {
                debug!(%error, "a service broke off a tunnel");
                self.up.stop();
                self.down.end_with(&[]);
                self.half_ended()
            }
        }
    }

    fn half_ended(&mut self) -> Poll<Step> {
        self.closing_since.get_or_insert_with(Instant::now);
        let both = self.up.has_ended() && self.down.has_ended();
        Poll::Ready(if both { Step::End(End::Closed) } else { Step::GoOn })
    }

    /// Says goodbye, now if a frame is not in the middle of things, else behind it.
    fn leave(&mut self) {
        self.leaving = true;
        if self.boundary.said_goodbye() {
            self.closing_since.get_or_insert_with(Instant::now);
        } else if self.boundary.is_between_frames() && self.down.is_open() {
            self.down.end_with(COME_BACK);
        }
    }

    /// Until the next [`check`](Self::check).
    fn patience(&self, limits: &Limits) -> Duration {
        match self.closing_since {
            Some(since) => CLOSING.saturating_sub(since.elapsed()),
            None => limits.quiet.min(limits.stall) / 2,
        }
    }

    fn check(&self, limits: &Limits, now: Instant) -> Step {
        let passed = |since: Instant, limit| now.saturating_duration_since(since) >= limit;
        let blocked = [self.up.blocked_since(), self.down.blocked_since()];
        if self.closing_since.is_some_and(|since| passed(since, CLOSING)) {
            Step::End(End::Closed)
        } else if blocked.into_iter().flatten().any(|since| passed(since, limits.stall)) {
            Step::End(End::Stalled)
        } else if passed(self.up.moved_at().max(self.down.moved_at()), limits.quiet) {
            Step::End(End::Quiet)
        } else {
            Step::GoOn
        }
    }
}

fn received(bytes: &[u8]) -> Passing {
    traffic::received(bytes.len());
    Passing::All
}

/// Once the gateway stops, the frame in progress is the last.
fn follow(boundary: &mut Boundary, leaving: bool, bytes: &[u8]) -> Passing {
    if !leaving || boundary.said_goodbye() {
        boundary.follow(bytes);
        return Passing::All;
    }
    let count = boundary.finish_frame(bytes);
    if !boundary.is_between_frames() {
        Passing::All
    } else if boundary.said_goodbye() {
        Passing::Last(count, &[])
    } else {
        Passing::Last(count, COME_BACK)
    }
}

fn gone(error: &std::io::Error) -> Poll<Step> {
    debug!(%error, "a client broke off a tunnel");
    Poll::Ready(Step::End(End::ClientGone))
}
