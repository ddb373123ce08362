//! Routes and instances change while requests come.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use testkit::eventually;

use crate::fixture::{Gateway, Options, Upstream};

const SOON: Duration = Duration::from_secs(10);

async fn status(gateway: &Gateway, path: &str) -> u16 {
    gateway.get(path).send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn new_routes_are_taken_and_bad_ones_are_not() {
    let gateway = Gateway::start().await;
    let mut routes = Options::default().routes;
    routes.routes[3].paths.push("/shop/**".into());
    routes.routes[3].access = contract::gateway::Access::Public;
    assert_eq!(status(&gateway, "/shop/x").await, 404);
    gateway.replace_routes(&serde_json::to_string(&routes).unwrap());
    eventually(SOON, || async { status(&gateway, "/shop/x").await == 200 }).await;
    let dangerous = serde_json::to_string(&routes).unwrap().replace("/shop/**", "/internal/**");
    for bad in ["", "{", "{\"routes\":[]}", &dangerous] {
        gateway.replace_routes(bad);
        assert_eq!(status(&gateway, "/shop/x").await, 200, "{bad}");
    }
    // A good one after the bad ones proves that those were read before.
    routes.routes[3].paths.push("/market/**".into());
    gateway.replace_routes(&serde_json::to_string(&routes).unwrap());
    eventually(SOON, || async { status(&gateway, "/market/x").await == 200 }).await;
    assert_eq!(status(&gateway, "/internal/x").await, 404);
}

#[tokio::test]
async fn the_gateway_does_not_start_with_routes_that_are_not_valid() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("gateway.json");
    std::fs::write(&file, "{\"routes\":[]}").unwrap();
    let file = file.display().to_string();
    let config = gateway::Config::from_env(&[("DORAN_GATEWAY_CONFIG", file.as_str())]).unwrap();
    let platform = chassis::Platform::quiet(config.base.clone()).unwrap();
    let error = gateway::build(config, platform).await.err().expect("it does not start");
    assert!(format!("{error:#}").contains("gateway.json"), "{error:#}");
}

fn register(file: &Path, urls: &[&str]) {
    let instances: Vec<_> = urls.iter().map(|url| json!({ "id": url, "url": url })).collect();
    let aside = file.with_extension("new");
    std::fs::write(&aside, json!({ "services": { "store": instances } }).to_string()).unwrap();
    std::fs::rename(aside, file).unwrap();
}

#[tokio::test]
async fn instances_come_and_go_with_the_registry() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("registry.json");
    let (one, two) = (Upstream::start("one").await, Upstream::start("two").await);
    register(&file, &[]);
    let options = Options { registry: Some(file.clone()), ..Options::default() };
    let gateway = Gateway::with(options).await;
    assert_eq!(status(&gateway, "/api/store/items").await, 503);
    register(&file, &[&one.url()]);
    eventually(SOON, || async { status(&gateway, "/api/store/items").await == 200 }).await;
    register(&file, &[&two.url()]);
    eventually(SOON, || async {
        let answer: Value = gateway.get("/api/store/items").send().await.unwrap().json().await.unwrap();
        answer["service"] == "two"
    })
    .await;
}
