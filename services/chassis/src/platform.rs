//! What the chassis makes for a service before the service builds itself.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use contract::claims;
use futures_util::future::BoxFuture;
use resilience::shed::Shedder;
use thiserror::Error;
use tokio::time::Instant;

use crate::actuator::health::Health;
use crate::client::{self, Breakers, ServiceClient, Switchboard};
use crate::config::Base;
use crate::discovery::Discovery;
use crate::event::Events;
use crate::identity::{Identity, KeyError, ServiceSigner, ServiceVerifier, TokenVerifier};
use crate::log_level::LogControl;
use crate::readiness::Readiness;
use crate::redis::Redis;
use crate::shutdown::Drain;
use crate::spawn::TaskSet;
use crate::trace::{self, Spans};
use crate::watched::WatchError;

#[derive(Debug, Error)]
pub enum PlatformError {
    #[error("failed to load a key of the services")]
    Key(#[from] KeyError),
    #[error("failed to follow the instance registry")]
    Registry(#[from] WatchError),
    #[error("failed to set up the HTTP client")]
    Client(#[from] reqwest::Error),
    #[error("REDIS_URL is not usable")]
    Redis(#[from] ::redis::RedisError),
}

/// The shared parts of a running service. Cheap to clone.
#[derive(Clone)]
pub struct Platform {
    inner: Arc<Inner>,
}

struct Inner {
    base: Base,
    started: Instant,
    identity: Identity,
    discovery: Discovery,
    /// For calls that are not judged: the keys, the feeds.
    http: reqwest::Client,
    calls: Switchboard,
    events: Events,
    shedder: Shedder,
    signer: Option<ServiceSigner>,
    redis: Redis,
    readiness: Readiness,
    drain: Drain,
    tasks: TaskSet,
    health: Health,
    log: LogControl,
    spans: Spans,
    metrics: metrics_exporter_prometheus::PrometheusHandle,
}

impl Platform {
    /// Must be called inside a runtime. Waits for no connection.
    ///
    /// # Errors
    /// When a file that the environment names is not usable.
    pub fn new(base: Base, log: LogControl) -> Result<Self, PlatformError> {
        crate::crypto::install();
        let discovery = Discovery::start(&base.discovery)?;
        let http = client::http_client()?;
        let issuer = claims::issuer(&base.public_url);
        let service = match &base.service_keys {
            Some(path) => ServiceVerifier::from_file(base.service, path)?,
            None => ServiceVerifier::refusing(base.service),
        };
        let access = if base.service == "auth" {
            TokenVerifier::with_own_keys(&issuer)
        } else {
            TokenVerifier::fetching(&issuer, http.clone(), discovery.clone())
        };
        let signer =
            base.service_key.as_ref().map(|path| ServiceSigner::from_file(base.service, path)).transpose()?;
        let metrics = crate::metrics::install();
        let spans = trace::install(&base)?;
        let readiness = Readiness::default();
        let drain = Drain::new(base.drain);
        let tasks = TaskSet::new(drain.clone(), readiness.clone());
        let redis = Redis::start(base.redis.as_ref(), &tasks)?;
        let events = Events::default();
        let calls = Switchboard::new(base.service, http.clone(), signer.clone(), discovery.clone());
        tasks.spawn("instances", calls.clone().follow());
        Ok(Self {
            inner: Arc::new(Inner {
                started: Instant::now(),
                identity: Identity { access, service },
                tasks,
                health: Health::new(redis.clone(), events.clone()),
                events,
                http,
                metrics,
                spans,
                base,
                discovery,
                calls,
                shedder: crate::layer::shedder(),
                signer,
                redis,
                readiness,
                drain,
                log,
            }),
        })
    }

    /// A platform for tests that call a router without a process of its own: nothing is logged.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn quiet(base: Base) -> Result<Self, PlatformError> {
        let log = LogControl::new(base.log.clone(), |_| {});
        Self::new(base, log)
    }

    /// A client for another service whose calls take at most `limit`.
    pub fn client(&self, service: &'static str, limit: Duration) -> ServiceClient {
        self.inner.calls.client(service, limit)
    }

    /// The breakers of the instances that this process calls.
    pub fn breakers(&self) -> &Breakers {
        self.inner.calls.breakers()
    }

    pub(crate) fn shedder(&self) -> &Shedder {
        &self.inner.shedder
    }

    /// The services that this process calls.
    pub fn calls(&self) -> &Switchboard {
        &self.inner.calls
    }

    pub fn base(&self) -> &Base {
        &self.inner.base
    }

    pub fn identity(&self) -> &Identity {
        &self.inner.identity
    }

    pub fn discovery(&self) -> &Discovery {
        &self.inner.discovery
    }

    pub fn signer(&self) -> Option<&ServiceSigner> {
        self.inner.signer.as_ref()
    }

    pub(crate) fn http(&self) -> &reqwest::Client {
        &self.inner.http
    }

    pub(crate) fn events(&self) -> &Events {
        &self.inner.events
    }

    pub fn redis(&self) -> &Redis {
        &self.inner.redis
    }

    pub fn readiness(&self) -> &Readiness {
        &self.inner.readiness
    }

    pub fn drain(&self) -> &Drain {
        &self.inner.drain
    }

    pub fn tasks(&self) -> &TaskSet {
        &self.inner.tasks
    }

    pub fn health(&self) -> &Health {
        &self.inner.health
    }

    pub fn log(&self) -> &LogControl {
        &self.inner.log
    }

    /// What exports this process's spans.
    pub fn spans(&self) -> &Spans {
        &self.inner.spans
    }

    pub fn uptime(&self) -> Duration {
        self.inner.started.elapsed()
    }

    pub(crate) fn metrics(&self) -> &metrics_exporter_prometheus::PrometheusHandle {
        &self.inner.metrics
    }
}

/// Serves on its own: gets the bound listener, and ends when the drain has begun and its requests are done.
pub type CustomServer = Box<dyn FnOnce(TcpListener, Drain) -> BoxFuture<'static, anyhow::Result<()>> + Send>;

/// What a service is, once built.
pub enum Service {
    /// Served by the chassis. Made with [`crate::app()`].
    Router(Router),
    Custom(CustomServer),
}

impl From<Router> for Service {
    fn from(router: Router) -> Self {
        Self::Router(router)
    }
}
