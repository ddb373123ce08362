//! What waits for what: known, able to get there, and without circles.

use std::collections::BTreeMap;

use super::super::diagnostic::Diagnostic;
use super::super::model::Condition;
use super::super::name::suggestion;
use super::super::place::{At, Place};
use super::super::raw::{RawService, RawStack};
use super::unit::{Referent, referents};

/// A service waits for another one.
struct Edge<'a> {
    to: String,
    place: &'a Place,
}

type Edges<'a> = BTreeMap<&'a str, Vec<Edge<'a>>>;

pub(super) fn check(raw: &RawStack, errors: &mut Vec<Diagnostic>) {
    let known = referents(raw);
    let mut edges = Edges::new();
    for (name, service) in raw.services.iter().flat_map(|table| &table.value.0) {
        check_database(&name.value, service, &known, errors);
        for (on, condition) in service.depends_on.iter().flat_map(|table| &table.value.0) {
            let Some((_, referent, _)) = known.iter().find(|(known, ..)| *known == on.value) else {
                errors.push(dangling(&name.value, on, &known));
                continue;
            };
            if let Some(problem) = impossible(&on.value, referent, *condition) {
                errors.push(problem.at(&on.place, ""));
            }
            if let Referent::Service(to) = referent {
                edges.entry(&name.value).or_default().push(Edge { to: to.clone(), place: &on.place });
            }
        }
    }
    Search { edges: &edges, path: Vec::new(), done: Vec::new(), errors }.all();
}

fn check_database(
    name: &str,
    service: &RawService,
    known: &[(String, Referent, Place)],
    errors: &mut Vec<Diagnostic>,
) {
    let Some(At { value, place }) = &service.database else {
        return;
    };
    let databases = || known.iter().filter(|(_, referent, _)| *referent == Referent::Database);
    if !databases().any(|(known, ..)| known == value) {
        let names: Vec<&str> = databases().map(|(known, ..)| known.as_str()).collect();
        errors.push(
            Diagnostic::new(format!("services.{name}.database: there is no database `{value}`"))
                .at(place, "")
                .maybe_help(suggestion(value, names)),
        );
    }
}

fn dangling(name: &str, on: &At<String>, known: &[(String, Referent, Place)]) -> Diagnostic {
    let names: Vec<&str> = known.iter().map(|(known, ..)| known.as_str()).collect();
    Diagnostic::new(format!("services.{name} depends on `{}`, which does not exist", on.value))
        .at(&on.place, "")
        .maybe_help(suggestion(&on.value, names))
}

/// A condition that would be waited for forever.
fn impossible(on: &str, referent: &Referent, condition: Condition) -> Option<Diagnostic> {
    match (referent, condition) {
        (Referent::Service(_) | Referent::Cache, Condition::Completed) => Some(
            Diagnostic::new(format!("`{on}` never completes: it runs until it is stopped"))
                .help("wait for `healthy`"),
        ),
        (Referent::Job, Condition::Healthy) => {
            Some(Diagnostic::new(format!("`{on}` is a job and never healthy")).help("wait for `completed`"))
        }
        (Referent::Job | Referent::Database, Condition::Completed | Condition::Started)
        | (Referent::Database, Condition::Healthy)
        | (Referent::Service(_) | Referent::Cache, Condition::Started | Condition::Healthy) => None,
    }
}

/// Depth first, each circle reported once, where it closes.
struct Search<'a> {
    edges: &'a Edges<'a>,
    /// The services from the root to here, each with the edge that left it.
    path: Vec<(&'a str, Option<&'a Edge<'a>>)>,
    done: Vec<&'a str>,
    errors: &'a mut Vec<Diagnostic>,
}

impl<'a> Search<'a> {
    fn all(mut self) {
        let roots: Vec<&'a str> = self.edges.keys().copied().collect();
        for name in roots {
            self.visit(name);
        }
    }

    fn visit(&mut self, name: &'a str) {
        if self.done.contains(&name) {
            return;
        }
        if let Some(start) = self.path.iter().position(|(on_path, _)| *on_path == name) {
            let problem = circle(&self.path[start..]);
            self.errors.push(problem);
            return;
        }
        self.path.push((name, None));
        let edges = self.edges;
        for edge in edges.get(name).into_iter().flatten() {
            if let Some((_, leaving)) = self.path.last_mut() {
                *leaving = Some(edge);
            }
            self.visit(&edge.to);
        }
        self.path.pop();
        self.done.push(name);
    }
}

fn circle(path: &[(&str, Option<&Edge<'_>>)]) -> Diagnostic {
    let names: Vec<&str> = path.iter().chain(path.first()).map(|(name, _)| *name).collect();
    let message = format!("services wait for each other in a circle: {}", names.join(" → "));
    path.iter()
        .filter_map(|(name, edge)| Some((name, (*edge)?)))
        .fold(Diagnostic::new(message), |diagnostic, (name, edge)| {
            diagnostic.at(edge.place, format!("{name} waits for {}", edge.to))
        })
        .help("services that only call each other need no `depends_on`: calls are retried until the other is ready")
}
