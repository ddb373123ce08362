//! The instances of the services as one core sees them, each with this core's open connections to it.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use contract::registry::{Instance, Registry};
use http::HeaderValue;
use hyper::client::conn::http1::SendRequest;
use tracing::error;

use crate::body::{RequestBody, Upload};
use crate::exchange::Purpose;

/// An instance that could not be reached is passed over for this long, if there is another.
const COOL_DOWN: Duration = Duration::from_secs(1);
/// Services close idle connections after 30 s or later; we are first, so that no request meets the closing.
const MAX_IDLE: Duration = Duration::from_secs(20);
/// Open connections that one core keeps to one instance without using them.
const MAX_IDLE_CONNECTIONS: usize = 256;

type Sender = SendRequest<RequestBody>;

/// One instance of a service.
pub(crate) struct Endpoint {
    pub(crate) address: Address,
    /// The `Host` of requests to it.
    pub(crate) authority: HeaderValue,
    url: String,
    idle: RefCell<Vec<(Sender, Instant)>>,
    cool_until: Cell<Option<Instant>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Address {
    Socket(SocketAddr),
    /// `host:port`, resolved at every connect.
    Name(String),
}

impl Address {
    /// For people who look at traces.
    pub(crate) fn port(&self) -> Option<u16> {
        match self {
            Self::Socket(address) => Some(address.port()),
            Self::Name(authority) => authority.rsplit_once(':').and_then(|(_, port)| port.parse().ok()),
        }
    }
}

/// All instances by service.
#[derive(Default)]
pub(crate) struct Endpoints {
    services: HashMap<String, Instances>,
}

#[derive(Default)]
struct Instances {
    all: Vec<Rc<Endpoint>>,
    turn: Cell<usize>,
}

impl Endpoints {
    /// Takes over the registry; instances that stay keep their connections.
    pub(crate) fn update(&mut self, registry: &Registry) {
        let mut before = std::mem::take(&mut self.services);
        for (service, instances) in &registry.services {
            let known = before.remove(service).unwrap_or_default();
            let all = instances.iter().filter_map(|instance| {
                let same = known.all.iter().find(|endpoint| endpoint.url == instance.url);
                same.cloned().or_else(|| Endpoint::open(instance).map(Rc::new))
            });
            let all = all.collect();
            self.services.insert(service.clone(), Instances { all, turn: known.turn });
        }
    }

    /// The next instance in turn, if possible one that could be reached lately, never `except`.
    pub(crate) fn pick(&self, service: &str, except: Option<&Rc<Endpoint>>) -> Option<Rc<Endpoint>> {
        let instances = self.services.get(service)?;
        let turn = instances.turn.get();
        instances.turn.set(turn.wrapping_add(1));
        let count = instances.all.len();
        let candidates = || {
            (0..count)
                .map(|step| &instances.all[(turn.wrapping_add(step)) % count])
                .filter(|endpoint| except.is_none_or(|except| !Rc::ptr_eq(endpoint, except)))
        };
        candidates().find(|endpoint| !endpoint.is_cooling()).or_else(|| candidates().next()).cloned()
    }

    /// Closes connections that have been idle for long.
    pub(crate) fn sweep(&self) {
        let endpoints = self.services.values().flat_map(|instances| &instances.all);
        for endpoint in endpoints {
            endpoint
                .idle
                .borrow_mut()
                .retain(|(sender, since)| !sender.is_closed() && since.elapsed() < MAX_IDLE);
        }
    }
}

impl Endpoint {
    fn open(instance: &Instance) -> Option<Self> {
        let authority = instance.url.strip_prefix("http://").map(|rest| rest.trim_end_matches('/'));
        let valid =
            authority.filter(|authority| !authority.is_empty() && !authority.contains(['/', '?', '#', '@']));
        let Some(authority) = valid else {
            error!(instance = instance.id, "instance {} has no usable URL", instance.id);
            return None;
        };
        let address = match authority.parse() {
            Ok(socket) => Address::Socket(socket),
            Err(_) if authority.contains(':') => Address::Name(authority.to_owned()),
            Err(_) => Address::Name(format!("{authority}:80")),
        };
        Some(Self {
            address,
            authority: HeaderValue::from_str(authority).ok()?,
            url: instance.url.clone(),
            idle: RefCell::default(),
            cool_until: Cell::new(None),
        })
    }

