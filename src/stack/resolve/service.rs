//! Services with their defaults filled in.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use contract::env;

use super::super::decode::{Period, Table, Text};
use super::super::diagnostic::Diagnostic;
use super::super::duration;
use super::super::model::{Condition, Dependency, Probe, Restart, RestartPolicy, Service};
use super::super::place::At;
use super::super::raw::{ProbeWord, RawDefaults, RawProbe, RawRestart, RawService, RawStack};
use super::pattern;
use super::port::Ports;

/// Every service of the platform answers here once it can take requests (api.md, "operations").
const READINESS: &str = "/actuator/health/readiness";
/// And here as long as it is worth waiting for.
const LIVENESS: &str = "/actuator/health/liveness";
/// A cold start on two busy cores takes 2 s; a minute means that it will never come.
const START_TIMEOUT: Duration = Duration::from_mins(1);
/// What docker compose gives a container.
const STOP_TIMEOUT: Duration = Duration::from_secs(10);
const BACKOFF: Duration = Duration::from_millis(250);
const MAX_BACKOFF: Duration = Duration::from_secs(10);
const CRASH_LOOP_AFTER: u32 = 5;

/// Variables that `doran` computes for each unit: a value in the stack file could only be wrong.
const OWN_VARIABLES: [&str; 12] = [
    env::PORT,
    env::INSTANCE_ID,
    env::DATABASE_URL,
    env::REGISTRY,
    env::GATEWAY_CONFIG,
    env::SERVICE_JWKS_FILE,
    env::SERVICE_KEY_FILE,
    env::AUTH_SEAL_FILE,
    env::PAYMENT_WEBHOOK_SECRET_FILE,
    env::PAYMENT_LEDGER,
    env::LISTENER,
    env::UNIT_MARK,
];

pub(super) fn services(
    raw: &RawStack,
    ports: &Ports,
    dir: &Path,
    errors: &mut Vec<Diagnostic>,
) -> BTreeMap<String, Service> {
    let empty = RawDefaults::default();
    let defaults = raw.defaults.as_ref().map_or(&empty, |at| &at.value);
    let mut builder = Builder { defaults, dir, errors };
    builder.check_defaults();
    let rows = raw.services.iter().flat_map(|table| &table.value.0);
    rows.map(|(name, service)| {
        let ports = ports.services.get(&name.value).cloned().unwrap_or_default();
        (name.value.clone(), builder.service(&name.value, service, ports))
    })
    .collect()
}

struct Builder<'a> {
    defaults: &'a RawDefaults,
    dir: &'a Path,
    errors: &'a mut Vec<Diagnostic>,
}

