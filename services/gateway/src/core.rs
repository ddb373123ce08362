//! One core: a thread with a runtime, connections and upstream pools of its own. Nothing but snapshots,
//! limits and verified tokens is shared with the others.

use std::cell::{RefCell, RefMut};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use chassis::discovery::Discovery;
use chassis::identity::TokenVerifier;
use chassis::redis::Link;
use chassis::shutdown::Drain;
use chassis::watched::Watched;
use contract::registry::Registry;
use http::StatusCode;
use tokio::runtime::{Builder, LocalOptions};
use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinSet};
use tracing::error;

use crate::accept::Accepted;
use crate::config::Limits;
use crate::connection;
use crate::endpoint::Endpoints;
use crate::exchange::{Exchange, Label};
use crate::latest::Latest;
use crate::limit::{Decider, Limiter};
use crate::metrics::{InFlight, Meter, Metrics, method_label};
use crate::routing::Routing;

/// Between two looks for upstream connections that are idle for too long.
const SWEEP: Duration = Duration::from_secs(5);
/// What one read of a tunnel brings at most. One such buffer serves all tunnels of a core, so that idle ones have none.
const SCRATCH: usize = 32 * 1024;
/// Name resolution and nothing else.
const BLOCKING_THREADS: usize = 1;

/// What all cores use together.
pub(crate) struct Shared {
    pub(crate) routing: Watched<Routing>,
    pub(crate) discovery: Discovery,
    pub(crate) verifier: TokenVerifier,
    pub(crate) limiter: Arc<Limiter>,
    /// Where the limits of all gateways meet; each core makes a connection of its own.
    pub(crate) redis: Option<Link>,
    /// The gateway's own pages.
    pub(crate) own: Router,
    pub(crate) limits: Limits,
    pub(crate) drain: Drain,
}

pub(crate) struct Core {
    shared: Arc<Shared>,
    routing: Latest<Routing>,
    registry: Latest<Registry>,
    endpoints: RefCell<Endpoints>,
    decider: Decider,
    metrics: Metrics,
    /// The drivers of connections to services, and to Redis. Bounded by the requests in flight and the idle pools.
    drivers: RefCell<JoinSet<()>>,
    scratch: RefCell<Box<[u8]>>,
}

impl Core {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        let mut endpoints = Endpoints::default();
        let registry = Latest::of(shared.discovery.changes());
        endpoints.update(&shared.discovery.snapshot());
        let link = shared.redis.as_ref().map(Link::another);
        let core = Self {
            routing: Latest::of(shared.routing.subscribe()),
            registry,
            endpoints: RefCell::new(endpoints),
            decider: Decider::new(Arc::clone(&shared.limiter), link.clone()),
            metrics: Metrics::new(),
            drivers: RefCell::default(),
            scratch: RefCell::new(vec![0; SCRATCH].into_boxed_slice()),
            shared,
        };
        if let Some(link) = link {
            core.drive(link.keep());
        }
        core
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.shared
    }

    pub(crate) fn decider(&self) -> &Decider {
        &self.decider
    }

    pub(crate) fn routing(&self) -> Arc<Routing> {
        self.routing.get()
    }

    /// The instances of now.
    pub(crate) fn endpoints(&self) -> std::cell::Ref<'_, Endpoints> {
        if self.registry.refresh() {
            self.endpoints.borrow_mut().update(&self.shared.discovery.snapshot());
        }
        self.endpoints.borrow()
    }

    /// Keeps a connection going until it is closed.
    pub(crate) fn drive(&self, connection: impl Future<Output = ()> + 'static) {
        self.drivers.borrow_mut().spawn_local(connection);
    }

    /// How the answer is counted; `None` when somebody else does.
    pub(crate) fn meter(&self, exchange: &Exchange, status: StatusCode) -> Option<Meter> {
        let pattern = match (&exchange.label, &exchange.matched) {
            (Label::CountedElsewhere, _) => return None,
            (Label::Route, Some(matched)) => Arc::clone(&matched.pattern),
            (Label::Route, None) => self.metrics.unmatched(status),
        };
        self.metrics.meter(pattern, method_label(&exchange.head.method), status, exchange.started)
    }

    /// Counts a request until its answer has ended.
    pub(crate) fn begin(&self) -> InFlight {
        self.metrics.begin()
    }

    /// To read into; nothing stays in it.
    pub(crate) fn scratch(&self) -> RefMut<'_, Box<[u8]>> {
        self.scratch.borrow_mut()
    }

    /// Counts a head that never became a request.
    pub(crate) fn count_refused(&self, status: StatusCode) {
        let pattern = self.metrics.unmatched(status);
        if let Some(meter) = self.metrics.meter(pattern, "OTHER", status, Instant::now()) {
            meter.untimed().record();
        }
    }

    fn sweep(&self) {
        self.endpoints().sweep();
        while let Some(ended) = self.drivers.borrow_mut().try_join_next() {
            report_panic(ended);
        }
    }
}

/// Serves connections on this thread until no more come and the last one has ended.
pub(crate) fn run(shared: Arc<Shared>, connections: mpsc::Receiver<Accepted>) -> std::io::Result<()> {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(BLOCKING_THREADS)
        .build_local(LocalOptions::default())?;
    runtime.block_on(serve(shared, connections));
    Ok(())
}

async fn serve(shared: Arc<Shared>, mut connections: mpsc::Receiver<Accepted>) {
    let drain = shared.drain.clone();
    let core = Rc::new(Core::new(shared));
    let mut open = JoinSet::new();
    let mut ticks = tokio::time::interval(SWEEP);
    loop {
        tokio::select! {
            accepted = connections.recv() => match accepted {
                Some(accepted) => { open.spawn_local(connection::serve(Rc::clone(&core), accepted)); }
                None => break,
            },
            Some(ended) = open.join_next(), if !open.is_empty() => report_panic(ended),
            _ = ticks.tick() => core.sweep(),
        }
    }
    let finish = async {
        while let Some(ended) = open.join_next().await {
            report_panic(ended);
        }
    };
    tokio::select! {
        () = finish => {}
        () = drain.over() => {}
    }
}

fn report_panic(ended: Result<(), JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        error!("a connection's task panicked");
    }
}
