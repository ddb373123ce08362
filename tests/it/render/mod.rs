//! `doran render`: files that promtool accepts, alerts that fire when they should, and series that are there.

mod promql;
mod series;

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::fixture::{Fixture, output};

fn ours() -> Fixture {
    Fixture::new(include_str!("../../../dorandoran.yaml"))
}

/// Runs promtool in the directory; nothing happens where it is not installed, except in CI.
#[track_caller]
#[expect(clippy::print_stderr, reason = "a test that skips says so")]
fn promtool(dir: &Path, args: &[&str]) {
    let mut command = Command::new("promtool");
    command.args(args).current_dir(dir).stdin(Stdio::null());
    if matches!(command.output(), Err(error) if error.kind() == std::io::ErrorKind::NotFound) {
        assert!(std::env::var_os("CI").is_none(), "CI needs promtool (package prometheus)");
        eprintln!("SKIPPED: promtool is not installed (package prometheus)");
        return;
    }
    let said = output(&mut command);
    let text = [said.stdout, said.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
    assert!(said.status.success(), "promtool {}:\n{text}", args.join(" "));
}

#[test]
fn promtool_accepts_the_files_and_alerts_fire_when_they_should() {
    let fixture = ours();
    fixture.doran(&["render", "prometheus", "--out", "new/dir"]).exits(0).says("new/dir/rules/slos.yml");
    let dir = fixture.path().join("new/dir");
    promtool(&dir, &["check", "config", "prometheus.yml"]);
    promtool(&dir, &["check", "rules", "rules/alerts.yml", "rules/slos.yml"]);
    std::fs::write(dir.join("test.yml"), include_str!("rules.yml")).expect("write the test");
    promtool(&dir, &["test", "rules", "test.yml"]);
}

#[test]
fn promtool_accepts_every_expression_of_the_dashboards() {
    let fixture = ours();
    fixture.doran(&["render", "grafana", "--out", "out"]).exits(0);
    let rules: Vec<Value> = (0..)
        .zip(series::of_dashboards(&fixture.path().join("out")))
        .map(|(number, expr)| serde_json::json!({ "record": format!("panel:{number}"), "expr": expr }))
        .collect();
    assert!(rules.len() > 30, "{} expressions", rules.len());
    // JSON is YAML, too.
    let file = serde_json::json!({ "groups": [{ "name": "panels", "rules": rules }] });
    std::fs::write(fixture.path().join("panels.yml"), file.to_string()).expect("write the rules");
    promtool(fixture.path(), &["check", "rules", "panels.yml"]);
}

#[test]
fn what_somebody_changed_is_not_replaced_unless_forced() {
    let fixture = ours();
    let render = |more: &[&str]| fixture.doran(&[&["render", "grafana", "--out", "out"], more].concat());
    let first: Value = serde_json::from_str(&render(&["--json"]).exits(0).stdout).expect("JSON");
    assert_eq!(first["schema"], "doran.render/1");
    let items = first["items"].as_array().expect("items");
    assert!(items.len() == 8 && items.iter().all(|item| item["state"] == "written"), "{first}");
    render(&[]).exits(0).says("unchanged  out/dashboards/overview.json");

    let path = fixture.path().join("out/dashboards/events.json");
    let gone = fixture.path().join("out/dashboards/latency.json");
    std::fs::write(&path, "mine").expect("write");
    std::fs::remove_file(&gone).expect("remove");
    render(&[]).exits(1).says("out/dashboards/events.json is there and differs").says("--force");
    assert!(std::fs::read_to_string(&path).expect("read") == "mine" && !gone.exists(), "nothing was written");
    render(&["--force"])
        .exits(0)
        .says("replaced   out/dashboards/events.json")
        .says("written    out/dashboards/latency");
}
