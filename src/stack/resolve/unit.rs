//! Names of what runs: valid, short, and each of one unit only.

use std::collections::BTreeMap;

use super::super::diagnostic::Diagnostic;
use super::super::name;
use super::super::place::Place;
use super::super::raw::{RawDatabase, RawService, RawStack};

/// The cache's unit: there is one, and it needs no name of its own.
const CACHE_UNIT: &str = "redis";

/// Names of keys and logs that are no unit's, and the word of objectives for every service.
const RESERVED: [&str; 3] = ["operator", "supervisor", "all"];

/// What a name in the stack file may refer to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Referent {
    Database,
    Job,
    Cache,
    /// A service, or one of its replicas.
    Service(String),
}

/// Everything that has a name, with the place where it got it.
pub(super) fn referents(raw: &RawStack) -> Vec<(String, Referent, Place)> {
    let mut all = Vec::new();
    for (name, database) in raw.databases.iter().flat_map(|table| &table.value.0) {
        all.push((name.value.clone(), Referent::Database, name.place.clone()));
        for step in jobs(database) {
            all.push((format!("{}-{step}", name.value), Referent::Job, name.place.clone()));
        }
    }
    if let Some(cache) = &raw.cache {
        all.push((CACHE_UNIT.to_owned(), Referent::Cache, cache.place.clone()));
    }
    for (name, service) in raw.services.iter().flat_map(|table| &table.value.0) {
        let referent = Referent::Service(name.value.clone());
        all.push((name.value.clone(), referent.clone(), name.place.clone()));
        for number in (1..=replicas(service)).filter(|_| replicas(service) > 1) {
            all.push((format!("{}-{number}", name.value), referent.clone(), name.place.clone()));
        }
    }
    all
}

/// What runs once for a database.
fn jobs(database: &RawDatabase) -> &'static [&'static str] {
    let seeded = database.seed.as_ref().is_some_and(|at| at.value);
    if seeded { &["init", "migrate", "seed"] } else { &["init", "migrate"] }
}

/// How many of a service run, not more than there are ports.
pub(super) fn replicas(service: &RawService) -> u32 {
    service.replicas.as_ref().map_or(1, |at| at.value).min(u32::from(u16::MAX))
}

pub(super) fn check(raw: &RawStack, errors: &mut Vec<Diagnostic>) {
    let databases = raw.databases.iter().flat_map(|table| &table.value.0).map(|(name, _)| (name, '_'));
    let services = raw.services.iter().flat_map(|table| &table.value.0).map(|(name, _)| (name, '-'));
    for (name, separator) in databases.chain(services) {
        if let Err(problem) = name::check(&name.value, separator) {
            errors.push(Diagnostic::new(problem).at(&name.place, ""));
        } else if RESERVED.contains(&name.value.as_str()) {
            errors
                .push(Diagnostic::new(format!("the name `{}` is reserved", name.value)).at(&name.place, ""));
        }
    }
    let mut seen: BTreeMap<String, Place> = BTreeMap::new();
    for (name, _, place) in referents(raw) {
        if let Some(first) = seen.get(&name) {
            errors.push(
                Diagnostic::new(format!("two units would be named `{name}`"))
                    .at(&place, "one of them comes from here")
                    .at(first, "the other from here"),
            );
        } else {
            seen.insert(name, place);
        }
    }
}
