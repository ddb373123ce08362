//! What Prometheus needs to read a stack: whom to ask, what to compute, when to call somebody.

use crate::stack::{Probe, Service, Stack, duration};

use super::template::fill;
use super::{Rendered, slo};

const CONFIG: &str = include_str!("../../templates/prometheus/prometheus.yml");
const SCRAPE: &str = include_str!("../../templates/prometheus/scrape.yml");
const TARGET: &str = include_str!("../../templates/prometheus/target.yml");
const ALERTS: &str = include_str!("../../templates/prometheus/alerts.yml");

/// Prometheus' own default.
const RETENTION: std::time::Duration = std::time::Duration::from_hours(15 * 24);

/// The configuration, with its rules in a directory beside it.
pub(crate) fn prometheus(stack: &Stack) -> Vec<Rendered> {
    let scrapes: String = scraped(stack).map(|(name, service)| scrape(name, service)).collect();
    let retention = stack.slos.values().map(|slo| slo.window).max().unwrap_or_default().max(RETENTION);
    let config = fill(
        CONFIG,
        &[
            ("stack", &stack.name),
            ("instance", &stack.instance),
            ("retention", &duration::format(retention)),
            ("scrapes", scrapes.trim_end()),
        ],
    );
    let alerts = fill(ALERTS, &[("stack", &stack.name)]);
    let mut files = vec![Rendered::new("prometheus.yml", config), Rendered::new("rules/alerts.yml", alerts)];
    files.extend(slo::rules(stack).map(|text| Rendered::new("rules/slos.yml", text)));
    files
}

/// Services with an actuator, which their probe tells: others have no metrics to read.
fn scraped(stack: &Stack) -> impl Iterator<Item = (&String, &Service)> {
    let has_actuator = |probe: &Probe| match probe {
        Probe::Http { path, .. } => path.starts_with("/actuator/"),
        Probe::Tcp | Probe::Postgres | Probe::Redis | Probe::None => false,
    };
    stack.services.iter().filter(move |(_, service)| has_actuator(&service.probe))
}

fn scrape(name: &str, service: &Service) -> String {
    let targets: String = (1..)
        .zip(&service.ports)
        .map(|(number, port)| {
            let unit = if service.ports.len() > 1 { format!("{name}-{number}") } else { name.to_owned() };
            fill(TARGET, &[("port", &port.to_string()), ("unit", &unit)])
        })
        .collect();
    fill(SCRAPE, &[("service", name), ("targets", targets.trim_end())])
}
