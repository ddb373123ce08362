//! The whole stack out of its sections.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::super::diagnostic::Diagnostic;
use super::super::model::{Cache, Database, Stack};
use super::super::name;
use super::super::place::{At, Place};
use super::super::raw::{RawDatabase, RawStack};
use super::port::{self, Ports};
use super::{dependency, route, service, slo, unit};

const DEFAULT_NAME: &str = "dorandoran";

/// Which copy of the stack is meant.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    /// The absolute directory of the stack file.
    pub dir: PathBuf,
    pub instance: String,
    pub port_offset: u16,
}

/// Decides every value and checks every rule.
///
/// # Errors
/// With all mistakes, in no particular order.
pub(crate) fn resolve(raw: &RawStack, target: &Target) -> Result<Stack, Vec<Diagnostic>> {
    let mut errors = Vec::new();
    if let Err(problem) = name::check(&target.instance, '-') {
        errors.push(Diagnostic::new(format!("--instance: {problem}")));
    }
    unit::check(raw, &mut errors);
    let ports = port::assign(raw, target.port_offset, &mut errors);
    dependency::check(raw, &mut errors);
    let stack = Stack {
        port_offset: target.port_offset,
        name: stack_name(raw, &mut errors),
        instance: target.instance.clone(),
        dir: target.dir.clone(),
        databases: databases(raw, &ports, &target.dir),
        cache: raw.cache.as_ref().and(ports.cache).map(|port| Cache { port }),
        services: service::services(raw, &ports, &target.dir, &mut errors),
        gateway: route::gateway(raw, &mut errors),
        slos: slo::slos(raw, &mut errors),
    };
    if errors.is_empty() { Ok(stack) } else { Err(errors) }
}

fn stack_name(raw: &RawStack, errors: &mut Vec<Diagnostic>) -> String {
    let Some(At { value, place }) = &raw.name else {
        return DEFAULT_NAME.to_owned();
    };
    if let Err(problem) = name::check(value, '-') {
        errors.push(Diagnostic::new(problem).at(place, ""));
    }
    value.clone()
}

fn databases(raw: &RawStack, ports: &Ports, dir: &Path) -> BTreeMap<String, Database> {
    let rows = raw.databases.iter().flat_map(|table| &table.value.0);
    rows.filter_map(|(name, database)| {
        let port = *ports.databases.get(&name.value)?;
        Some((name.value.clone(), self::database(&name.value, database, port, dir)))
    })
    .collect()
}

fn database(name: &str, raw: &RawDatabase, port: u16, dir: &Path) -> Database {
    let migrations =
        raw.migrations.as_ref().map_or_else(|| format!("migrations/{name}"), |at| at.value.clone());
    let settings = raw.settings.iter().flat_map(|table| &table.value.0);
    Database {
        port,
        migrations: dir.join(migrations),
        seed: raw.seed.as_ref().is_some_and(|at| at.value),
        settings: settings.map(|(key, text)| (key.value.clone(), text.0.clone())).collect(),
    }
}

/// The value, or a complaint at `owner`, the place of the section that lacks it.
pub(super) fn required<'a, T>(
    field: Option<&'a At<T>>,
    key: &str,
    section: &str,
    owner: &Place,
    errors: &mut Vec<Diagnostic>,
) -> Option<&'a At<T>> {
    if field.is_none() {
        errors.push(Diagnostic::new(format!("{section} has no `{key}`")).at(owner, ""));
    }
    field
}
