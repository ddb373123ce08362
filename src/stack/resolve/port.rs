//! Which port everything listens on: as written, for further replicas from a pool, all moved by the offset.

use std::collections::BTreeMap;

use super::super::decode::PortRange;
use super::super::diagnostic::Diagnostic;
use super::super::place::{At, Place};
use super::super::raw::{RawService, RawStack};
use super::stack::required;
use super::unit::replicas;

/// Far from the ports of the stack itself, and below Linux' ephemeral range (32768 and up).
const DEFAULT_POOL: PortRange = PortRange { first: 18080, last: 18179 };

/// Ports with the offset added.
#[derive(Debug, Default)]
pub(super) struct Ports {
    pub(super) databases: BTreeMap<String, u16>,
    pub(super) cache: Option<u16>,
    /// One per replica.
    pub(super) services: BTreeMap<String, Vec<u16>>,
}

/// Assigns every port, and complains about those that are missing, taken twice or out of range.
pub(super) fn assign(raw: &RawStack, offset: u16, errors: &mut Vec<Diagnostic>) -> Ports {
    let mut claims = Claims { taken: BTreeMap::new(), offset, errors };
    let mut ports = Ports::default();
    for (name, database) in raw.databases.iter().flat_map(|table| &table.value.0) {
        let owner = format!("databases.{}", name.value);
        if let Some(at) = required(database.port.as_ref(), "port", &owner, &name.place, claims.errors) {
            ports
                .databases
                .insert(name.value.clone(), claims.fixed(at.value.0, &at.place, format!("{owner}.port")));
        }
    }
    if let Some(At { value: cache, place }) = &raw.cache
        && let Some(at) = required(cache.port.as_ref(), "port", "cache", place, claims.errors)
    {
        ports.cache = Some(claims.fixed(at.value.0, &at.place, "cache.port".to_owned()));
    }
    for (name, service) in raw.services.iter().flat_map(|table| &table.value.0) {
        ports.services.insert(name.value.clone(), claims.written(&name.value, &name.place, service));
    }
    claims.fill(raw, &mut ports);
    ports
}

struct Claims<'a> {
    /// By port without the offset: whose it is, and where that is written.
    taken: BTreeMap<u16, (String, Place)>,
    offset: u16,
    errors: &'a mut Vec<Diagnostic>,
}

impl Claims<'_> {
    /// A port that the file names; returns it with the offset.
    fn fixed(&mut self, port: u16, place: &Place, owner: String) -> u16 {
        if let Some((other, first)) = self.taken.get(&port) {
            let clash = Diagnostic::new(format!("port {port} is used twice"));
            self.errors.push(clash.at(place, owner).at(first, other.clone()));
        } else {
            self.taken.insert(port, (owner, place.clone()));
        }
        port.checked_add(self.offset).unwrap_or_else(|| {
            let offset = self.offset;
            self.errors.push(
                Diagnostic::new(format!("port {port} moved by the port offset {offset} is above 65535"))
                    .at(place, "")
                    .help(format!("give a --port-offset of at most {}", u16::MAX - port)),
            );
            port
        })
    }

    /// The ports that the file names for a service: of the first replica, and perhaps of further ones.
    fn written(&mut self, name: &str, owner: &Place, service: &RawService) -> Vec<u16> {
        let section = format!("services.{name}");
        if let Some(at) = service.replicas.as_ref().filter(|at| at.value == 0) {
            self.errors.push(
                Diagnostic::new(format!("{section}.replicas: a service has at least 1")).at(&at.place, ""),
            );
        }
        let Some(first) = required(service.port.as_ref(), "port", &section, owner, self.errors) else {
            return Vec::new();
        };
        let mut ports = vec![self.fixed(first.value.0, &first.place, format!("{section}.port"))];
        let further = service.replica_ports.iter().flat_map(|at| &at.value);
        for at in further {
            ports.push(self.fixed(at.value.0, &at.place, format!("{section}.replica_ports")));
        }
        if let Some(at) =
            service.replica_ports.as_ref().filter(|_| ports.len() > replicas(service).max(1) as usize)
        {
            let problem = format!(
                "{section}.replica_ports has {} ports for {} replicas after the first",
                ports.len() - 1,
                replicas(service).saturating_sub(1)
            );
            self.errors.push(Diagnostic::new(problem).at(&at.place, ""));
        }
        ports
    }

    /// Gives each further replica the next free port of the pool, services in the order of the file.
    fn fill(&mut self, raw: &RawStack, ports: &mut Ports) {
        let pool = raw.replica_ports.as_ref().map_or(DEFAULT_POOL, |at| at.value);
        let mut free = (pool.first..=pool.last)
            .filter(|port| !self.taken.contains_key(port))
            .filter_map(|port| port.checked_add(self.offset))
            .collect::<Vec<_>>()
            .into_iter();
        for (name, service) in raw.services.iter().flat_map(|table| &table.value.0) {
            let Some(assigned) = ports.services.get_mut(&name.value).filter(|assigned| !assigned.is_empty())
            else {
                continue;
            };
            let wanted = (replicas(service) as usize).saturating_sub(assigned.len());
            assigned.extend(free.by_ref().take(wanted));
            let missing = (replicas(service) as usize).saturating_sub(assigned.len());
            if let Some(at) = service.replicas.as_ref().filter(|_| missing > 0) {
                self.errors.push(exhausted(&name.value, missing, at, pool, raw));
            }
        }
    }
}

fn exhausted(name: &str, missing: usize, at: &At<u32>, pool: PortRange, raw: &RawStack) -> Diagnostic {
    let PortRange { first, last } = pool;
    let diagnostic =
        Diagnostic::new(format!("no ports are left for {missing} of the {} replicas of {name}", at.value))
            .at(&at.place, "");
    match &raw.replica_ports {
        Some(range) => diagnostic.at(&range.place, format!("the pool {first}-{last}")),
        None => diagnostic.help(format!("the pool is {first}-{last}; set `replica_ports` to a larger one")),
    }
}