    /// The connection that was used last: it is the least likely to have been closed meanwhile.
    pub(crate) fn checkout(&self) -> Option<Sender> {
        let mut idle = self.idle.borrow_mut();
        while let Some((sender, since)) = idle.pop() {
            if !sender.is_closed() && since.elapsed() < MAX_IDLE {
                return Some(sender);
            }
        }
        None
    }

    pub(crate) fn could_not_be_reached(&self) {
        self.idle.borrow_mut().clear();
        self.cool_until.set(Some(Instant::now() + COOL_DOWN));
    }

    pub(crate) fn was_reached(&self) {
        self.cool_until.set(None);
    }

    fn is_cooling(&self) -> bool {
        self.cool_until.get().is_some_and(|until| Instant::now() < until)
    }
}

/// A connection in use.
pub(crate) struct Lease {
    pub(crate) endpoint: Rc<Endpoint>,
    pub(crate) sender: Sender,
    pub(crate) upload: Rc<Cell<Upload>>,
    pub(crate) purpose: Purpose,
}

impl Lease {
    /// Makes the connection available again. One whose request is not sent to its end is closed instead, and one on
    /// which the service could have switched protocols.
    pub(crate) fn give_back(self) {
        let whole = self.upload.get() == Upload::Done && self.purpose == Purpose::Answer;
        if self.sender.is_closed() || !whole {
            return;
        }
        let mut idle = self.endpoint.idle.borrow_mut();
        if idle.len() < MAX_IDLE_CONNECTIONS {
            idle.push((self.sender, Instant::now()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn registry(urls: &[&str]) -> Registry {
        let instance = |url: &&str| Instance { id: (*url).into(), url: (*url).into() };
        let services = [("auth".to_owned(), urls.iter().map(instance).collect())].into();
        Registry { services }
    }

    fn endpoints(urls: &[&str]) -> Endpoints {
        let mut endpoints = Endpoints::default();
        endpoints.update(&registry(urls));
        endpoints
    }

    #[test]
    fn instances_take_turns() {
        let endpoints = endpoints(&["http://127.0.0.1:1", "http://127.0.0.1:2"]);
        let mut urls: Vec<_> = (0..4).map(|_| endpoints.pick("auth", None).unwrap().url.clone()).collect();
        assert_ne!(urls[0], urls[1]);
        urls.sort();
        urls.dedup();
        assert_eq!(urls.len(), 2);
        assert!(endpoints.pick("user", None).is_none());
    }

    #[test]
    fn an_unreachable_instance_is_passed_over_unless_it_is_the_only_one() {
        let endpoints = endpoints(&["http://127.0.0.1:1", "http://127.0.0.1:2"]);
        let broken = endpoints.pick("auth", None).unwrap();
        broken.could_not_be_reached();
        assert!((0..4).all(|_| !Rc::ptr_eq(&endpoints.pick("auth", None).unwrap(), &broken)));
        let other = endpoints.pick("auth", Some(&broken)).unwrap();
        other.could_not_be_reached();
        assert!(endpoints.pick("auth", None).is_some());
        assert!(Rc::ptr_eq(&endpoints.pick("auth", Some(&broken)).unwrap(), &other));
    }

    #[test]
    fn an_instance_that_stays_in_the_registry_stays_itself() {
        let mut endpoints = endpoints(&["http://127.0.0.1:1"]);
        let before = endpoints.pick("auth", None).unwrap();
        endpoints.update(&registry(&["http://127.0.0.1:2", "http://127.0.0.1:1"]));
        assert!((0..2).any(|_| Rc::ptr_eq(&endpoints.pick("auth", None).unwrap(), &before)));
        endpoints.update(&registry(&[]));
        assert!(endpoints.pick("auth", None).is_none());
    }

    #[test]
    fn urls_that_are_no_plain_addresses_are_left_out() {
        let endpoints = endpoints(&["https://127.0.0.1:1", "http://", "http://user@host", "http://a/b"]);
        assert!(endpoints.pick("auth", None).is_none());
        let named = self::endpoints(&["http://auth"]).pick("auth", None).unwrap();
        assert_eq!(named.address, Address::Name("auth:80".into()));
    }
}
