//! What the supervisor tells the world: the state report, the instance registry, the gateway's routes.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use contract::registry::{Instance, Registry};
use tracing::error;

use super::plan::Plan;
use super::report::{SCHEMA, StateReport, SupervisorReport, UnitReport};
use super::state::{Desired, StackState, UnitId, Word};
use super::unit::Kind;
use crate::layout::Layout;
use crate::shim::protocol::PROTOCOL;
use crate::stack::Stack;

/// Describes every unit. Ages are left out: they are of the moment of asking.
pub(super) fn report(plan: &Plan, state: &StackState, started: Instant, shutting_down: bool) -> StateReport {
    let since = |at: Instant| match at.checked_duration_since(started) {
        Some(after) => milliseconds(after),
        None => -milliseconds(started.duration_since(at)),
    };
    let name = |id: UnitId| state.unit(id).name.clone();
    let items = state
        .ids()
        .map(|id| {
            let (spec, unit) = (plan.unit(id), state.unit(id));
            UnitReport {
                name: unit.name.clone(),
                service: spec.service.clone(),
                kind: spec.kind,
                state: unit.phase.word(),
                pid: unit.pid,
                port: spec.port,
                restarts: unit.restarts,
                uptime_ms: None,
                started_ms: unit.times.started.map(since),
                ready_ms: unit.times.ready.map(since),
                run: unit.run.0,
                wanted: unit.desired == Desired::Up,
                depends_on: state.graph.dependencies(id).iter().map(|(on, _)| name(*on)).collect(),
                waits_for: match unit.phase.word() {
                    Word::Pending => state.waits_for(id).map(|(on, _)| name(on)).collect(),
                    _ => Vec::new(),
                },
                last_failure: unit.last_failure.clone(),
            }
        })
        .collect();
    let supervisor =
        SupervisorReport { pid: std::process::id(), protocol: PROTOCOL, uptime_ms: 0, shutting_down };
    StateReport { schema: SCHEMA.to_owned(), items, supervisor }
}

fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// The files that services watch, each replaced by rename and only when its content changed.
pub(super) struct Published {
    registry_path: PathBuf,
    gateway_path: PathBuf,
    registry: Option<Registry>,
    /// The disk refused last time, and that was said.
    refused: bool,
}

impl Published {
    pub(super) fn new(layout: &Layout) -> Self {
        Self {
            registry_path: layout.registry(),
            gateway_path: layout.gateway_config(),
            registry: None,
            refused: false,
        }
    }

    /// A disk that refuses does not end a supervisor: it is asked again with the next event, and every probe is
    /// one.
    pub(super) fn registry(&mut self, report: &StateReport) {
        let registry = registry_of(report);
        if self.registry.as_ref() == Some(&registry) {
            return;
        }
        let bytes = serde_json::to_vec_pretty(&registry).expect("a registry is plain data");
        match replace(&self.registry_path, &bytes) {
            Ok(()) => (self.registry, self.refused) = (Some(registry), false),
            Err(error) => {
                if !std::mem::replace(&mut self.refused, true) {
                    error!("services do not learn who runs: {error:#}");
                }
            }
        }
    }

    pub(super) fn gateway(&self, stack: &Stack) -> anyhow::Result<()> {
        replace(&self.gateway_path, &serde_json::to_vec_pretty(&stack.gateway)?)
    }
}

/// Instances that may be called: those that answer, an unhealthy one included, because it says itself what it
/// can still do.
fn registry_of(report: &StateReport) -> Registry {
    let mut services: BTreeMap<String, Vec<Instance>> = BTreeMap::new();
    for unit in report.items.iter().filter(|unit| unit.kind == Kind::Service) {
        let instances = services.entry(unit.service.clone()).or_default();
        if let (Word::Ready | Word::Unhealthy, Some(port)) = (unit.state, unit.port) {
            instances.push(Instance { id: unit.name.clone(), url: format!("http://127.0.0.1:{port}") });
        }
    }
    Registry { services }
}

fn replace(path: &Path, content: &[u8]) -> anyhow::Result<()> {
    let dir = path.parent().context("a published file lies in a directory")?;
    let aside = path.with_extension("new");
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .and_then(|()| fs::write(&aside, content))
        .and_then(|()| fs::rename(&aside, path))
        .with_context(|| format!("write {}", path.display()))
}
