//! Dashboards for Grafana, and what it reads at its start to find them and Prometheus.

use std::path::Path;

use crate::stack::Stack;

use super::Rendered;
use super::board::Board;
use super::template::fill;

const DATASOURCE: &str = include_str!("../../templates/grafana/datasource.yaml");
const PROVIDER: &str = include_str!("../../templates/grafana/provider.yaml");

const BOARDS: [(&str, &str); 6] = [
    ("overview", include_str!("../../templates/grafana/overview.yaml")),
    ("latency", include_str!("../../templates/grafana/latency.yaml")),
    ("breakers", include_str!("../../templates/grafana/breakers.yaml")),
    ("events", include_str!("../../templates/grafana/events.yaml")),
    ("databases", include_str!("../../templates/grafana/databases.yaml")),
    ("runtime", include_str!("../../templates/grafana/runtime.yaml")),
];

/// `out` is absolute: Grafana is told where the dashboards lie.
pub(crate) fn grafana(stack: &Stack, out: &Path) -> Vec<Rendered> {
    let dashboards = serde_json::Value::from(out.join("dashboards").display().to_string()).to_string();
    let values = [("stack", stack.name.as_str()), ("dashboards", &dashboards)];
    let file = format!("{}.yaml", stack.name);
    let provisioning = [("datasources", DATASOURCE), ("dashboards", PROVIDER)];
    let provisioning = provisioning
        .map(|(kind, text)| Rendered::new(format!("provisioning/{kind}/{file}"), fill(text, &values)));
    let boards = BOARDS.iter().map(|(name, text)| {
        let board: Board = serde_yaml::from_str(text).expect("a test reads every dashboard");
        let text = format!("{:#}\n", board.json(&stack.name, name));
        Rendered::new(format!("dashboards/{name}.json"), text)
    });
    provisioning.into_iter().chain(boards).collect()
}
