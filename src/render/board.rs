//! A dashboard as it is written in `templates/grafana`, and as Grafana reads it: places and ids are given here, so
//! that no two panels share one.

use serde::Deserialize;
use serde_json::{Value, json};

/// Of Grafana's 24 columns; three panels stand beside each other.
const WIDTH: usize = 8;
const PER_ROW: usize = 24 / WIDTH;
const HEIGHT: usize = 8;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Board {
    title: String,
    panels: Vec<Panel>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Panel {
    title: String,
    /// Grafana's name of it: `s`, `percentunit`, `reqps`.
    unit: String,
    #[serde(default)]
    kind: Kind,
    queries: Vec<Query>,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    #[default]
    TimeSeries,
    Stat,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Query {
    expr: String,
    legend: String,
}

impl Board {
    pub(super) fn json(&self, stack: &str, name: &str) -> Value {
        let source = json!({ "type": "prometheus", "uid": format!("{stack}-prometheus") });
        let panels = self.panels.iter().enumerate();
        let panels: Vec<Value> = panels.map(|(index, panel)| panel.json(index, &source)).collect();
        json!({
            "uid": format!("{stack}-{name}"),
            "title": self.title,
            "tags": [stack],
            "schemaVersion": 39,
            "version": 1,
            "editable": false,
            "refresh": "10s",
            "time": { "from": "now-30m", "to": "now" },
            "timezone": "browser",
            "templating": { "list": [services(&source)] },
            "panels": panels,
        })
    }
}

/// The choice of services at the top of every dashboard.
fn services(source: &Value) -> Value {
    json!({
        "name": "job",
        "label": "Service",
        "type": "query",
        "datasource": source,
        "query": "label_values(up, job)",
        "refresh": 2,
        "sort": 1,
        "multi": true,
        "includeAll": true,
        "current": { "text": "All", "value": "$__all" },
    })
}

impl Panel {
    fn json(&self, index: usize, source: &Value) -> Value {
        let targets = (0_u8..).zip(&self.queries).map(|(number, query)| {
            json!({
                "refId": char::from(b'A' + number).to_string(),
                "datasource": source,
                "expr": query.expr,
                "legendFormat": query.legend,
            })
        });
        json!({
            "id": index + 1,
            "type": match self.kind {
                Kind::TimeSeries => "timeseries",
                Kind::Stat => "stat",
            },
            "title": self.title,
            "datasource": source,
            "gridPos": { "x": index % PER_ROW * WIDTH, "y": index / PER_ROW * HEIGHT, "w": WIDTH, "h": HEIGHT },
            "fieldConfig": { "defaults": { "unit": self.unit }, "overrides": [] },
            "targets": targets.collect::<Vec<_>>(),
        })
    }
}
