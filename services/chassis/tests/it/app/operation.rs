//! `/actuator/**` and the description of the routes.

use contract::id::UserId;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::Deserializer;
use http::{Method, StatusCode};
use serde_json::json;

use super::service::{Fixture, fixture, fixture_with};

#[tokio::test]
async fn health_shows_details_to_internal_callers_only() {
    // Nobody listens on the port of this Redis.
    let redis = format!("redis://127.0.0.1:{}", testkit::free_port());
    let Fixture { app, keys, platform, .. } = fixture_with(&[("REDIS_URL", redis)]);
    let plain = app.get("/actuator/health").send().await.expect(StatusCode::OK).json();
    let expected =
        json!({ "status": "UP", "components": { "redis": {"status": "DOWN"}, "disk": {"status": "UP"} } });
    assert_eq!(plain, expected, "Redis being down makes nobody unhealthy");
    let token = keys.token("operator", "chat");
    let detailed = app.get("/actuator/health").bearer(&token).send().await.json();
    assert!(detailed["components"]["disk"]["details"]["free"].is_u64(), "{detailed}");

    let condition = platform.readiness().condition("schema");
    condition.unmet("migration 1 is applied, needs 2");
    let readiness = "/actuator/health/readiness";
    let waiting = app.get(readiness).send().await.expect(StatusCode::SERVICE_UNAVAILABLE).json();
    assert_eq!(waiting, json!({ "status": "OUT_OF_SERVICE", "missing": ["schema"] }));
    let why = app.get(readiness).bearer(&token).send().await.json();
    assert_eq!(why["missing"]["schema"], "migration 1 is applied, needs 2");
    condition.met();
    assert_eq!(app.get(readiness).send().await.status, StatusCode::OK);
    let liveness = app.get("/actuator/health/liveness").send().await;
    assert_eq!(liveness.json(), json!({ "status": "UP" }));
}

#[tokio::test]
async fn requests_are_counted_by_template() {
    let app = fixture().app;
    let id: UserId = chassis::fresh_id();
    app.get(&format!("/things/{id}")).send().await;
    app.get("/nowhere/at/all").send().await;
    app.request(Method::from_bytes(b"BREW").unwrap(), "/things").send().await;
    let text = app.get("/actuator/prometheus").send().await.text();
    let bucket = r#"http_server_requests_seconds_bucket{method="GET",uri="/things/{id}",status="200",outcome="SUCCESS",le="0.2"} 1"#;
    assert!(text.contains(bucket), "{text}");
    assert!(text.contains(r#"uri="UNKNOWN",status="404""#) && text.contains(r#"method="OTHER""#), "{text}");
    assert!(!text.contains(&id.to_string()) && !text.contains("nowhere"));
    let named = app.get("/actuator/metrics/http.server.requests").send().await.json();
    assert!(named["measurements"][0]["value"].as_f64().unwrap() >= 1.0, "{named}");
    assert_eq!(app.get("/actuator/metrics/none").send().await.status, StatusCode::NOT_FOUND);
}

/// Other tests of this process count, too: nothing is said of the exact number.
#[tokio::test]
async fn durations_are_served_as_a_histogram_that_only_grows() {
    let app = fixture().app;
    let histogram = async || -> Histogram<u64> {
        let answer = app.get("/actuator/latency").send().await.expect(StatusCode::OK);
        assert_eq!(answer.header("content-type"), Some("application/octet-stream"));
        Deserializer::new().deserialize(&mut &*answer.body).unwrap()
    };
    let before = histogram().await;
    for _ in 0..30 {
        app.get("/things/nothing").send().await;
    }
    let after = histogram().await;
    assert!(after.len() >= before.len() + 30, "{} {}", before.len(), after.len());
    assert!(after.max() < 60_000_000 && after.value_at_quantile(0.5) > 0);
    let text = app.get("/actuator/prometheus").send().await.text();
    assert!(text.contains("process_network_receive_bytes_total"), "{text}");
}

#[tokio::test]
async fn log_levels_change_for_internal_callers_only() {
    let Fixture { app, keys, .. } = fixture();
    let change = || app.post("/actuator/loggers/chat").json(&json!({ "configuredLevel": "DEBUG" }));
    assert_eq!(change().send().await.status, StatusCode::UNAUTHORIZED);
    let token = keys.token("operator", "chat");
    assert_eq!(change().bearer(&token).send().await.status, StatusCode::NO_CONTENT);
    let levels = app.get("/actuator/loggers").send().await.json();
    assert_eq!(levels["loggers"]["chat"]["configuredLevel"], "DEBUG");
    assert_eq!(levels["loggers"]["ROOT"]["effectiveLevel"], "INFO");
    let nested = app.get("/actuator/loggers/chat::room").send().await.json();
    assert_eq!(nested, json!({ "configuredLevel": null, "effectiveLevel": "DEBUG" }));
    let wrong = app.post("/actuator/loggers/chat").json(&json!({ "configuredLevel": "LOUD" })).bearer(&token);
    assert_eq!(wrong.send().await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn the_description_is_served_without_the_network() {
    let app = fixture().app;
    let api = app.get("/api-docs").send().await.expect(StatusCode::OK).json();
    assert!(api["openapi"].as_str().unwrap().starts_with("3.1"), "{}", api["openapi"]);
    assert!(api["paths"]["/things/{id}"]["get"].is_object());
    assert_eq!(api["paths"]["/me"]["get"]["responses"]["200"]["description"], "OK", "OpenAPI demands one");
    let other = &api["paths"]["/me"]["get"]["responses"]["default"]["content"];
    assert_eq!(other["application/problem+json"]["schema"]["$ref"], "#/components/schemas/Problem");
    assert!(api["components"]["schemas"]["ErrorCode"]["enum"].as_array().unwrap().contains(&json!("A002")));
    for scheme in ["bearer", "service"] {
        assert_eq!(api["components"]["securitySchemes"][scheme]["scheme"], "bearer");
    }
    let moved = app.get("/swagger-ui.html").send().await;
    let target = moved.header("location").unwrap().to_owned();
    let page = app.get(&target).send().await.expect(StatusCode::OK).text();
    assert!(page.contains("swagger-ui-bundle.js") && !page.contains("https://"), "{page}");
    let bundle = app.get("/swagger-ui/swagger-ui-bundle.js").send().await;
    assert_eq!(bundle.status, StatusCode::OK);
    assert_eq!(app.get("/actuator/info").send().await.json()["app"]["name"], "chat");
}
