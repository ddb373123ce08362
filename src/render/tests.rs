//! What is rendered of a stack: whom it asks, and that nothing is left open.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use super::{Rendered, grafana, prometheus};
use crate::stack::{LoadRequest, Stack, load};

fn stack(yaml: &str) -> Stack {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("dorandoran.yaml"), yaml).unwrap();
    let request = LoadRequest {
        instance: "default".to_owned(),
        cwd: dir.path().to_owned(),
        port_offset: 100,
        ..LoadRequest::default()
    };
    load(&request).unwrap_or_else(|error| panic!("{error}")).stack
}

fn ours() -> Stack {
    stack(include_str!("../../dorandoran.yaml"))
}

fn read(files: &[Rendered], path: &str) -> Value {
    let file = files.iter().find(|file| file.path == path).unwrap_or_else(|| panic!("no {path}"));
    serde_yaml::from_str(&file.text).unwrap_or_else(|error| panic!("{path}: {error}\n{}", file.text))
}

#[test]
fn every_replica_with_an_actuator_is_asked_and_nobody_else() {
    let stack = stack(
        "name: small\nreplica_ports: 18080-18089\nservices:\n  chat: { port: 8083, replicas: 2 }\n  user: { port: 8082 }\n  \
         plain: { port: 9, probe: tcp }\n",
    );
    let files = prometheus(&stack);
    let config = read(&files, "prometheus.yml");
    let asked: Vec<String> = config["scrape_configs"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|job| {
            let targets = job["static_configs"].as_array().unwrap();
            targets
                .iter()
                .map(|one| format!("{} {} {}", job["job_name"], one["targets"][0], one["labels"]["unit"]))
        })
        .collect();
    assert_eq!(
        asked,
        [
            r#""chat" "127.0.0.1:8183" "chat-1""#,
            r#""chat" "127.0.0.1:18180" "chat-2""#,
            r#""user" "127.0.0.1:8182" "user""#
        ]
    );
    assert!(
        !files.iter().any(|file| file.path == "rules/slos.yml"),
        "without objectives there is nothing to say"
    );
}

#[test]
fn objectives_become_rules_with_their_budget() {
    let files = prometheus(&ours());
    let rules = read(&files, "rules/slos.yml");
    let groups = rules["groups"].as_array().unwrap();
    let names: Vec<_> = groups.iter().map(|group| group["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["slo-availability", "slo-availability-budget", "slo-latency", "slo-latency-budget"]);
    let alerts: Vec<_> =
        groups[0]["rules"].as_array().unwrap().iter().filter(|rule| rule.get("alert").is_some()).collect();
    let burns: Vec<_> = alerts.iter().map(|rule| rule["labels"]["burn"].as_str().unwrap()).collect();
    assert_eq!(burns, ["14.4x", "6x", "3x", "1x"]);
    assert!(alerts[0]["expr"].as_str().unwrap().contains("> 14.4 * 0.001"), "{}", alerts[0]);
    let latency = groups[2].to_string();
    assert!(
        latency.contains("auth|batch|chat|store|user") && !latency.contains("payment-sandbox"),
        "{latency}"
    );
    for rule in [&rules, &read(&files, "rules/alerts.yml")]
        .into_iter()
        .flat_map(|rules| rules["groups"].as_array().unwrap())
        .flat_map(|group| group["rules"].as_array().unwrap())
        .filter(|rule| rule.get("alert").is_some())
    {
        for key in ["summary", "why", "action"] {
            assert!(rule["annotations"][key].is_string(), "{rule} does not say {key}");
        }
        assert!(matches!(rule["labels"]["severity"].as_str(), Some("page" | "ticket")), "{rule}");
    }
}

#[test]
fn what_no_share_of_requests_can_burn_is_left_out() {
    let stack = stack(
        "services: { a: { port: 1 } }\nslos: { low: { kind: availability, objective: 80, service: a } }\n",
    );
    let rules = read(&prometheus(&stack), "rules/slos.yml").to_string();
    assert!(!rules.contains("14.4x") && !rules.contains("\"6x\"") && rules.contains("\"3x\""), "{rules}");
}

#[test]
fn dashboards_have_titles_units_and_ids_of_their_own() {
    let files = grafana(&ours(), Path::new("/srv/graf \"ana\""));
    let boards: Vec<_> = files.iter().filter(|file| file.path.starts_with("dashboards/")).collect();
    assert_eq!(boards.len(), 6);
    let mut uids = BTreeSet::new();
    for file in boards {
        let board: Value = serde_json::from_str(&file.text).unwrap();
        assert!(uids.insert(board["uid"].to_string()) && board["uid"].as_str().unwrap().len() <= 40);
        let panels = board["panels"].as_array().unwrap();
        let ids: BTreeSet<_> = panels.iter().map(|panel| panel["id"].as_u64().unwrap()).collect();
        assert_eq!(ids.len(), panels.len());
        for panel in panels {
            let filled = |value: &Value| value.as_str().is_some_and(|text| !text.is_empty());
            assert!(filled(&panel["title"]) && filled(&panel["fieldConfig"]["defaults"]["unit"]), "{panel}");
            assert!(panel["targets"].as_array().is_some_and(|targets| !targets.is_empty()), "{panel}");
        }
    }
    let provider = read(&files, "provisioning/dashboards/dorandoran.yaml");
    assert_eq!(provider["providers"][0]["options"]["path"], "/srv/graf \"ana\"/dashboards");
    assert_eq!(
        read(&files, "provisioning/datasources/dorandoran.yaml")["datasources"][0]["uid"],
        "dorandoran-prometheus"
    );
}
