//! Every series that rules and dashboards name is one that a service of the running system exports.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;

use serde_json::Value;

use super::promql::named;
use crate::fixture::Fixture;

/// Metrics, with the labels that any of their series has.
type Series = BTreeMap<String, BTreeSet<String>>;

/// What Prometheus adds to everything that it reads.
const TARGET_LABELS: [&str; 3] = ["job", "instance", "unit"];

#[test]
fn every_expression_names_what_the_running_system_exports() {
    let fixture = Fixture::system();
    fixture.doran(&["up", "-d", "--wait"]).exits(0);
    // For its requests; whether the answers are right is tested elsewhere.
    fixture.doran(&["smoke"]);
    fixture.doran(&["render", "prometheus", "--out", "out"]).exits(0);
    fixture.doran(&["render", "grafana", "--out", "out"]).exits(0);
    let out = fixture.path().join("out");

    let mut series = Series::from([("up".to_owned(), BTreeSet::new())]);
    let targets = targets(&out);
    assert_eq!(targets.len(), 7, "every service is asked: {targets:?}");
    for target in targets {
        read(&get(&target, "/actuator/prometheus"), &mut series);
    }
    let (expressions, recorded) = of_rules(&out);
    for name in recorded {
        series.insert(name, BTreeSet::from(["slo".to_owned()]));
    }
    let mut checked = 0;
    for expr in expressions.into_iter().chain(of_dashboards(&out)) {
        for one in named(&expr) {
            let Some(labels) = series.get(&one.metric) else {
                panic!("nobody exports `{}`, which is asked for in\n{expr}", one.metric);
            };
            let strange = one
                .labels
                .iter()
                .find(|label| !labels.contains(*label) && !TARGET_LABELS.contains(&label.as_str()));
            assert_eq!(strange, None, "no series of `{}` has that label:\n{expr}", one.metric);
            checked += 1;
        }
    }
    assert!(checked > 100, "{checked} series were looked for");
}

/// The expressions of all dashboards, with a duration for Grafana's variable.
pub(super) fn of_dashboards(out: &Path) -> Vec<String> {
    let mut all = Vec::new();
    for entry in fs::read_dir(out.join("dashboards")).expect("dashboards") {
        let board: Value =
            serde_json::from_str(&fs::read_to_string(entry.expect("an entry").path()).expect("read"))
                .expect("JSON");
        let targets =
            board["panels"].as_array().into_iter().flatten().filter_map(|panel| panel["targets"].as_array());
        all.extend(
            targets.flatten().map(|target| {
                target["expr"].as_str().expect("an expression").replace("$__rate_interval", "1m")
            }),
        );
    }
    all
}

/// The expressions of all rules, and the names that they record.
fn of_rules(out: &Path) -> (Vec<String>, Vec<String>) {
    let (mut expressions, mut recorded) = (Vec::new(), Vec::new());
    for entry in fs::read_dir(out.join("rules")).expect("rules") {
        let text = fs::read_to_string(entry.expect("an entry").path()).expect("read");
        let rules: Value = serde_yaml::from_str(&text).expect("YAML");
        for rule in rules["groups"]
            .as_array()
            .expect("groups")
            .iter()
            .filter_map(|group| group["rules"].as_array())
            .flatten()
        {
            expressions.push(rule["expr"].as_str().expect("an expression").to_owned());
            recorded.extend(rule["record"].as_str().map(str::to_owned));
        }
    }
    (expressions, recorded)
}

fn targets(out: &Path) -> Vec<String> {
    let text = fs::read_to_string(out.join("prometheus.yml")).expect("read");
    let config: Value = serde_yaml::from_str(&text).expect("YAML");
    let jobs = config["scrape_configs"].as_array().expect("jobs").iter();
    jobs.flat_map(|job| job["static_configs"].as_array().expect("targets"))
        .map(|one| one["targets"][0].as_str().expect("an address").to_owned())
        .collect()
}

fn get(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("connect");
    // The connection ends with the answer.
    write!(stream, "GET {path} HTTP/1.0\r\nhost: {address}\r\n\r\n").expect("ask");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
    assert!(head.contains(" 200 "), "{address}: {head}");
    body.to_owned()
}

fn read(text: &str, series: &mut Series) {
    for line in text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        let name = line.split(['{', ' ']).next().expect("a name");
        let labels = series.entry(name.to_owned()).or_default();
        // A selector of exactly this series.
        let selector = line.rsplit_once(' ').expect("a value").0;
        labels.extend(named(selector).into_iter().flat_map(|one| one.labels));
    }
}