impl Builder<'_> {
    fn check_defaults(&mut self) {
        let defaults = self.defaults;
        self.check_periods("defaults", defaults.probe.as_ref(), defaults.start_timeout.as_ref());
        if let Some(At { value: written, .. }) = &defaults.restart {
            self.check_restart("defaults", written, &restart(written, &RawRestart::default()));
        }
    }

    fn service(&mut self, name: &str, raw: &RawService, ports: Vec<u16>) -> Service {
        let section = format!("services.{name}");
        self.check_periods(&section, raw.probe.as_ref(), raw.start_timeout.as_ref());
        let defaults = self.defaults;
        let probe = raw.probe.as_ref().or(defaults.probe.as_ref());
        let empty = RawRestart::default();
        let own_restart = raw.restart.as_ref().map_or(&empty, |at| &at.value);
        let restart = restart(own_restart, defaults.restart.as_ref().map_or(&empty, |at| &at.value));
        self.check_restart(&section, own_restart, &restart);
        Service {
            binary: self.binary(name, raw),
            args: raw.args.iter().flat_map(|at| &at.value).map(|text| text.0.clone()).collect(),
            ports,
            database: raw.database.as_ref().map(|at| at.value.clone()),
            depends_on: dependencies(raw),
            probe: probe.map_or_else(default_probe, |at| resolved(&at.value)),
            start_timeout: period(raw.start_timeout.as_ref(), defaults.start_timeout.as_ref(), START_TIMEOUT),
            stop_timeout: period(raw.stop_timeout.as_ref(), defaults.stop_timeout.as_ref(), STOP_TIMEOUT),
            restart,
            env: self.environment(&section, raw.env.as_ref()),
            inherit_listener: raw.inherit_listener.as_ref().is_some_and(|at| at.value),
        }
    }

    /// A bare name is looked for beside `doran`; anything with a slash is a path of the author's.
    fn binary(&self, name: &str, raw: &RawService) -> String {
        match raw.binary.as_ref().map(|at| at.value.as_str()) {
            None => name.to_owned(),
            Some(path) if path.contains('/') => self.dir.join(path).display().to_string(),
            Some(bare) => bare.to_owned(),
        }
    }

    fn check_periods(&mut self, section: &str, probe: Option<&At<RawProbe>>, start: Option<&At<Period>>) {
        if let Some(At { value: RawProbe::Http(probe), place }) = probe {
            if probe.http.is_none() {
                let problem = format!("{section}.probe: a probe by HTTP needs the path `http`");
                self.errors.push(Diagnostic::new(problem).at(place, ""));
            }
            for At { value: path, place } in [&probe.http, &probe.liveness].into_iter().flatten() {
                if let Err(problem) = pattern::check_literal(path) {
                    self.errors.push(Diagnostic::new(format!("{section}.probe: {problem}")).at(place, ""));
                }
            }
        }
        if let Some(At { place, .. }) = start.filter(|at| at.value.0.is_zero()) {
            self.errors.push(
                Diagnostic::new(format!("{section}.start_timeout: nothing starts in no time")).at(place, ""),
            );
        }
    }

    /// Complains where the mistake is written: at the service, or once at the defaults.
    fn check_restart(&mut self, section: &str, written: &RawRestart, effective: &Restart) {
        if let Some(at) = written.crash_loop_after.as_ref().filter(|at| at.value == 0) {
            let problem = format!("{section}.restart.crash_loop_after: at least 1");
            self.errors.push(Diagnostic::new(problem).at(&at.place, ""));
        }
        let culprit = written.backoff.as_ref().or(written.max_backoff.as_ref());
        if let Some(at) = culprit.filter(|_| effective.backoff > effective.max_backoff) {
            let problem = format!("{section}.restart: `backoff` is longer than `max_backoff`");
            let [from, to] = [effective.backoff, effective.max_backoff].map(duration::format);
            self.errors.push(Diagnostic::new(problem).at(&at.place, format!("from {from} to {to}")));
        }
    }

    fn environment(&mut self, section: &str, raw: Option<&At<Table<Text>>>) -> BTreeMap<String, String> {
        let rows = raw.into_iter().flat_map(|table| &table.value.0);
        for (name, text) in rows.clone() {
            let variable = &name.value;
            let problem = if OWN_VARIABLES.contains(&variable.as_str()) {
                "is set by doran for each unit"
            } else if variable.is_empty() || variable.contains(['=', '\0']) || text.0.contains('\0') {
                "is no environment variable: a name has no `=`, and nothing has a NUL"
            } else {
                continue;
            };
            self.errors
                .push(Diagnostic::new(format!("{section}.env: `{variable}` {problem}")).at(&name.place, ""));
        }
        rows.map(|(name, text)| (name.value.clone(), text.0.clone())).collect()
    }
}

fn restart(own: &RawRestart, default: &RawRestart) -> Restart {
    let policy = own.policy.as_ref().or(default.policy.as_ref());
    let limit = own.crash_loop_after.as_ref().or(default.crash_loop_after.as_ref());
    Restart {
        policy: policy.map_or(RestartPolicy::Always, |at| at.value),
        backoff: period(own.backoff.as_ref(), default.backoff.as_ref(), BACKOFF),
        max_backoff: period(own.max_backoff.as_ref(), default.max_backoff.as_ref(), MAX_BACKOFF),
        crash_loop_after: limit.map_or(CRASH_LOOP_AFTER, |at| at.value),
    }
}

fn default_probe() -> Probe {
    Probe::Http { path: READINESS.to_owned(), liveness: Some(LIVENESS.to_owned()) }
}

fn resolved(probe: &RawProbe) -> Probe {
    match probe {
        RawProbe::Http(probe) => Probe::Http {
            path: probe.http.as_ref().map(|at| at.value.clone()).unwrap_or_default(),
            liveness: probe.liveness.as_ref().map(|at| at.value.clone()),
        },
        RawProbe::Word(ProbeWord::Tcp) => Probe::Tcp,
        RawProbe::Word(ProbeWord::None) => Probe::None,
    }
}

fn period(own: Option<&At<Period>>, default: Option<&At<Period>>, built_in: Duration) -> Duration {
    own.or(default).map_or(built_in, |at| at.value.0)
}

/// What the author names, and the service's own database unless they said when to go on with it.
fn dependencies(raw: &RawService) -> Vec<Dependency> {
    let rows = raw.depends_on.iter().flat_map(|table| &table.value.0);
    let mut all: Vec<Dependency> =
        rows.map(|(on, condition)| Dependency { on: on.value.clone(), condition: *condition }).collect();
    if let Some(At { value: database, .. }) = &raw.database {
        let jobs = format!("{database}-");
        if !all.iter().any(|dependency| dependency.on == *database || dependency.on.starts_with(&jobs)) {
            all.insert(0, Dependency { on: database.clone(), condition: Condition::Completed });
        }
    }
    all
}
