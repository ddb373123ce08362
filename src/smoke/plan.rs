//! Scenario files and a stack into the scenarios that will run: one per value, each step with its address.

use std::collections::BTreeMap;

use super::parse::{Mistake, Place, ScenarioError};
use super::scenario::{Base, Caller, ForEach, Scenario, ScenarioFile, Step, Values, Variable};
use super::template::{Quoting, Variables};
use crate::stack::{Stack, suggestion};

/// Where the stack listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Targets {
    gateway: String,
    /// By the name of a unit, or of a service for its first replica.
    by_name: BTreeMap<String, Target>,
    units: Vec<String>,
}

/// One unit.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Target {
    service: String,
    /// Scheme, host and port.
    url: String,
}

impl Targets {
    pub(crate) fn new(gateway: String, services: impl IntoIterator<Item = (String, Vec<String>)>) -> Self {
        let mut targets = Self { gateway, by_name: BTreeMap::new(), units: Vec::new() };
        for (service, urls) in services {
            let alone = urls.len() == 1;
            for (index, url) in urls.into_iter().enumerate() {
                let unit = if alone { service.clone() } else { format!("{service}-{}", index + 1) };
                let target = Target { service: service.clone(), url };
                targets.by_name.entry(service.clone()).or_insert_with(|| target.clone());
                targets.by_name.insert(unit.clone(), target);
                targets.units.push(unit);
            }
        }
        targets
    }

    /// `None` when the stack has no gateway.
    pub(crate) fn of(stack: &Stack) -> Option<Self> {
        let url = |port: &u16| format!("http://127.0.0.1:{port}");
        let gateway = stack.services.get("gateway")?.ports.first().map(url)?;
        let services = stack.services.iter();
        Some(Self::new(
            gateway,
            services.map(|(name, service)| (name.clone(), service.ports.iter().map(url).collect())),
        ))
    }
}

/// A scenario for one value of its `for_each`.
#[derive(Debug, Clone)]
pub(crate) struct PlannedScenario {
    pub file: String,
    pub name: String,
    /// The value of `for_each`.
    pub fixed: Variables,
    pub variables: Vec<Variable>,
    pub steps: Vec<PlannedStep>,
}

#[derive(Debug, Clone)]
pub(crate) struct PlannedStep {
    pub name: String,
    /// Scheme, host and port.
    pub base: String,
    /// The service for which the operator signs a token.
    pub operator_at: Option<String>,
    pub step: Step,
}

/// Decides what will run.
///
/// # Errors
/// When a step asks a service that the stack does not have.
pub(crate) fn plan(files: &[ScenarioFile], targets: &Targets) -> Result<Vec<PlannedScenario>, ScenarioError> {
    let mut planned = Vec::new();
    for file in files {
        for scenario in &file.scenarios {
            for fixed in copies(scenario.for_each.as_ref(), targets) {
                let one = one(&file.name, scenario, fixed, targets);
                planned.push(one.map_err(|mistake| mistake.in_file(&file.name))?);
            }
        }
    }
    Ok(planned)
}

fn copies(for_each: Option<&ForEach>, targets: &Targets) -> Vec<Variables> {
    let Some(ForEach { name, values }) = for_each else {
        return vec![Variables::new()];
    };
    let values = match values {
        Values::Listed(values) => values,
        Values::Units => &targets.units,
    };
    values.iter().map(|value| [(name.clone(), value.as_str().into())].into()).collect()
}

