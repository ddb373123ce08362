//! Scenarios as they run: everything checked, names still to be filled in.

use std::time::Duration;

use reqwest::Method;
use reqwest::header::HeaderName;

use super::check::Check;
use super::parse::Place;
use super::template::{JsonTemplate, Template};

/// A file of scenarios, each independent of the others.
#[derive(Debug, Clone)]
pub(crate) struct ScenarioFile {
    pub name: String,
    pub scenarios: Vec<Scenario>,
}

/// Steps in order; the first that fails ends it.
#[derive(Debug, Clone)]
pub(crate) struct Scenario {
    pub name: Template,
    pub for_each: Option<ForEach>,
    pub variables: Vec<Variable>,
    pub steps: Vec<Step>,
}

/// One copy of the scenario per value.
#[derive(Debug, Clone)]
pub(crate) struct ForEach {
    pub name: String,
    pub values: Values,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Values {
    Listed(Vec<String>),
    /// Every replica of every service of the stack.
    Units,
}

/// Set once when the scenario starts.
#[derive(Debug, Clone)]
pub(crate) struct Variable {
    pub name: String,
    pub value: JsonTemplate,
    pub secrecy: Secrecy,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Secrecy {
    Open,
    /// Never shown in any output.
    Secret,
}

#[derive(Debug, Clone)]
pub(crate) struct Step {
    pub name: Template,
    pub base: Base,
    pub caller: Caller,
    pub method: Method,
    /// Starts with `/`; may have a query.
    pub path: Template,
    pub headers: Vec<(HeaderName, Template)>,
    pub body: Option<Body>,
    pub checks: Vec<Check>,
    pub captures: Vec<Capture>,
    pub patience: Option<Patience>,
}

/// Whom a step asks.
#[derive(Debug, Clone)]
pub(crate) enum Base {
    Gateway,
    /// A unit's own port: the name of a unit, or of a service for its first replica.
    Service(Template, Place),
}

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Caller {
    /// Whoever the headers say.
    Client,
    /// Whoever runs the stack, with a token that the operator's key signs.
    Operator,
}

#[derive(Debug, Clone)]
pub(crate) enum Body {
    Json(JsonTemplate),
    Raw(Template),
}

#[derive(Debug, Clone)]
pub(crate) struct Capture {
    pub name: String,
    pub from: Origin,
    pub secrecy: Secrecy,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A JSON pointer into the body.
    Json(String),
    Header(HeaderName),
}

/// Ask again until the checks hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Patience {
    pub within: Duration,
    pub every: Duration,
}
