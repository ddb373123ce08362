//! Files that change while the service runs.

use std::fs;
use std::time::Duration;

use chassis::config::DiscoveryConfig;
use chassis::discovery::Discovery;
use contract::registry::Registry;
use testkit::eventually;

const LIMIT: Duration = Duration::from_secs(5);

fn replace(path: &std::path::Path, text: &str) {
    let aside = path.with_extension("new");
    fs::write(&aside, text).unwrap();
    fs::rename(aside, path).unwrap();
}

fn urls(discovery: &Discovery) -> Vec<String> {
    discovery.instances("auth").into_iter().map(|instance| instance.url).collect()
}

#[tokio::test]
async fn instances_follow_the_registry_and_survive_a_broken_one() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("registry.json");
    let config = DiscoveryConfig { registry: Some(path.clone()), fixed: Registry::default() };
    let discovery = Discovery::start(&config).unwrap();
    assert!(urls(&discovery).is_empty(), "the file may come later");

    replace(&path, r#"{"services":{"auth":[{"id":"auth","url":"http://127.0.0.1:1"}]}}"#);
    eventually(LIMIT, || async { urls(&discovery) == ["http://127.0.0.1:1"] }).await;

    replace(&path, "{ broken");
    replace(&path, r#"{"services":{"user":[]}}"#);
    eventually(LIMIT, || async { discovery.snapshot().services.contains_key("user") }).await;
    assert!(urls(&discovery).is_empty());
}

#[tokio::test]
async fn a_broken_registry_keeps_the_old_instances() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("registry.json");
    replace(&path, r#"{"services":{"auth":[{"id":"auth","url":"http://127.0.0.1:1"}]}}"#);
    let watched = chassis::watched::Watched::<usize>::open(&path, |text| {
        serde_json::from_str::<Registry>(text).map(|r| r.services.len()).map_err(|e| e.to_string())
    })
    .unwrap();
    let mut changes = watched.subscribe();
    replace(&path, "{ broken");
    replace(&path, r#"{"services":{"a":[],"b":[]}}"#);
    changes.changed().await.unwrap();
    assert_eq!(*watched.current(), 2, "the broken one was never seen");
}

#[tokio::test]
async fn a_registry_that_is_broken_at_the_start_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("registry.json");
    fs::write(&path, "[]").unwrap();
    let config = DiscoveryConfig { registry: Some(path), fixed: Registry::default() };
    assert!(Discovery::start(&config).is_err());
}