fn one(
    file: &str,
    scenario: &Scenario,
    fixed: Variables,
    targets: &Targets,
) -> Result<PlannedScenario, Mistake> {
    let steps = scenario.steps.iter().map(|step| {
        let name = step.name.fill(&fixed, Quoting::AsIs);
        let target = match &step.base {
            Base::Gateway => None,
            Base::Service(name, place) => Some(find(&name.fill(&fixed, Quoting::AsIs), *place, targets)?),
        };
        let base = target.map_or(&targets.gateway, |target| &target.url).clone();
        let operator_at = match step.caller {
            Caller::Client => None,
            Caller::Operator => target.map(|target| target.service.clone()),
        };
        Ok(PlannedStep { name, base, operator_at, step: step.clone() })
    });
    Ok(PlannedScenario {
        file: file.to_owned(),
        name: scenario.name.fill(&fixed, Quoting::AsIs),
        steps: steps.collect::<Result<_, Mistake>>()?,
        fixed,
        variables: scenario.variables.clone(),
    })
}

fn find<'a>(name: &str, place: Place, targets: &'a Targets) -> Result<&'a Target, Mistake> {
    targets.by_name.get(name).ok_or_else(|| {
        let help = suggestion(name, targets.by_name.keys().map(String::as_str));
        Mistake::new(place, format!("the stack has no service `{name}`")).help(help)
    })
}

#[cfg(test)]
mod tests {
    use super::super::parse::parse;
    use super::*;

    fn targets() -> Targets {
        let services = [
            ("auth".to_owned(), vec!["http://a:1".to_owned()]),
            ("chat".to_owned(), vec!["http://c:1".to_owned(), "http://c:2".to_owned()]),
        ];
        Targets::new("http://g".to_owned(), services)
    }

    fn scenario(head: &str, service: &str) -> ScenarioFile {
        let text = format!(
            "scenarios:\n  - name: s\n    {head}\n    steps:\n      - name: t\n        service: {service}\n        \
             request: GET /\n        expect: {{ status: 200 }}\n"
        );
        parse("x.yaml", &text).unwrap()
    }

    fn bases(head: &str, service: &str) -> Vec<String> {
        let planned = plan(&[scenario(head, service)], &targets()).unwrap();
        planned.into_iter().map(|scenario| scenario.steps[0].base.clone()).collect()
    }

    #[test]
    fn every_replica_gets_its_own_scenario() {
        assert_eq!(bases("for_each: { u: units }", "${u}"), ["http://a:1", "http://c:1", "http://c:2"]);
        assert_eq!(bases("for_each: { u: [chat, auth] }", "${u}"), ["http://c:1", "http://a:1"]);
        assert_eq!(bases("variables: {}", "chat-2"), ["http://c:2"]);
    }

    #[test]
    fn the_operator_signs_for_the_service_of_a_replica() {
        let planned = |service: &str| {
            plan(&[scenario("variables: {}", &format!("{service}\n        as: operator"))], &targets())
                .unwrap()
        };
        assert_eq!(planned("chat-2")[0].steps[0].operator_at.as_deref(), Some("chat"));
        let client = plan(&[scenario("variables: {}", "chat-2")], &targets()).unwrap();
        assert_eq!(client[0].steps[0].operator_at, None);
    }

    #[test]
    fn a_service_that_the_stack_lacks_is_told_with_its_place() {
        let error = plan(&[scenario("variables: {}", "caht")], &targets()).unwrap_err();
        assert_eq!(error.to_string(), "x.yaml:6:18: the stack has no service `caht`");
        assert_eq!(error.help.as_deref(), Some("did you mean `chat`?"));
    }

    #[test]
    fn the_built_in_suite_fits_the_stack() {
        let services = ["gateway", "auth", "user", "chat", "store", "batch", "payment-sandbox"];
        let services = services.map(|name| (name.to_owned(), vec![format!("http://{name}")]));
        let planned =
            plan(&super::super::built_in().unwrap(), &Targets::new("http://g".to_owned(), services)).unwrap();
        let of_unit = |unit: &str| {
            planned.iter().filter(|scenario| scenario.name == format!("{unit} is healthy")).count()
        };
        assert!(["gateway", "auth", "batch", "payment-sandbox"].into_iter().all(|unit| of_unit(unit) == 1));
        assert!(planned.iter().all(|scenario| !scenario.name.contains("${")));
    }
}
