//! Objectives out of their section.

use std::collections::BTreeMap;
use std::time::Duration;

use contract::measure::HTTP_BOUNDARIES;

use super::super::diagnostic::Diagnostic;
use super::super::duration;
use super::super::model::{Scope, Slo, SloGoal};
use super::super::name::{self, suggestion};
use super::super::place::At;
use super::super::raw::{RawSlo, RawStack, SloKind};
use super::super::view::ALL;
use super::stack::required;

const WINDOW: Duration = Duration::from_hours(30 * 24);

/// The slowest alert looks back so far; a shorter objective would be over before it.
const SHORTEST_WINDOW: Duration = Duration::from_hours(3 * 24);
/// As far as anybody keeps metrics in full.
const LONGEST_WINDOW: Duration = Duration::from_hours(90 * 24);

pub(super) fn slos(raw: &RawStack, errors: &mut Vec<Diagnostic>) -> BTreeMap<String, Slo> {
    let services = raw.services.iter().flat_map(|table| &table.value.0);
    let services: Vec<&str> = services.map(|(name, _)| name.value.as_str()).collect();
    let rows = raw.slos.iter().flat_map(|table| &table.value.0);
    rows.filter_map(|(name, slo)| Some((name.value.clone(), self::slo(name, slo, &services, errors)?)))
        .collect()
}

fn slo(name: &At<String>, raw: &RawSlo, services: &[&str], errors: &mut Vec<Diagnostic>) -> Option<Slo> {
    let section = format!("slos.{}", name.value);
    if let Err(problem) = name::check(&name.value, '-') {
        errors.push(Diagnostic::new(problem).at(&name.place, ""));
    }
    let objective = required(raw.objective.as_ref(), "objective", &section, &name.place, errors);
    let kind = required(raw.kind.as_ref(), "kind", &section, &name.place, errors);
    let goal = kind.and_then(|kind| goal(name, &section, kind.value, raw, errors));
    let scope = scope(&section, raw, services, errors);
    let window = window(&section, raw, errors);
    Some(Slo { scope, goal: goal?, objective: objective?.value, window })
}

fn goal(
    name: &At<String>,
    section: &str,
    kind: SloKind,
    raw: &RawSlo,
    errors: &mut Vec<Diagnostic>,
) -> Option<SloGoal> {
    match (kind, &raw.threshold) {
        (SloKind::Availability, None) => Some(SloGoal::Availability),
        (SloKind::Availability, Some(At { place, .. })) => {
            errors.push(
                Diagnostic::new(format!("{section}.threshold: availability has no threshold"))
                    .at(place, "")
                    .help("a share of requests answered in time is `kind: latency`"),
            );
            None
        }
        (SloKind::Latency, threshold) => {
            let At { value, place } =
                required(threshold.as_ref(), "threshold", section, &name.place, errors)?;
            if !boundaries().any(|boundary| boundary == value.0) {
                let known: Vec<String> = boundaries().map(duration::format).collect();
                errors.push(
                    Diagnostic::new(format!(
                        "{section}.threshold: {} is no boundary of the services' histogram, so nobody counts what is \
                         faster",
                        duration::format(value.0)
                    ))
                    .at(place, "")
                    .help(format!("the boundaries are {}", known.join(", "))),
                );
                return None;
            }
            Some(SloGoal::Latency { threshold: value.0 })
        }
    }
}

fn boundaries() -> impl Iterator<Item = Duration> {
    HTTP_BOUNDARIES.into_iter().map(Duration::from_secs_f64)
}

fn scope(section: &str, raw: &RawSlo, services: &[&str], errors: &mut Vec<Diagnostic>) -> Scope {
    match &raw.service {
        None => Scope::All,
        Some(At { value, .. }) if value == ALL => Scope::All,
        Some(At { value, place }) => {
            if !services.contains(&value.as_str()) {
                errors.push(
                    Diagnostic::new(format!("{section}.service: there is no service `{value}`"))
                        .at(place, "")
                        .maybe_help(suggestion(value, services.iter().copied().chain([ALL]))),
                );
            }
            Scope::Service(value.clone())
        }
    }
}

fn window(section: &str, raw: &RawSlo, errors: &mut Vec<Diagnostic>) -> Duration {
    let Some(At { value, place }) = &raw.window else {
        return WINDOW;
    };
    if !(SHORTEST_WINDOW..=LONGEST_WINDOW).contains(&value.0) {
        let bounds = [SHORTEST_WINDOW, LONGEST_WINDOW].map(duration::format);
        errors.push(
            Diagnostic::new(format!("{section}.window: expected {} to {}", bounds[0], bounds[1]))
                .at(place, ""),
        );
    }
    value.0
}
